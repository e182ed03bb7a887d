"""Ops: reading the control segment of a window. (delta/FORMAT.md, "Ops")"""

from dataclasses import dataclass, field

from cursor import Cursor, require
from tar_header import BLOCK_BYTES

COPY, DIFF, DATA, RUN, TOUCH, HEADER = range(6)
SIZE_CHANGES, TIME_IS_NAMED, TIME_CHANGES = 1, 2, 4
SPLICES = 8, 16, 32
"""The flags of the name, the link name and the prefix."""


@dataclass
class Op:
    kind: int
    length: int
    """Bytes that the op makes."""
    offset: int = 0
    """Where in the basis it reads; COPY, DIFF, TOUCH and HEADER."""
    byte: int = 0
    """RUN."""
    flags: int = 0
    """HEADER."""
    size_change: int = 0
    """HEADER."""
    time_change: int = 0
    """TOUCH and HEADER."""
    splices: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """HEADER: kept, removed and inserted bytes, by flag."""


class OpReader:
    """Reads the ops of window after window."""

    def __init__(self, basis_size: int):
        self.basis_size = basis_size
        self.next = 0

    def read_window(self, control: bytes, size: int) -> list[Op]:
        """The ops of a window, which make `size` bytes."""
        cursor, ops, left = Cursor(control), [], size
        while cursor.left > 0:
            op = self._read(cursor)
            require(op.length <= left, f"expected ops that make {size} bytes, found more")
            left -= op.length
            ops.append(op)
        require(left == 0, f"expected ops that make {size} bytes, found {size - left}")
        return ops

    def _read(self, cursor: Cursor) -> Op:
        first = cursor.varint()
        length, kind = first >> 3, first & 7
        require(kind <= HEADER, f"expected an op of kind 0 to {HEADER}, found {kind}")
        require(length >= 1, "expected a length of at least 1")
        if kind == DATA:
            self.next += length
            return Op(kind, length)
        if kind == RUN:
            self.next += length
            return Op(kind, length, byte=cursor.u8())
        distance = cursor.svarint()
        if kind == HEADER:
            require(length <= 64, f"expected flags of at most 63, found {length - 1}")
            op = Op(kind, BLOCK_BYTES, flags=length - 1)
        else:
            op = Op(kind, length)
        op.offset = self.next + distance
        self.next = op.offset + op.length
        require(0 <= op.offset and self.next <= self.basis_size, f"expected a range of the basis, found {op.offset} to {self.next}")
        if kind == TOUCH:
            op.time_change = cursor.svarint()
        elif kind == HEADER:
            if op.flags & SIZE_CHANGES:
                op.size_change = cursor.svarint()
            if op.flags & TIME_CHANGES:
                op.time_change = cursor.svarint()
            for flag in SPLICES:
                if op.flags & flag:
                    op.splices[flag] = (cursor.varint(), cursor.varint(), cursor.varint())
        return op
