"""Numbers of the delta and signature formats, read from bytes. (delta/FORMAT.md, "Numbers")"""

MAX_INTEGER = 2**53 - 1


class Refused(Exception):
    """The input is not what the format allows."""


def require(condition: bool, message: str) -> None:
    if not condition:
        raise Refused(message)


class Cursor:
    """Reads a byte string from its beginning to its end."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, length: int) -> bytes:
        require(length <= self.left, f"expected {length} more bytes at {self.at}, found {self.left}")
        self.at += length
        return self.data[self.at - length : self.at]

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def power(self) -> int:
        exponent = self.u8()
        require(exponent <= 52, f"expected a power of at most 52, found {exponent}")
        return 2**exponent

    def varint(self) -> int:
        value, _ = self._integer(7)
        return value

    def svarint(self) -> int:
        value, negative = self._integer(6)
        require(not (negative and value == 0), "expected no minus zero")
        return -value if negative else value

    def _integer(self, first_bits: int) -> tuple[int, bool]:
        """A magnitude of `first_bits` bits in the first byte and seven in each other one; and bit 6 of the first."""
        byte = self.u8()
        negative = byte & 64 != 0
        value, shift = byte & (2**first_bits - 1), first_bits
        while byte & 128:
            byte = self.u8()
            value |= (byte & 127) << shift
            shift += 7
            require(value <= MAX_INTEGER and shift < 70, "expected an integer of at most 53 bits")
            require(byte != 0, "expected an integer in its shortest form")
        return value, negative
