"""The header of a delta. (delta/FORMAT.md, "File" and "Header")"""

from dataclasses import dataclass, field

from streams import DATA, TAKE_HISTORY, require_codec
from cursor import MAX_INTEGER, Cursor, Refused, require
from flat_head import Envelope, read_envelope
from xxh64 import xxh64

MAGIC = bytes.fromhex("89666c6174640d0a")
VERSION = 1
MAX_HEADER_BYTES = 2**20
MAX_PRIMER_BYTES = 2**21
ENVELOPE, METADATA, PRIMER, IN_PLACE, TREE = 1, 2, 3, 4, 10
TREE_BLOCK_BYTES = 4096


@dataclass
class InPlace:
    step_bytes: int
    block_bytes: int
    stash_bytes: int
    spool_bytes: int


@dataclass
class Tree:
    content_bytes: int
    entries: int


@dataclass
class Header:
    target_form: int
    basis_size: int
    basis_digest: bytes
    basis_checksum: int
    target_size: int
    target_digest: bytes
    window_bytes: int
    segment_bytes: int
    streams: dict[int, tuple[int, int]]
    """Codec and decoder memory of each stream."""
    envelope: Envelope | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    primer: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of the basis: offset and length."""
    in_place: InPlace | None = None
    tree: Tree | None = None


def checksum(data: bytes) -> int:
    return xxh64(data) & 0xFFFFFFFF


def read_header(file: Cursor) -> Header:
    require(file.take(8) == MAGIC, "expected the magic of a delta")
    version = file.u8()
    require(version == VERSION, f"expected version {VERSION}, found {version}")
    length = file.varint()
    require(length <= MAX_HEADER_BYTES, f"expected a header of at most {MAX_HEADER_BYTES} bytes, found {length}")
    cursor = Cursor(file.take(length))
    require(checksum(file.data[: file.at]) == file.u32(), "expected another header checksum")
    target_form = cursor.u8()
    require(target_form <= 1, f"expected target form 0 or 1, found {target_form}")
    basis_size, basis_digest, basis_checksum = cursor.varint(), cursor.take(32), cursor.u64()
    target_size, target_digest = cursor.varint(), cursor.take(32)
    window_bytes, segment_bytes = cursor.power(), cursor.power()
    streams = _read_streams(cursor)
    header = Header(target_form, basis_size, basis_digest, basis_checksum, target_size, target_digest, window_bytes, segment_bytes, streams)
    _read_extensions(cursor, header)
    for stream, (codec, _) in streams.items():
        require_codec(stream, codec, segment_bytes)
    return header


def _read_streams(cursor: Cursor) -> dict[int, tuple[int, int]]:
    count = cursor.u8()
    require(1 <= count <= 3, f"expected one to three streams, found {count}")
    streams = {}
    for _ in range(count):
        byte = cursor.u8()
        stream, codec = byte >> 6, byte & 63
        require(stream <= 2, f"expected a stream of 0 to 2, found {stream}")
        require(all(stream > other for other in streams), "expected stream numbers that rise")
        streams[stream] = (codec, cursor.power())
    require(0 in streams, "expected a control stream")
    return streams


def _read_extensions(cursor: Cursor, header: Header) -> None:
    last_tag = 0
    while cursor.left > 0:
        tag = cursor.varint()
        require(tag > last_tag, "expected extension tags that rise")
        last_tag = tag
        value = cursor.take(cursor.varint())
        if tag == ENVELOPE:
            require(header.target_form == 1, "expected an envelope only where the target is a flat image")
            header.envelope = read_envelope(value, header.target_size)
        elif tag == METADATA:
            header.metadata = _read_metadata(Cursor(value))
        elif tag == PRIMER:
            require(header.streams.get(DATA, (None, 0))[0] in TAKE_HISTORY, "expected a primer only for codecs lz and text")
            header.primer = _read_primer(Cursor(value), header.basis_size)
        elif tag == IN_PLACE:
            header.in_place = _read_in_place(Cursor(value))
        elif tag == TREE:
            header.tree = _read_tree(Cursor(value))
        else:
            require(tag % 2 == 0, f"expected no unknown extension with an odd tag, found {tag}")


def _read_metadata(cursor: Cursor) -> dict[str, str]:
    metadata, last_key = {}, None
    while cursor.left > 0:
        key = _read_text(cursor)
        order = key.encode("utf-16-be")
        require(last_key is None or order > last_key, "expected metadata keys that rise")
        last_key = order
        metadata[key] = _read_text(cursor)
    return metadata


def _read_text(cursor: Cursor) -> str:
    data = cursor.take(cursor.varint())
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Refused("expected metadata in UTF-8") from error


def _read_primer(cursor: Cursor, basis_size: int) -> list[tuple[int, int]]:
    ranges, end, total = [], 0, 0
    while not ranges or cursor.left > 0:
        offset = end + cursor.svarint()
        length = cursor.varint()
        end = offset + length
        total += length
        require(length >= 1, "expected primer ranges of at least a byte")
        require(0 <= offset and end <= basis_size, f"expected primer ranges inside the basis, found {offset} to {end}")
        require(total <= MAX_PRIMER_BYTES, f"expected a primer of at most {MAX_PRIMER_BYTES} bytes, found {total}")
        ranges.append((offset, length))
    return ranges


def _read_in_place(cursor: Cursor) -> InPlace:
    step, block = cursor.u8(), cursor.u8()
    require(step <= 26, f"expected steps of at most 2^26 bytes, found 2^{step}")
    require(9 <= block <= min(step, 24), f"expected blocks of 2^9 to 2^{min(step, 24)} bytes, found 2^{block}")
    stash, spool = cursor.varint() * 2**block, cursor.varint() * 1024
    require(cursor.left == 0, "expected the in-place extension to end")
    require(max(stash, spool) <= MAX_INTEGER, "expected scratch space of at most 53 bits")
    return InPlace(2**step, 2**block, stash, spool)


def _read_tree(cursor: Cursor) -> Tree:
    content, entries = cursor.varint() * TREE_BLOCK_BYTES, cursor.varint()
    require(cursor.left == 0, "expected the tree extension to end")
    require(content <= MAX_INTEGER, "expected contents of at most 53 bits")
    return Tree(content, entries)
