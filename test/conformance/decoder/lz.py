"""Codec lz: coded literals. (codec/lz/FORMAT.md)"""

from array import array

from cursor import require
from mixing import FIRST_MAP, FRESH, LIMIT, STRETCH, U32, clamp, hash2, i16, learned, squash
from nibble import Line, Lines, Nibbles, ShareDecoder

STRETCH_BYTES = 2**20
"""No token crosses a multiple of so many bytes from the segment's beginning."""
DECODER_BYTES = 2_359_296
MAX_WINDOW = 2**25
MIN_MEMORY = 2**22
MAX_COUNT = 15
MIN_STORED = 4096


def window_bytes(decoder_memory: int) -> int:
    """The window of a decoder that declares so much memory."""
    require(decoder_memory >= MIN_MEMORY, f"expected at least {MIN_MEMORY} bytes for codec lz, found {decoder_memory}")
    window = MAX_WINDOW
    while window > decoder_memory - DECODER_BYTES:
        window //= 2
    return window


class Counters(dict):
    """Counters by context, fresh at first."""

    def __missing__(self, context):
        return FRESH


class HashedCounters:
    """2^14 counters with a check each."""

    def __init__(self):
        self.checks = array("H", bytes(2 << 14))
        self.counters = array("H", [FRESH]) * (1 << 14)

    def find(self, h: int) -> int:
        """Where the counter of hash `h` is."""
        m = h ^ h >> 13
        entry = m >> 18
        if self.checks[entry] != m & 65535:
            self.checks[entry] = m & 65535
            self.counters[entry] = FRESH
        return entry


class Small:
    """Decisions of 4 counters and a weight set."""

    def __init__(self):
        self.weights = {}
        self.counters = [Counters() for _ in range(4)]

    def decode(self, decoder: ShareDecoder, contexts: tuple, weight_set) -> int:
        held = [table[context] for table, context in zip(self.counters, contexts)]
        weights = self.weights.setdefault(weight_set, [4096] * 4)
        x = [STRETCH[counter >> 4] for counter in held]
        p = squash(clamp(-LIMIT, sum(x[j] * weights[j] for j in range(4)) >> 14, LIMIT))
        bit = decoder.bit(p)
        error = (65535 * bit - p) >> 1
        for j in range(4):
            self.counters[j][contexts[j]] = learned(held[j], bit, MAX_COUNT)
            weights[j] = i16(weights[j] + ((x[j] * error + 16384) >> 15))
        return bit


class Full:
    """Decisions of 6 counters, two weight sets and a map."""

    def __init__(self):
        self.a, self.b, self.maps = {}, {}, {}

    def decode(self, decoder: ShareDecoder, places: list[tuple], a: int, b: int, m: int) -> int:
        """One bit; a place is a table of counters and a number in it."""
        counters = [table[number] for table, number in places]
        set_a = self.a.setdefault(a, [2048] * 6)
        set_b = self.b.setdefault(b, [2048] * 6)
        knots = self.maps.get(m)
        if knots is None:
            knots = self.maps[m] = FIRST_MAP.copy()
        x = [STRETCH[counter >> 4] for counter in counters]
        mixed = clamp(-LIMIT, sum(x[j] * i16(set_a[j] + set_b[j]) for j in range(6)) >> 14, LIMIT)
        squashed = squash(mixed)
        k, s = (mixed + 3072) >> 8, (mixed + 3072) & 255
        refined = (knots[k] * (256 - s) + knots[k + 1] * s) >> 8
        bit = decoder.bit((squashed + refined + 1) >> 1)
        t = 65535 * bit
        error = (t - squashed) >> 2
        for j, (table, number) in enumerate(places):
            table[number] = learned(counters[j], bit, MAX_COUNT)
            step = (x[j] * error + 16384) >> 15
            set_a[j], set_b[j] = i16(set_a[j] + step), i16(set_b[j] + step)
        k += s >> 7
        knots[k] += (t - knots[k]) >> 6
        return bit


def hash_behind(h: int, nibble: int) -> int:
    """The hash of a context together with a nibble."""
    return (h + (16 + nibble) * 0x9E3779B1) * 0x85EBCA6B & U32


class LzDecoder:
    def __init__(self, decoder_memory: int, history: bytes):
        self.window = window_bytes(decoder_memory)
        self.made = bytearray()
        self.reps = [1, 1, 1, 1]
        self.state = self.run = self.length_slot = self.distance_slot = 0
        self.flag = Full()
        self.flag_direct = [Counters() for _ in range(4)]
        self.flag_hashed = [HashedCounters() for _ in range(2)]
        self.rep_flags = Small()
        self.nibbles = Nibbles()
        self.lines = Lines()
        self.literal_hashed = Lines(14)
        for byte in history:
            self._literal(None, byte)

    def decode(self, coded: bytes, raw_size: int) -> bytes:
        """The bytes of one segment."""
        if raw_size == 0:
            require(len(coded) == 0, "expected no coded literals")
            return b""
        if raw_size >= MIN_STORED and len(coded) == raw_size:
            self.made += coded
            self.state, self.run = 0, 15
            return coded
        self.decoder = ShareDecoder(coded)
        begin = len(self.made)
        while len(self.made) - begin < raw_size:
            into = len(self.made) - begin
            self._token(min(raw_size - into, STRETCH_BYTES - into % STRETCH_BYTES))
        self.decoder.finish("coded literals")
        return bytes(self.made[begin:])

    def _back(self, distance: int) -> int:
        """The byte so many back, 0 before the first."""
        return self.made[-distance] if distance <= len(self.made) else 0

    def _token(self, room: int) -> None:
        c1, c2, c3, m = self._back(1), self._back(2), self._back(3), self._back(self.reps[0])
        pos, state, run = len(self.made), self.state, min(self.run, 15)
        first, second = self.flag_hashed
        places = [
            (self.flag_direct[0], 4 * state + (pos & 3)),
            (self.flag_direct[1], 256 * state + c1),
            (first.counters, first.find(hash2(c1 + (c2 << 8), state))),
            (second.counters, second.find(hash2(c1 + (c2 << 8) + (c3 << 16), m))),
            (self.flag_direct[2], 256 * m + c1),
            (self.flag_direct[3], 32 * run + self.length_slot),
        ]
        if self.flag.decode(self.decoder, places, 4 * state + (pos & 3), c1, 16 * state + run):
            self._match(room)
        else:
            self._literal(self.decoder)

    def _lines(self, sort: str, contexts: tuple) -> list[Line]:
        """The lines of one sort of nibble."""
        return [self.lines[sort, number, context] for number, context in enumerate(contexts)]

    def _literal(self, decoder: ShareDecoder | None, known: int = 0) -> None:
        c1, c2, m = self._back(1), self._back(2), self._back(self.reps[0])
        kind = 0 if self.state == 0 else 1 if self.state <= 6 else 2
        h = hash2(c1 + (c2 << 8), 0)
        contexts = (c1, 256 * kind + m, c2)
        lines = [*self._lines("upper", contexts), self.literal_hashed.find(h)]
        upper = self.nibbles.decode(decoder, lines, ("upper", kind), known >> 4)
        lines = self._lines("lower", tuple((context, upper) for context in contexts))
        lines.append(self.literal_hashed.find(hash_behind(h, upper)))
        lower = self.nibbles.decode(decoder, lines, ("lower", kind, upper == m >> 4), known & 15)
        self.made.append(16 * upper + lower)
        self.run += 1
        self.state = 0 if self.state < 4 else self.state - (3 if self.state < 10 else 6)

    def _match(self, room: int) -> None:
        rep, is_short = self._rep_flags()
        length = 1 if is_short else self._length(rep)
        if not rep:
            self.reps = [self._distance(length), *self.reps[:3]]
        distance = self.reps[0]
        require(distance <= min(len(self.made), self.window), f"expected a match inside the window, found distance {distance}")
        require(length <= room, f"expected a match of at most {room} bytes, found {length}")
        for _ in range(length):
            self.made.append(self.made[-distance])
        late = self.state >= 7
        self.state = (11 if late else 9) if is_short else (11 if late else 8) if rep else (10 if late else 7)
        self.run = 0

    def _rep_flags(self) -> tuple[int, bool]:
        """Whether the distance is one of reps, which becomes the first, and whether the match is of one byte."""
        c1, m, state = self._back(1), self._back(self.reps[0]), self.state

        def flag(kind: int) -> int:
            contexts = ((kind, state), (kind, c1), (kind, m, state >= 7), (kind, self.length_slot, min(self.run, 3)))
            return self.rep_flags.decode(self.decoder, contexts, (kind, state))

        if not flag(0):
            return 0, False
        if not flag(1):
            return 1, not flag(2)
        chosen = 1 if not flag(3) else 3 if flag(4) else 2
        self.reps.insert(0, self.reps.pop(chosen))
        return 1, False

    def _length(self, rep: int) -> int:
        other = self._back(self.reps[0]) if rep else self.length_slot
        contexts = ((rep, len(self.made) & 3), (rep, self.state), (rep, self._back(1)), (rep, other))
        slot = self.nibbles.decode(self.decoder, self._lines("length", contexts), ("length", rep))
        if slot < 15:
            self.length_slot = slot
            return slot + 2
        log = self.nibbles.decode(self.decoder, self._lines("long", contexts), ("long", rep))
        self.length_slot = 15 + log
        return 16 + (1 << log) + self.decoder.plain(log)

    def _distance(self, length: int) -> int:
        l = min(length - 2, 3)
        c1, slot = self._back(1), self.distance_slot
        before = hash2(c1 + (self._back(2) << 8), min(length, 6))
        lines = self._lines("scale", (l, (l, c1), (l, slot), before >> 20))
        upper = self.nibbles.decode(self.decoder, lines, ("scale", l))
        contexts = ((upper, l), (upper, c1), (upper, slot), hash_behind(before, upper) >> 20)
        scale = 16 * upper + self.nibbles.decode(self.decoder, self._lines("first", contexts), ("first", l))
        self.distance_slot = scale >> 2
        log, top = scale >> 3, 8 + (scale & 7)
        if log <= 3:
            return top >> (3 - log)
        n = log - 3
        k = min(n, 4)
        upper_bits = (top << (n - k)) + self.decoder.plain(n - k)
        lines = self._lines("lowest", (log, scale, (k, self.reps[0] & 15), (k, len(self.made) & 15)))
        return (upper_bits << k) + self.nibbles.decode(self.decoder, lines, ("lowest", k))
