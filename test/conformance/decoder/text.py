"""Codec text: coded literals that are few. (codec/text/FORMAT.md)"""

from array import array

from cursor import require
from mixing import FRESH, U32, BitDecoder, Entries, Mixer, hash2, learned

KEPT_BYTES = 2**20
INDEX_BITS = 18
LINE_BITS = (13, 15, 16, 16, 16, 13, 13)
SHIFT = 4


class _KnownBits:
    """In the place of a decoder: tells the bits of what is known."""

    def __init__(self, data: bytes):
        self.bits = (byte >> 7 - i & 1 for byte in data for i in range(8))

    def bit(self, p: int) -> int:
        return next(self.bits)


class _Match:
    def __init__(self):
        self.kept = bytearray(KEPT_BYTES)
        self.index = array("I", bytes(4 << INDEX_BITS))
        self.count = self.place = self.length = 0

    def at(self, x: int) -> int:
        return self.kept[x % KEPT_BYTES]

    def last(self, back: int) -> int:
        return self.at(self.count - back)

    def expected(self) -> int:
        return self.at(self.place) + 1 if self.length else 0

    def length_class(self) -> int:
        n = self.length
        return n if n <= 15 else 16 if n <= 31 else 17 if n <= 63 else 18

    def quarter(self) -> int:
        n = self.length
        return 0 if n == 0 else 1 if n <= 7 else 2 if n <= 15 else 3 if n <= 31 else 4

    def take(self, v: int) -> None:
        if self.length:
            if self.at(self.place) == v:
                self.place += 1
                self.length = min(self.length + 1, 64)
            else:
                self.length = 0
        self.kept[self.count % KEPT_BYTES] = v
        self.count += 1
        c = [self.last(back) for back in range(7)]
        slot = hash2(c[1] + (c[2] << 8) + (c[3] << 16) + (c[4] << 24), c[5] + (c[6] << 8)) >> 32 - INDEX_BITS
        p = self.index[slot]
        if self.length == 0 and p != 0:
            n = 0
            while n < 64 and self.at(p - 1 - n) == self.at(self.count - 1 - n):
                n += 1
            if n >= 6:
                self.place, self.length = p, n
        self.index[slot] = self.count & U32


def _is_of_word(v: int) -> bool:
    return 65 <= v <= 90 or 97 <= v <= 122 or 48 <= v <= 57 or v == 95 or v >= 128


class TextDecoder:
    def __init__(self, primer: bytes):
        self.tables = [Entries(bits, 15) for bits in LINE_BITS]
        self.agreements = array("H", [FRESH]) * 38
        self.mixer = Mixer(8 * 19, 8 * 256, 4 * 256, SHIFT)
        self.match = _Match()
        self.word = 0
        known = _KnownBits(primer)
        for _ in primer:
            self._byte(known)

    def decode(self, coded: bytes, raw_size: int) -> bytes:
        if raw_size == 0:
            require(len(coded) == 0, "expected no coded text")
            return b""
        decoder = BitDecoder(coded)
        made = bytes(self._byte(decoder) for _ in range(raw_size))
        written = decoder.bytes_read - 4 + decoder.ending_bytes()
        require(len(coded) == written, f"expected coded text of {written} bytes, found {len(coded)}")
        return made

    def _hashes(self, expected: int) -> list[int]:
        c = [self.match.last(back) for back in range(5)]
        return [
            hash2(c[1], 1),
            hash2(c[1] + (c[2] << 8), 2),
            hash2(c[1] + (c[2] << 8) + (c[3] << 16), 3),
            hash2(c[1] + (c[2] << 8) + (c[3] << 16) + (c[4] << 24), 4),
            hash2(self.word, 5),
            hash2(expected, self.match.quarter() + (c[1] << 8) + 6 * 2**16),
            hash2(0, 7),
        ]

    def _byte(self, decoder) -> int:
        expected, length_class = self.match.expected(), self.match.length_class()
        c1 = self.match.last(1)
        sort = 0 if c1 < 48 else 1 if c1 < 97 else 2 if c1 < 128 else 3
        hashes = self._hashes(expected)
        node = 1
        for depth in range(8):
            if depth in (0, 4):
                places = [table.find((h + node * 0x9E3779B1) * 0x85EBCA6B & U32) for table, h in zip(self.tables, hashes)]
                in_tree = 1
            agrees = expected != 0 and (expected + 255) >> 8 - depth == node
            own = 2 * length_class + ((expected - 1) >> 7 - depth & 1) if agrees else 0
            counters = [table.counters[place + in_tree - 1] for table, place in zip(self.tables, places)]
            known = sum(counter & 15 != 0 for counter in counters[:4])
            agreed = length_class if agrees else 0
            all_counters = [*counters, self.agreements[own]]
            bit = self.mixer.decode(decoder, all_counters, 8 * agreed + known, 256 * depth + c1, 256 * sort + node)
            for table, place, counter in zip(self.tables, places, counters):
                table.counters[place + in_tree - 1] = learned(counter, bit)
            self.agreements[own] = learned(self.agreements[own], bit)
            node, in_tree = 2 * node + bit, 2 * in_tree + bit
        v = node & 255
        self.word = hash2(self.word, v + 256) if _is_of_word(v) else 0
        self.match.take(v)
        return v
