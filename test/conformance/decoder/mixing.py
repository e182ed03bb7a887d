"""What the codecs mix, ops, text and lz have in common. (codec/MIXING.md; codec/lz/FORMAT.md says the same of coder and tables)"""

from array import array

U32 = 2**32 - 1
FRESH = 0x8000
LIMIT = 2900
HALF = 32768
"""The probability of a plain bit."""


def clamp(low: int, x: int, high: int) -> int:
    return low if x < low else high if x > high else x


def i16(x: int) -> int:
    return clamp(-32768, x, 32767)


def _make_squash() -> list[int]:
    """The value for x stands in place x + LIMIT."""
    squash = [0] * (2 * LIMIT + 1)
    e = 2**30
    for x in range(LIMIT + 1):
        low = max(1, (e * 65536 + (2**30 + e) // 2) // (2**30 + e))
        squash[LIMIT - x] = low
        squash[LIMIT + x] = 65536 - low
        e = e * 4177952 // 2**22
    return squash


_SQUASH = _make_squash()


def squash(x: int) -> int:
    return _SQUASH[x + LIMIT]


STRETCH = [next((x for x in range(-LIMIT, LIMIT + 1) if squash(x) >= 16 * p + 8), LIMIT) for p in range(4096)]
FIRST_MAP = [squash(clamp(-LIMIT, 256 * k - 3072, LIMIT)) for k in range(25)]


def hash2(a: int, b: int) -> int:
    x = (a * 0x9E3779B1 & U32) ^ ((b + 0x7F4A7C15) * 0x85EBCA6B & U32)
    return (x ^ x >> 15) * 0x2C1B3C6D & U32


def learned(counter: int, bit: int, max_count: int = 14) -> int:
    """A counter after it has predicted a bit."""
    p, c = counter >> 4, counter & 15
    p += ((4095 * bit - p) * (65536 // (2 * c + 3)) + 16384) >> 15
    return p << 4 | min(c + 1, max_count)


class BitDecoder:
    """The arithmetic coder: one for each segment."""

    def __init__(self, coded: bytes):
        self.coded = coded
        self.low, self.high, self.code, self.bytes_read = 0, U32, 0, 0
        for _ in range(4):
            self._read_byte()

    def _read_byte(self) -> None:
        byte = self.coded[self.bytes_read] if self.bytes_read < len(self.coded) else 0
        self.code = (self.code << 8 & U32) | byte
        self.bytes_read += 1

    def bit(self, p: int) -> int:
        span = self.high - self.low
        middle = self.low + (span >> 16) * p + ((span & 65535) * p >> 16)
        bit = 1 if self.code <= middle else 0
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        self._renew()
        return bit

    def _renew(self) -> None:
        while (self.low ^ self.high) >> 24 == 0:
            self._read_byte()
            self.low = self.low << 8 & U32
            self.high = (self.high << 8 & U32) | 255

    def ending_bytes(self) -> int:
        """How many bytes the encoder wrote at the end, by MIXING.md."""
        return next(k for k in range(5) if self.high & ~(U32 >> 8 * k) & U32 >= self.low)


class Entries:
    """2^bits entries of `width` counters each, with a check each."""

    def __init__(self, bits: int, width: int):
        self.shift, self.width = 32 - bits, width
        self.checks = array("H", bytes(2 << bits))
        self.counters = array("H", [FRESH]) * (width << bits)
        self.fresh = array("H", [FRESH]) * width

    def find(self, h: int) -> int:
        """Where the counters of hash `h` begin."""
        m = h ^ h >> 13
        entry = m >> self.shift
        if self.checks[entry] != m & 65535:
            self.checks[entry] = m & 65535
            self.counters[entry * self.width : (entry + 1) * self.width] = self.fresh
        return entry * self.width


class Mixer:
    """The weight sets and maps of one sort of decision of up to 8 counters; without maps, what is mixed is taken as it is."""

    def __init__(self, sets_a: int, sets_b: int, maps: int = 0, shift: int = 2):
        self.shift = shift
        self.a = [[1024] * 8 for _ in range(sets_a)]
        self.b = [[1024] * 8 for _ in range(sets_b)]
        self.maps = [FIRST_MAP.copy() for _ in range(maps)]

    def decode(self, decoder: BitDecoder, counters: list[int], a: int, b: int, m: int | None = None) -> int:
        """One bit from these counters, which the caller lets learn."""
        set_a, set_b = self.a[a], self.b[b]
        x = [STRETCH[counter >> 4] for counter in counters]
        mixed = clamp(-LIMIT, sum(x[j] * i16(set_a[j] + set_b[j]) for j in range(len(x))) >> 13, LIMIT)
        squashed = squash(mixed)
        if m is None:
            bit = decoder.bit(squashed)
        else:
            bit = self._decode_refined(decoder, mixed, self.maps[m])
        t = 65535 * bit
        error = (t - squashed) >> self.shift
        for j in range(len(x)):
            step = (x[j] * error + 16384) >> 15
            set_a[j] = i16(set_a[j] + step)
            set_b[j] = i16(set_b[j] + step)
        return bit

    def _decode_refined(self, decoder: BitDecoder, mixed: int, knots: list[int]) -> int:
        k, s = (mixed + 3072) >> 8, (mixed + 3072) & 255
        refined = (knots[k] * (256 - s) + knots[k + 1] * s) >> 8
        bit = decoder.bit(clamp(1, (squash(mixed) + 3 * refined + 2) >> 2, 65535))
        k += s >> 7
        knots[k] += (65535 * bit - knots[k]) >> 6
        return bit

    def decode_looked_up(self, decoder: BitDecoder, tables: list[Entries], hashes: list[int], a: int, b: int, m: int | None = None) -> int:
        """One bit from tables of counters, which learn."""
        places = [table.find(h) for table, h in zip(tables, hashes)]
        return self._decode_at(decoder, tables, places, a, b, m)

    def decode_tree(self, decoder: BitDecoder, tables: list[Entries], hashes: list[int], bits: int, sets) -> int:
        """A tree of so many bits from tables of lines, which learn. `sets` tells a node's weight sets and map, if any."""
        places = [table.find(h) - 1 for table, h in zip(tables, hashes)]
        node = 1
        for _ in range(bits):
            node = 2 * node + self._decode_at(decoder, tables, [place + node for place in places], *sets(node))
        return node - (1 << bits)

    def _decode_at(self, decoder: BitDecoder, tables: list[Entries], places: list[int], a: int, b: int, m: int | None = None) -> int:
        counters = [table.counters[place] for table, place in zip(tables, places)]
        bit = self.decode(decoder, counters, a, b, m)
        for table, place, counter in zip(tables, places, counters):
            table.counters[place] = learned(counter, bit)
        return bit
