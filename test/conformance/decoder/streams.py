"""The codecs of a delta's streams. (delta/FORMAT.md, "Codecs")

Each codec has `decode(coded, raw_size, basis, spans)`: the raw bytes of the stream's next segment. `basis` are the bytes beside a
residual, `spans` tell where they stand; codec mix alone asks for them.
"""

import zlib

import brotli
import zstandard

from cursor import Cursor, Refused, require
from lz import LzDecoder
from mix import MixDecoder
from ops import make_primed_decoder
from text import TextDecoder

CONTROL, DATA, RESIDUAL = 0, 1, 2
NONE, DEFLATE, BROTLI, ZSTD, MIX, LZ, OPS, TEXT, SPARSE = range(9)
TAKE_HISTORY = (LZ, TEXT)
MAX_MIXED_SEGMENT = 2**20
DICTIONARY_BYTES = 32768
MAX_WINDOW = 2**24
Spans = list[tuple[int, int, int]]


class _None:
    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        return coded


class _Deflate:
    def __init__(self):
        self.dictionary = b""

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        stream = zlib.decompressobj(-15, self.dictionary)
        try:
            raw = stream.decompress(coded, raw_size + 1)
        except zlib.error as error:
            raise Refused(f"expected a deflate stream: {error}") from error
        require(stream.eof, "expected the deflate stream to end with its segment")
        self.dictionary = (self.dictionary + raw)[-DICTIONARY_BYTES:]
        return raw


class _Brotli:
    def __init__(self):
        self.stream = brotli.Decompressor()

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        try:
            return self.stream.process(coded)
        except brotli.error as error:
            raise Refused(f"expected a brotli stream: {error}") from error


class _Sparse:
    def __init__(self):
        self.brotli = _Brotli()

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        segment = Cursor(coded)
        packed_size = segment.varint()
        require(packed_size <= 2 * raw_size + 16, f"expected at most {2 * raw_size + 16} packed bytes, found {packed_size}")
        packed = self.brotli.decode(segment.take(segment.left), packed_size, basis, spans)
        require(len(packed) == packed_size, f"expected {packed_size} packed bytes, found {len(packed)}")
        return self.unpack(Cursor(packed), raw_size)

    def unpack(self, packed: Cursor, raw_size: int) -> bytes:
        gaps_size, lengths_size = packed.varint(), packed.varint()
        gaps, lengths = Cursor(packed.take(gaps_size)), Cursor(packed.take(lengths_size))
        raw = bytearray()
        while True:
            gap = gaps.varint()
            require(gap > 0 or not raw or not lengths.left, "expected zeros between two runs")
            require(gap <= raw_size - len(raw), "expected a gap inside the segment")
            raw += bytes(gap)
            if not lengths.left:
                break
            length = lengths.varint()
            require(0 < length <= raw_size - len(raw), "expected a run of a byte or more inside the segment")
            raw += packed.take(length)
        require(not gaps.left and not packed.left, "expected the end of a packed segment")
        return bytes(raw)


class _Zstd:
    def __init__(self):
        self.stream = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        try:
            return self.stream.decompress(coded)
        except zstandard.ZstdError as error:
            raise Refused(f"expected a zstd frame: {error}") from error


class _Mix:
    def __init__(self):
        self.decoder = MixDecoder()

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        require(len(basis) == raw_size, f"expected DIFF ops of {raw_size} bytes in all, found {len(basis)}")
        return self.decoder.decode(coded, basis, spans)


class _Lz:
    def __init__(self, memory: int, primer: bytes):
        self.decoder = LzDecoder(memory, primer)

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        return self.decoder.decode(coded, raw_size)


class _Ops:
    def __init__(self):
        self.decoder = make_primed_decoder()

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        return self.decoder.decode(coded, raw_size)


class _Text:
    def __init__(self, primer: bytes):
        self.decoder = TextDecoder(primer)

    def decode(self, coded: bytes, raw_size: int, basis: bytes, spans: Spans) -> bytes:
        return self.decoder.decode(coded, raw_size)


def require_codec(stream: int, codec: int, segment_bytes: int) -> None:
    """Refuses what no delta may declare."""
    require(codec <= SPARSE, f"expected a codec of 0 to {SPARSE}, found {codec}")
    require(codec != MIX or stream == RESIDUAL, "expected codec mix in the residual stream alone")
    require(codec != OPS or stream == CONTROL, "expected codec ops in the control stream alone")
    if codec in (MIX, OPS, TEXT):
        require(segment_bytes <= MAX_MIXED_SEGMENT, f"expected segments of at most {MAX_MIXED_SEGMENT} bytes, found {segment_bytes}")


def make_codec(codec: int, memory: int, primer: bytes):
    if codec == MIX:
        return _Mix()
    if codec == LZ:
        return _Lz(memory, primer)
    if codec == TEXT:
        return _Text(primer)
    return {NONE: _None, DEFLATE: _Deflate, BROTLI: _Brotli, ZSTD: _Zstd, OPS: _Ops, SPARSE: _Sparse}[codec]()
