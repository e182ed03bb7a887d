"""Codec mix: the coded residual. (codec/mix/FORMAT.md)"""

from array import array
from bisect import bisect_right
from itertools import accumulate

from cursor import require
from mixing import LIMIT, U32, BitDecoder, Entries, Mixer, clamp, hash2, learned, squash

BEFORE = 64
"""Bytes of the segments before that a segment looks back to; byte i stands in place i + BEFORE."""

PLACED = (1, 3, 4)
"""The sources that hold how far places have moved."""

MIN_ALIGNED = 36000


class Bytes:
    """The place of a field that is a number of bytes, and what its difference and the place's move make of each other."""

    is_branch = False

    def __init__(self, address: int, x: int, shift: int):
        self.g, self.shift = (address + x) & U32, shift

    def difference(self, move: int) -> int:
        return (move - self.shift) & U32

    def move(self, difference: int) -> int:
        return (difference + self.shift) & U32


class Branch:
    """The lower bits count words."""

    is_branch = True

    def __init__(self, address: int, x: int, shift: int, bits: int):
        self.x, self.shift, self.bits = x, shift, bits
        self.g = (address + 4 * signed(x, bits)) & U32

    def difference(self, move: int) -> int:
        mask = (1 << self.bits) - 1
        low = (self.x + (signed(move - self.shift, 32) >> 2)) & mask
        return (low - (self.x & mask)) & U32

    def move(self, difference: int) -> int:
        return (4 * signed(difference, self.bits) + self.shift) & U32


class Page:
    """A number of pages, to which a user adds."""

    is_branch = False

    def __init__(self, address: int, x: int, shift: int, added: int):
        self.x, self.added = x, added
        self.passed = passed(address, shift)
        self.g = page_start(address, x) + added & U32

    def difference(self, move: int) -> int:
        pages = pages_of(self.x) + (signed(self.added + move, 32) >> 12) - self.passed
        made = (self.x & 0x9F00001F) | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
        return (made - self.x) & U32

    def move(self, difference: int) -> int:
        return 4096 * (pages_of(self.x + difference) - pages_of(self.x) + self.passed) & U32


class InPage:
    """What is added to a page; `target` is what that page's number becomes."""

    is_branch = False

    def __init__(self, address: int, x: int, shift: int, page: int, target: int):
        self.x, self.unit = x, unit_of(x, page)
        self.added = added_by(x, self.unit)
        self.moved = 4096 * (pages_of(target) - pages_of(page) + passed(address, shift))
        self.g = page_start(address, page) + self.added & U32

    def difference(self, move: int) -> int:
        made = (self.added + move) & 4095
        return ((made >> self.unit) - (self.added >> self.unit)) << 10 & U32

    def move(self, difference: int) -> int:
        return (self.moved + added_by(self.x + difference, self.unit) - self.added) & U32


def signed(x: int, bits: int) -> int:
    x &= (1 << bits) - 1
    return x - (x >> (bits - 1) << bits)


def is_page(x: int) -> bool:
    return x & 0x9F000000 == 0x90000000


def pages_of(x: int) -> int:
    return 4 * signed(x >> 5, 19) + (x >> 29 & 3)


def page_start(address: int, page: int) -> int:
    return address - (address & 4095) + 4096 * pages_of(page)


def passed(address: int, shift: int) -> int:
    return signed((address & 4095) + shift, 32) >> 12


def unit_of(user: int, page: int) -> int | None:
    """The unit of a number when it is a user of a page."""
    if user >> 5 & 31 != page & 31:
        return None
    if user & 0xFFC00000 == 0x91000000:
        return 0
    if user & 0x3B000000 != 0x39000000:
        return None
    return 4 if user & 0xC4800000 == 0x04800000 else user >> 30


def added_by(user: int, unit: int) -> int:
    return (user >> 10 & 4095) << unit


class MixDecoder:
    def __init__(self):
        self.basis, self.residual = bytearray(BEFORE), bytearray(BEFORE)
        self.flags = self.run = self.last = self.aligned = 0
        self.begins = [[((4 + (n & 3)) << (n >> 2)) >> 2 for n in range(64)] for _ in range(8)]
        self.scout = [array("h", bytes(2 << 16)) for _ in range(3)]
        self.flag_tables = [Entries(12, 1) for _ in range(6)]
        self.flag_mixer = Mixer(512, 1024)
        self.sources = [[(0, 0)] * 32768 for _ in range(6)]
        self.recent = [(0, 0), (0, 0)]
        self.scores = [[32768] * 16 for _ in range(8)]
        self.outcomes = 0
        self.rank_tables = [Entries(12, 1) for _ in range(3)]
        self.rank_mixer = Mixer(256, 512)
        self.value_tables = [Entries(11, 15) for _ in range(6)]
        self.value_mixer = Mixer(256, 1024)

    def decode(self, coded: bytes, basis: bytes, spans: list[tuple[int, int, int]]) -> bytes:
        """The residual of one segment, from its coded bytes, the basis bytes beside it and where they stand: spans of (length,
        basis offset, bytes made before)."""
        n = len(basis)
        if n == 0:
            require(len(coded) == 0, "expected no coded residual")
            return b""
        self.spans, self.span_ends = spans, list(accumulate(length for length, _, _ in spans))
        self.decoder = BitDecoder(coded)
        self.basis[BEFORE:] = basis + bytes(16)
        self.residual[BEFORE:] = bytes(n)
        self.end = BEFORE + n
        i = BEFORE
        while i < self.end:
            i = self._step(i)
        written = self.decoder.bytes_read - 4 + self.decoder.ending_bytes()
        require(len(coded) == written, f"expected a coded residual of {written} bytes, found {len(coded)}")
        made = bytes(self.residual[BEFORE:])
        self.basis = self.basis[n : n + BEFORE]
        self.residual = self.residual[n : n + BEFORE]
        return made

    def _w(self, i: int) -> int:
        return int.from_bytes(self.basis[i : i + 4], "little")

    def _put(self, i: int, value: int) -> None:
        """Byte i of the residual is known."""
        self.residual[i] = value
        self.flags = self.flags << 1 & U32
        if value:
            self.flags |= 1
            self.run = 0
            self.last = value
        else:
            self.run += 1

    def _step(self, i: int) -> int:
        """One look from position i, and what is coded for it. Returns where to go on."""
        looks, risk, stop = [], 0, None
        for j in range(i, min(i + 64, self.end)):
            look = self._look(j, self.run + j - i)
            if look[0] > 2048:
                stop = look
                break
            if risk + look[0] > 8192:
                break
            looks.append(look)
            risk += look[0]
        if looks:
            found = self._find(looks, risk)
            for p, weights in looks[:found]:
                if p > 655:
                    self._scout_learns(p, weights, 0)
            for j in range(i, i + (len(looks) if found is None else found)):
                self._put(j, 0)
            if found is not None:
                self._scout_learns(*looks[found], 1)
                return self._field(i + found)
        i += len(looks)
        if stop is not None:
            bit = self._flag(i, 0, stop[0])
            self._scout_learns(*stop, bit)
            if bit:
                return self._field(i)
            self._put(i, 0)
            i += 1
        return i

    def _look(self, j: int, zeros: int) -> tuple[int, list[int]]:
        b, w = self.basis, self._w(j)
        weights = [
            ((w >> 8) * 0x9E3779B1 & U32) >> 16,
            b[j - 2] + (b[j - 1] << 8),
            min(zeros, 63) + 64 * b[j],
        ]
        total = sum(table[number] for table, number in zip(self.scout, weights))
        return squash(clamp(-LIMIT, (total - 1536) >> 2, LIMIT)), weights

    def _scout_learns(self, p: int, weights: list[int], begins: int) -> None:
        step = ((65536 * begins - p) * 5 + 256) >> 9
        for table, number in zip(self.scout, weights):
            table[number] = clamp(-32000, table[number] + step, 32000)

    def _find(self, looks: list, risk: int) -> int | None:
        """The position of the group in which a field begins."""
        e = risk.bit_length() - 1
        chances, number = self.begins[len(looks).bit_length() - 1], 4 * e + ((4 * risk >> e) & 3)
        bit = self.decoder.bit(max(1, chances[number]))
        chances[number] += (65535 * bit - chances[number]) >> 6
        if not bit:
            return None
        left = risk
        for position, (p, _) in enumerate(looks[:-1]):
            if self.decoder.bit(clamp(1, 65536 * p // left, 65535)):
                return position
            left -= p
        return len(looks) - 1

    def _carries(self, i: int) -> int:
        b, r = self.basis, self.residual
        return ((b[i - 1] + r[i - 1]) >> 8) + 2 * ((b[i - 2] + r[i - 2]) >> 8)

    def _flag(self, i: int, phase: int, opinion: int = 0) -> int:
        b, r, w, flags = self.basis, self.residual, self._w(i), self.flags
        carries = self._carries(i)
        hashes = [
            hash2(w >> 12, flags & 1),
            hash2(b[i + 2] + (b[i + 3] << 8) + (b[i - 1] << 16), flags & 15),
            hash2(r[i - 2] + (r[i - 1] << 8), carries + 16 * phase),
            hash2(b[i] + (b[i + 1] << 8) + (r[i - 1] << 16), carries),
            hash2(b[i - 2] + (b[i - 1] << 8), flags & 15),
            hash2(flags & 65535, phase),
        ]
        places = [table.find(h) if phase > 0 or j != 4 else 0 for j, (table, h) in enumerate(zip(self.flag_tables, hashes))]
        counters = [table.counters[place] for table, place in zip(self.flag_tables, places)]
        if phase == 0:
            counters[4] = opinion & 0xFFF0
        run = self.run
        step = run if run < 4 else run.bit_length() + 1 if run < 512 else 10 if run < 1024 else 11
        bit = self.flag_mixer.decode(
            self.decoder,
            counters,
            (flags & 7) + 8 * step + 128 * phase,
            b[i] + 256 * ((flags & 1) + 1 if phase > 0 else 0),
        )
        for j in range(6):
            if phase > 0 or j != 4:
                self.flag_tables[j].counters[places[j]] = learned(counters[j], bit)
        return bit

    def _field(self, i: int) -> int:
        """The bytes of a field that begins at i. Returns where it ends."""
        offset, shift = self._standing(i - BEFORE)
        before = offset & 3
        skipped = before if self.aligned > MIN_ALIGNED else 0
        self.aligned += ((0 if before else 65536) - self.aligned) >> 7
        s = i - skipped
        if s + 4 > self.end:
            self._values(i, 0, self.end)
            return self.end
        w = self._w(s)
        place = self._place(s, (offset - skipped) & U32, shift)
        entries = self._source_entries(s, place.g)
        foretold = [self._foretells(source, entries[source], place) for source in range(6)] + self.recent
        found = self._ranks(s, skipped, foretold)
        if found is None:
            self._values(s, skipped, s + 4)
        else:
            target = ((w + found) & U32).to_bytes(4, "little")
            for j in range(skipped, 4):
                self._put(s + j, (target[j] - self.basis[s + j]) & 255)
        made = bytes((self.basis[j] + (self.residual[j] if j >= i else 0)) & 255 for j in range(s, s + 4))
        self._learn_difference((int.from_bytes(made, "little") - w) & U32, place, foretold, entries)
        return s + 4

    def _place(self, s: int, address: int, shift: int):
        x = self._w(s)
        if address & 3:
            return Bytes(address, x, shift)
        if x >> 26 & 31 == 5:
            return Branch(address, x, shift, 26)
        if x >> 25 == 0x75:
            return Branch(address, x, shift, 24)
        if is_page(x):
            users = [self._w(j) for j in range(s + 4, s + 20, 4)]
            added = (added_by(user, unit_of(user, x)) for user in users if unit_of(user, x) is not None)
            return Page(address, x, shift, next(added, 0))
        for j in range(s - 4, s - 36, -4):
            page = self._w(j)
            if is_page(page) and unit_of(x, page) is not None:
                target = bytes((self.basis[k] + self.residual[k]) & 255 for k in range(j, j + 4))
                return InPage((address - (s - j)) & U32, x, shift, page, int.from_bytes(target, "little"))
        return Bytes(address, x, shift)

    def _standing(self, at: int) -> tuple[int, int]:
        """Basis offset and shift of byte `at` of the segment."""
        span = bisect_right(self.span_ends, at)
        length, offset, made = self.spans[span]
        return offset + at - (self.span_ends[span] - length), (made - offset) & U32

    def _source_entries(self, i: int, g: int) -> list[int]:
        b, w = self.basis, self._w(i)
        return [
            hash2(a, b) >> 17
            for a, b in ((w >> 9, 0), (g >> 8, 3), (w, 1), (g, 2), (g >> 11, 4), (w >> 16, b[i - 1] + 512))
        ]

    def _foretells(self, source: int, entry: int, place) -> tuple[int, int]:
        held, q = self.sources[source][entry]
        return place.difference(held) if source in PLACED and held else held, q

    def _ranks(self, i: int, skipped: int, foretold: list[tuple[int, int]]) -> int | None:
        """The difference, if the first or the second choice is right."""
        first = self._choose(skipped, foretold, None)
        if first is None:
            return None
        if self._rank(i, first, 0, foretold):
            return foretold[first][0]
        second = self._choose(skipped, foretold, foretold[first][0])
        if second is not None and self._rank(i, second, 1, foretold):
            return foretold[second][0]
        return None

    def _choose(self, skipped: int, foretold: list[tuple[int, int]], wrong: int | None) -> int | None:
        best, best_score = None, 0
        for s, (d, q) in enumerate(foretold):
            if d % 256**skipped == 0 and d >> 8 * skipped & 255 and d != wrong and self.scores[s][q] > best_score:
                best, best_score = s, self.scores[s][q]
        return best

    def _rank(self, i: int, s: int, rank: int, foretold: list[tuple[int, int]]) -> int:
        b, w = self.basis, self._w(i)
        d, q = foretold[s]
        mask = sum(1 << t for t in range(8) if foretold[t][0] == d)
        hashes = [
            hash2(mask, rank),
            hash2((w >> 12) + (b[i - 1] << 20), d ^ rank << 31),
            hash2((self.outcomes & 255) + (s << 8), rank),
        ]
        bit = self.rank_mixer.decode_looked_up(
            self.decoder,
            self.rank_tables,
            hashes,
            16 * s + q + 128 * rank,
            mask + 256 * rank,
        )
        self.outcomes = (2 * self.outcomes + bit) & U32
        return bit

    def _learn_difference(self, difference: int, place, foretold: list[tuple[int, int]], entries: list[int]) -> None:
        if place.is_branch and any(foretold[s][0] == difference for s in PLACED):
            self.aligned += (65536 - self.aligned) >> 3
        for s, (d, q) in enumerate(foretold):
            right = d == difference
            self.scores[s][q] += (65535 * right - self.scores[s][q]) >> 5
            if s < 6:
                held, _ = self.sources[s][entries[s]]
                moved = place.move(difference) if s in PLACED else difference
                self.sources[s][entries[s]] = (held, min(15, q + 1)) if right else (moved, 0)
        q = next((min(15, q + 1) for d, q in foretold[6:] if d == difference), 0)
        if self.recent[0][0] != difference:
            self.recent[1] = self.recent[0]
        self.recent[0] = (difference, q)

    def _values(self, start: int, skipped: int, end: int) -> None:
        """The bytes of a field, one by one."""
        for i in range(start + skipped, end):
            phase = i - start
            is_other = phase == skipped or self._flag(i, phase)
            self._put(i, self._value(i, start) if is_other else 0)

    def _value(self, i: int, start: int) -> int:
        b, r, w, phase = self.basis, self.residual, self._w(i), i - start
        carries = self._carries(i)
        place = carries + 16 * phase
        done = int.from_bytes(r[start:i], "little") ^ phase << 28
        hashes = [
            hash2(self._w(start) >> 16, done),
            hash2(w >> 8, self.flags & 3),
            hash2(self.last, place),
            hash2(0, 0),
            hash2(b[i - 2] + (b[i - 1] << 8), self.flags & 3),
            hash2(b[i], phase),
        ]
        high = self._half(1, hashes, phase, carries)
        low = self._half(high, [(h + high * 0x9E3779B1) * 0x85EBCA6B & U32 for h in hashes], phase, carries)
        return low & 255

    def _half(self, start: int, hashes: list[int], phase: int, carries: int) -> int:
        """The node four bits behind node `start` of a value."""

        def sets(node: int) -> tuple[int, int]:
            bits = node.bit_length() - 1
            whole = (start - 1 << bits) + node
            depth = whole.bit_length() - 1
            set_b = depth + 8 * phase + 32 * min(self.run, 4) + 256 * carries
            return whole, set_b

        return 16 * start + self.value_mixer.decode_tree(self.decoder, self.value_tables, hashes, 4, sets)
