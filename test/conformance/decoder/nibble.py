"""Coding by nibbles: arithmetic decoder, lines, mixtures. (codec/NIBBLES.md)"""

from cursor import require
from mixing import U32, BitDecoder

MIN_RANGE = 65536
ONE = 32768


class ShareDecoder(BitDecoder):
    """An interval that never becomes small, so that more than bits can be coded in it."""

    def _renew(self) -> None:
        while True:
            super()._renew()
            if self.high - self.low >= MIN_RANGE:
                return
            border = self.high & 0xFF000000
            if self.high - border < border - self.low:
                self.high = border - 1
            else:
                self.low = border

    def share(self, bits: int) -> int:
        """Which of 2^bits shares the coded number is in."""
        unit = (self.high - self.low) >> bits
        return min((self.code - self.low & U32) // unit, (1 << bits) - 1)

    def take(self, start: int, end: int, bits: int) -> None:
        unit = (self.high - self.low) >> bits
        if end != 1 << bits:
            self.high = self.low + unit * end - 1
        self.low += unit * start
        self._renew()

    def plain(self, bits: int) -> int:
        value = 0
        while bits > 0:
            part = min(bits, 8)
            bits -= part
            share = self.share(part)
            self.take(share, share + 1, part)
            value = value << part | share
        return value

    def finish(self, what: str) -> None:
        written = self.bytes_read - 3
        require(len(self.coded) == written, f"expected {what} of {written} bytes, found {len(self.coded)}")
        require(self.coded[-1] == (self.low >> 24) + 1, f"expected {what} with another last byte")


class Line:
    """The distribution of a nibble in one context."""

    def __init__(self, check: int = 0):
        self.below = [2048 * i for i in range(17)]
        self.count = 0
        self.check = check

    def learn(self, symbol: int) -> None:
        rate = 65536 // (2 * self.count + 3) if self.count < 15 else 512
        for i in range(1, 16):
            goal = 2 * i if i <= symbol else ONE - 2 * (16 - i)
            self.below[i] += ((goal - self.below[i]) * rate + 16384) >> 15
        self.count = min(self.count + 1, 15)

    def grade(self) -> int:
        return 0 if self.count == 0 else 1 if self.count <= 2 else 2 if self.count <= 7 else 3


class Lines(dict):
    """Lines by context, or 2^bits by hash."""

    def __init__(self, bits: int = 0):
        self.shift = 32 - bits

    def __missing__(self, context):
        line = self[context] = Line()
        return line

    def find(self, h: int) -> Line:
        """The line of a hash."""
        m = h ^ h >> 13
        line = self[m >> self.shift]
        if line.check != m & 4095:
            line = self[m >> self.shift] = Line(m & 4095)
        return line


class Nibbles:
    """The weights of kinds of nibbles."""

    def __init__(self):
        self.sets = {}

    def decode(self, decoder: ShareDecoder | None, lines: list[Line], kind, known: int = 0) -> int:
        """A nibble from four lines; without a decoder it is `known`, and only learned."""
        grades = tuple(line.grade() for line in lines[1:])
        weights = self.sets.setdefault((kind, grades), [8192] * 4)
        shares = [0]
        for i in range(1, 16):
            mixed = min(32767, sum((line.below[i] * weight + 16384) >> 15 for line, weight in zip(lines, weights)))
            shares.append(mixed - (mixed >> 11) + i)
        shares.append(ONE)
        symbol = known
        if decoder:
            share = decoder.share(15)
            symbol = max(i for i in range(16) if shares[i] <= share)
            decoder.take(shares[symbol], shares[symbol + 1], 15)
        products = [weight * (line.below[symbol + 1] - line.below[symbol]) for line, weight in zip(lines, weights)]
        all_products = max(1, sum(products))
        z = 32 - all_products.bit_length()
        inverse = 2**31 // (all_products << z >> 16)
        for j in range(3):
            q = (products[j] << z >> 16) * inverse >> 16
            weights[j] += (q - (q >> 6) + 128 - weights[j]) >> 5
        weights[3] = ONE - sum(weights[:3])
        for line in lines:
            line.learn(symbol)
        return symbol
