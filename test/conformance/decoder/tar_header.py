"""Tar header blocks of flat images, and how TOUCH and HEADER ops change them. (delta/FORMAT.md, "Ops")"""

from cursor import require

BLOCK_BYTES = 512
MAX_OCTAL = 8**11 - 1
SIZE, TIME, CHECKSUM = slice(124, 136), slice(136, 148), slice(148, 156)
NAME, LINK_NAME, PREFIX = slice(0, 100), slice(157, 257), slice(345, 500)


def _number(field: bytes) -> int:
    digits = field[:11]
    require(field[11:] == b"\0" and all(0x30 <= digit <= 0x37 for digit in digits), "expected eleven octal digits and NUL in a tar header")
    return int(digits, 8)


def _sum(block: bytes) -> bytes:
    return b"%06o\0 " % (sum(block[:148]) + 8 * 0x20 + sum(block[156:]))


class TarHeader:
    """A header block that is checked when it is read, and gets its checksum when it is written."""

    def __init__(self, block: bytes):
        require(len(block) == BLOCK_BYTES, "expected a whole tar header")
        require(block[CHECKSUM] == _sum(block), "expected another checksum of a tar header")
        self.block = bytearray(block)
        self.size = _number(block[SIZE])
        self.time = _number(block[TIME])

    def splice(self, field: slice, kept: int, removed: int, inserted: bytes) -> None:
        text = bytes(self.block[field]).rstrip(b"\0")
        room = field.stop - field.start
        require(kept + removed <= len(text), f"expected a text of {kept + removed} bytes in a tar header, found {len(text)}")
        require(b"\0" not in text, "expected no NUL inside a text of a tar header")
        text = text[:kept] + inserted + text[kept + removed :]
        require(len(text) <= room, f"expected a text of at most {room} bytes in a tar header, found {len(text)}")
        self.block[field] = text.ljust(room, b"\0")

    def write(self) -> bytes:
        for name, value in (("size", self.size), ("time", self.time)):
            require(0 <= value <= MAX_OCTAL, f"expected a {name} of eleven octal digits in a tar header, found {value}")
        self.block[SIZE] = b"%011o\0" % self.size
        self.block[TIME] = b"%011o\0" % self.time
        self.block[CHECKSUM] = _sum(self.block)
        return bytes(self.block)


def touch_entries(entries: bytes, shift: int) -> bytes:
    """Tar entries from a header block on, with their times moved by `shift` seconds."""
    made = bytearray()
    at = 0
    while at < len(entries):
        header = TarHeader(entries[at : at + BLOCK_BYTES])
        header.time += shift
        content = -(-header.size // BLOCK_BYTES) * BLOCK_BYTES
        made += header.write()
        made += entries[at + BLOCK_BYTES : at + BLOCK_BYTES + content]
        at += BLOCK_BYTES + content
    return bytes(made)
