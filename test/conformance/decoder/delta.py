"""Applying deltas: windows, and what their ops make. (delta/FORMAT.md)"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import BinaryIO

import op
from cursor import Cursor, require
from flat_head import DIGITS, make_head
from header import Header, checksum, read_header
from op import Op, OpReader
from streams import CONTROL, DATA, MIX, RESIDUAL, make_codec
from tar_header import LINK_NAME, NAME, PREFIX, TarHeader, touch_entries

MAX_WINDOW_BYTES = 2**28
"""A limit of this reader, not of the format: it makes a window in memory."""
CHECKED_WINDOW_BYTES = 2**22
"""Of larger windows the checksum, which a reader SHOULD check, would take this reader minutes."""


def apply_delta(basis: BinaryIO, delta: bytes, target: BinaryIO) -> Header:
    """Writes the target that `delta` makes of `basis`. It is proven only when this returns."""
    file = Cursor(delta)
    header = read_header(file)
    _require_basis(basis, header)
    Applier(basis, header, file, target).run()
    return header


def _require_basis(basis: BinaryIO, header: Header) -> None:
    size = basis.seek(0, 2)
    require(size == header.basis_size, f"expected a basis of {header.basis_size} bytes, found {size}")
    basis.seek(0)
    digest, buffer = sha256(), memoryview(bytearray(2**20))
    while length := basis.readinto(buffer):
        digest.update(buffer[:length])
    require(digest.digest() == header.basis_digest, f"expected basis {header.basis_digest.hex()}, found {digest.hexdigest()}")


@lru_cache(maxsize=1)
def _run_of(byte: int, length: int) -> bytes:
    """Windows of one long run are many at a time."""
    return bytes([byte]) * length


class Applier:
    """Makes the target, window by window."""

    def __init__(self, basis: BinaryIO, header: Header, file: Cursor, target: BinaryIO):
        self.basis, self.header, self.file, self.target = basis, header, file, target
        primer = b"".join(self._read_basis(offset, length) for offset, length in header.primer)
        self.codecs = {
            stream: make_codec(codec, memory, primer if stream == DATA else b"")
            for stream, (codec, memory) in header.streams.items()
        }
        self.op_reader = OpReader(header.basis_size)
        self.shift = self.named = self.made = 0

    def run(self) -> None:
        digest, left, windows = sha256(), self.header.target_size, 0
        while (kind := self.file.u8()) == 1:
            window = self._window(left, is_first=windows == 0)
            windows += 1
            left -= len(window)
            digest.update(window)
            self.target.write(window)
        require(kind == 0, f"expected a target window or the end, found record kind {kind}")
        require(left == 0, f"expected windows for {left} more bytes")
        count = self.file.varint()
        require(count == windows, f"expected {windows} windows to be declared, found {count}")
        end = self.file.at
        require(self.file.u32() == checksum(self.file.data[:end]), "expected another checksum of the delta")
        require(self.file.left == 0, "expected the delta to end")
        require(digest.digest() == self.header.target_digest, "expected another digest of the target")

    def _window(self, left: int, is_first: bool) -> bytes:
        declared = self.file.varint()
        size = declared or left
        require(1 <= size <= min(left, self.header.window_bytes), f"expected a window of 1 to {left} bytes, found {size}")
        require(size <= MAX_WINDOW_BYTES, f"expected a window of at most {MAX_WINDOW_BYTES} bytes, found {size}")
        sizes = [self._segment_sizes(stream) for stream in range(3)]
        window_checksum = self.file.u32()
        coded = [self.file.take(coded_size) for _, coded_size in sizes]
        envelope = self.header.envelope if is_first else None
        made_by_ops = size
        if envelope:
            require(size >= envelope.head_bytes, f"expected a first window with the head, found {size} bytes")
            made_by_ops += envelope.config_bytes - DIGITS - envelope.head_bytes

        ops = self.op_reader.read_window(self._segment(CONTROL, sizes, coded), made_by_ops)
        data = Cursor(self._segment(DATA, sizes, coded))
        residual = Cursor(self._segment(RESIDUAL, sizes, coded, ops))
        self.made += made_by_ops
        window = b"".join(self._carry_out(each, data, residual) for each in ops)
        require(data.left == 0 and residual.left == 0, "expected the ops to use up data and residual")
        if envelope:
            config_bytes = envelope.config_bytes - DIGITS
            window = make_head(envelope, window[:config_bytes], self.header.target_size) + window[config_bytes:]
        if size <= CHECKED_WINDOW_BYTES:
            require(checksum(window) == window_checksum, "expected another checksum of the window")
        return window

    def _segment_sizes(self, stream: int) -> tuple[int, int]:
        raw = self.file.varint()
        if raw == 0:
            return 0, 0
        require(stream in self.codecs, f"expected no segment of stream {stream}, which the header does not declare")
        require(raw <= self.header.segment_bytes, f"expected a segment of at most {self.header.segment_bytes} bytes, found {raw}")
        coded = self.file.varint()
        require(coded <= raw + raw // 8 + 4096, f"expected less coded bytes for {raw}, found {coded}")
        return raw, coded

    def _segment(self, stream: int, sizes: list[tuple[int, int]], coded: list[bytes], ops: Sequence[Op] = ()) -> bytes:
        raw_size, _ = sizes[stream]
        if raw_size == 0:
            return b""
        basis, spans = b"", []
        if self.header.streams[stream][0] == MIX:
            diffs = [each for each in ops if each.kind == op.DIFF]
            length = sum(each.length for each in diffs)
            require(length == raw_size, f"expected a residual for {length} bytes, found {raw_size}")
            basis = b"".join(self._read_basis(each.offset, each.length) for each in diffs)
            starts = accumulate((each.length for each in ops), initial=self.made)
            spans = [(each.length, each.offset, made) for each, made in zip(ops, starts) if each.kind == op.DIFF]
        raw = self.codecs[stream].decode(coded[stream], raw_size, basis, spans)
        require(len(raw) == raw_size, f"expected a segment of {raw_size} bytes, found {len(raw)}")
        return raw

    def _read_basis(self, offset: int, length: int) -> bytes:
        self.basis.seek(offset)
        return self.basis.read(length)

    def _carry_out(self, each: Op, data: Cursor, residual: Cursor) -> bytes:
        if each.kind == op.DATA:
            return data.take(each.length)
        if each.kind == op.RUN:
            return _run_of(each.byte, each.length)
        basis = self._read_basis(each.offset, each.length)
        if each.kind == op.COPY:
            return basis
        if each.kind == op.DIFF:
            return bytes((b + r) & 255 for b, r in zip(basis, residual.take(each.length)))
        if each.kind == op.TOUCH:
            self.shift += each.time_change
            return touch_entries(basis, self.shift)
        return self._change_header(TarHeader(basis), each, data)

    def _change_header(self, header: TarHeader, each: Op, data: Cursor) -> bytes:
        header.size += each.size_change
        if each.flags & op.TIME_IS_NAMED:
            self.named += each.time_change
            header.time = self.named
        else:
            self.shift += each.time_change
            header.time += self.shift
        for flag, text in zip(op.SPLICES, (NAME, LINK_NAME, PREFIX)):
            if flag in each.splices:
                kept, removed, inserted = each.splices[flag]
                header.splice(text, kept, removed, data.take(inserted))
        return header.write()
