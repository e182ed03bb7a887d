"""Codec lz: coded literals. (codec/lz/FORMAT.md)"""

from array import array

from cursor import require
from mixing import FIRST_MAP, FRESH, HALF, LIMIT, STRETCH, U32, BitDecoder, clamp, hash2, i16, learned, squash

STRETCH_BYTES = 2**20
"""No token crosses a multiple of so many bytes from the segment's beginning."""
DECODER_BYTES = 5_636_096
MAX_WINDOW = 2**25
MIN_MEMORY = 2**23
MAX_COUNT = 15


def window_bytes(decoder_memory: int) -> int:
    """The window of a decoder that declares so much memory."""
    require(decoder_memory >= MIN_MEMORY, f"expected at least {MIN_MEMORY} bytes for codec lz, found {decoder_memory}")
    window = MAX_WINDOW
    while window > decoder_memory - DECODER_BYTES:
        window //= 2
    return window


class Contexts(dict):
    """Groups of counters by context, fresh at first: one for each node."""

    def __missing__(self, context):
        group = self[context] = {}
        return group


class HashedGroups:
    """2^bits groups of counters with a check each."""

    def __init__(self, bits: int):
        self.shift = 32 - bits
        self.checks = array("H", bytes(2 << bits))
        self.groups = [{} for _ in range(1 << bits)]

    def find(self, h: int) -> dict:
        m = h ^ h >> 13
        entry = m >> self.shift
        if self.checks[entry] != m & 65535:
            self.checks[entry] = m & 65535
            self.groups[entry] = {}
        return self.groups[entry]


class Small:
    """Decisions of 4 counters and a weight set."""

    def __init__(self):
        self.weights = {}
        self.contexts = [Contexts() for _ in range(4)]

    def decode(self, decoder: BitDecoder, contexts: tuple, node: int, weight_set) -> int:
        groups = [table[context] for table, context in zip(self.contexts, contexts)]
        counters = [group.get(node, FRESH) for group in groups]
        weights = self.weights.setdefault(weight_set, [4096] * 4)
        x = [STRETCH[counter >> 4] for counter in counters]
        p = squash(clamp(-LIMIT, sum(x[j] * weights[j] for j in range(4)) >> 14, LIMIT))
        bit = decoder.bit(p)
        error = (65535 * bit - p) >> 1
        for j in range(4):
            groups[j][node] = learned(counters[j], bit, MAX_COUNT)
            weights[j] = i16(weights[j] + ((x[j] * error + 16384) >> 15))
        return bit

    def tree(self, decoder: BitDecoder, contexts: tuple, bits: int, weight_set) -> int:
        """The node that the bits lead to."""
        node = 1
        for _ in range(bits):
            node = 2 * node + self.decode(decoder, contexts, node, (weight_set, node))
        return node


class Full:
    """Decisions of 6 counters, two weight sets and a map."""

    def __init__(self):
        self.a, self.b, self.maps = {}, {}, {}

    def decode(self, decoder: BitDecoder | None, groups: list[dict], node: int, a: int, b: int, m: int, known: int = 0) -> int:
        """One bit; without a decoder it is `known`, and only learned."""
        counters = [group.get(node, FRESH) for group in groups]
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
        bit = decoder.bit((squashed + refined + 1) >> 1) if decoder else known
        t = 65535 * bit
        error = (t - squashed) >> 2
        for j in range(6):
            groups[j][node] = learned(counters[j], bit, MAX_COUNT)
            step = (x[j] * error + 16384) >> 15
            set_a[j], set_b[j] = i16(set_a[j] + step), i16(set_b[j] + step)
        k += s >> 7
        knots[k] += (t - knots[k]) >> 6
        return bit


class LzDecoder:
    def __init__(self, decoder_memory: int, history: bytes):
        self.window = window_bytes(decoder_memory)
        self.made = bytearray()
        self.reps = [1, 1, 1, 1]
        self.state = self.run = self.length_slot = self.distance_slot = 0
        self.flag = Full()
        self.flag_direct = [Contexts() for _ in range(4)]
        self.flag_hashed = [HashedGroups(16) for _ in range(2)]
        self.rep_flags, self.lengths, self.distances, self.low_bits = Small(), Small(), Small(), Small()
        self.top_bits = {"length": {}, "distance": {}}
        self.literal = Full()
        self.literal_direct = [Contexts() for _ in range(3)]
        self.literal_hashed = [HashedGroups(15) for _ in range(3)]
        for byte in history:
            self._literal(None, byte)

    def decode(self, coded: bytes, raw_size: int) -> bytes:
        """The bytes of one segment."""
        if raw_size == 0:
            require(len(coded) == 0, "expected no coded literals")
            return b""
        self.decoder = BitDecoder(coded)
        begin = len(self.made)
        while len(self.made) - begin < raw_size:
            into = len(self.made) - begin
            self._token(min(raw_size - into, STRETCH_BYTES - into % STRETCH_BYTES))
        written = self.decoder.bytes_read - 3
        require(len(coded) == written, f"expected coded literals of {written} bytes, found {len(coded)}")
        require(coded[-1] == (self.decoder.low >> 24) + 1, "expected another last byte of coded literals")
        return bytes(self.made[begin:])

    def _back(self, distance: int) -> int:
        """The byte so many back, 0 before the first."""
        return self.made[-distance] if distance <= len(self.made) else 0

    def _token(self, room: int) -> None:
        c1, c2, c3, m = self._back(1), self._back(2), self._back(3), self._back(self.reps[0])
        pos, state, run = len(self.made), self.state, min(self.run, 15)
        groups = [
            self.flag_direct[0][4 * state + (pos & 3)],
            self.flag_direct[1][256 * state + c1],
            self.flag_hashed[0].find(hash2(c1 + (c2 << 8), state)),
            self.flag_hashed[1].find(hash2(c1 + (c2 << 8) + (c3 << 16), m)),
            self.flag_direct[2][256 * m + c1],
            self.flag_direct[3][32 * run + self.length_slot],
        ]
        if self.flag.decode(self.decoder, groups, 1, 4 * state + (pos & 3), c1, 16 * state + run):
            self._match(room)
        else:
            self._literal(self.decoder)

    def _literal(self, decoder: BitDecoder | None, known: int = 0) -> None:
        c1, c2, c3, m = self._back(1), self._back(2), self._back(3), self._back(self.reps[0])
        kind = 0 if self.state == 0 else 1 if self.state <= 6 else 2
        direct = (len(self.made) & 3, c1, 256 * kind + m)
        hashes = [hash2(c1 + (c2 << 8), 0), hash2((c2 << 8) + (c3 << 16), 1), hash2(c1 + (m << 8), 2 + kind)]
        groups = [table[context] for table, context in zip(self.literal_direct, direct)]
        groups += [table.find(h) for table, h in zip(self.literal_hashed, hashes)]
        node = 1
        for depth in range(8):
            if depth == 4:
                groups = [table[context, node] for table, context in zip(self.literal_direct, direct)]
                hashes = [(h + node * 0x9E3779B1) * 0x85EBCA6B & U32 for h in hashes]
                groups += [table.find(h) for table, h in zip(self.literal_hashed, hashes)]
            counter = node if depth < 4 else (1 << depth - 4) + (node & (1 << depth - 4) - 1)
            agrees = 1 if node == (256 + m) >> (8 - depth) else 0
            branch = 2 * kind + agrees
            bit = self.literal.decode(
                decoder, groups, counter, node + 256 * kind, depth + 8 * branch, node + 256 * branch, known >> (7 - depth) & 1
            )
            node = 2 * node + bit
        self.made.append(node & 255)
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
            return self.rep_flags.decode(self.decoder, contexts, 1, (kind, state))

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
        slot = self.lengths.tree(self.decoder, contexts, 5, rep) - 32
        self.length_slot = slot
        if slot < 16:
            return slot + 2
        n = slot // 2 - 5
        return ((2 + (slot & 1)) << n) + self._top("length", slot, n) + 2

    def _distance(self, length: int) -> int:
        l = min(length - 2, 3)
        c1 = self._back(1)
        contexts = (l, (l, c1), (l, self.distance_slot), hash2(c1 + (self._back(2) << 8), min(length, 6)) >> 20)
        slot = self.distances.tree(self.decoder, contexts, 6, l) - 64
        self.distance_slot = slot
        if slot < 4:
            return slot + 1
        n = slot // 2 - 1
        base = (2 + (slot & 1)) << n
        if n <= 4:
            return base + self._top("distance", slot, n) + 1
        upper = self._top("distance", slot, n - 4)
        contexts = (0, slot, (self.reps[0] - 1) & 15, len(self.made) & 15)
        reversed_bits = self.low_bits.tree(self.decoder, contexts, 4, 0) - 16
        lower = sum((reversed_bits >> bit & 1) << (3 - bit) for bit in range(4))
        return base + upper * 16 + lower + 1

    def _top(self, sort: str, slot: int, n: int) -> int:
        """So many bits of a slot's number: the first three a tree of single decisions, the others plain."""
        counters = self.top_bits[sort].setdefault(slot, {})
        node = 1
        for depth in range(n):
            if depth < 3:
                counter = counters.get(node, FRESH)
                bit = self.decoder.bit(16 * (counter >> 4) + 8)
                counters[node] = learned(counter, bit, MAX_COUNT)
            else:
                bit = self.decoder.bit(HALF)
            node = 2 * node + bit
        return node - (1 << n)
