"""Codec ops: the coded control stream. (codec/ops/FORMAT.md)"""

from array import array
from copy import deepcopy
from functools import cache
from pathlib import Path

from cursor import require
from mixing import HALF, U32, BitDecoder, Entries, Mixer, hash2

HISTORY_BITS = 18
PRIME_RAW_BYTES = 1210
FORMAT = Path(__file__).resolve().parents[3] / "src/codec/ops/FORMAT.md"


def _behind(h: int, x: int) -> int:
    return (h + x * 0x9E3779B1) * 0x85EBCA6B & U32


def _ssize(x: int) -> int:
    return x.bit_length() + (64 if x < 0 else 0)


def _z(x: int) -> int:
    return x.bit_length()


def _signed(x: int) -> int:
    return x - 2**32 if x >= 2**31 else x


def _varint(x: int) -> bytes:
    made = bytearray()
    while x > 127:
        made.append(x & 127 | 128)
        x >>= 7
    made.append(x)
    return bytes(made)


def _svarint(x: int) -> bytes:
    magnitude, sign = abs(x), 64 if x < 0 else 0
    if magnitude < 64:
        return bytes([magnitude | sign])
    return bytes([magnitude & 63 | sign | 128]) + _varint(magnitude >> 6)


@cache
def _primed() -> "OpsDecoder":
    prime = FORMAT.read_text().split("<!-- prime -->")[1].split("```")[1]
    decoder = OpsDecoder()
    decoder.decode(bytes.fromhex(prime), PRIME_RAW_BYTES)
    return decoder


def make_primed_decoder() -> "OpsDecoder":
    return deepcopy(_primed())


class OpsDecoder:
    def __init__(self):
        self.tables = [Entries(14, 15) for _ in range(8)]
        self.mixer = Mixer(7 * 8 * 16, 7 * 8 * 64, 7 * 8 * 16)
        self.kinds = self.l1 = self.l2 = self.l3 = self.d1 = self.j1 = self.j2 = 0
        self.own = [0] * 8
        self.rare = [0] * 13
        self.history_h = array("I", bytes(4 << HISTORY_BITS))
        self.history_d = array("I", self.history_h)
        self.index = array("I", self.history_h)
        self.count = self.expected = self.right = self.x_before = 0

    def decode(self, coded: bytes, raw_size: int) -> bytes:
        """The control bytes of one segment."""
        if raw_size == 0:
            require(len(coded) == 0, "expected no coded ops")
            return b""
        self.decoder = BitDecoder(coded)
        made = bytearray()
        if self.decoder.bit(65535):
            while len(made) < raw_size:
                made += self._op()
            require(len(made) == raw_size, "expected an op to end inside the segment")
        else:
            for _ in range(raw_size):
                byte = 0
                for _ in range(8):
                    byte = 2 * byte + self.decoder.bit(HALF)
                made.append(byte)
        written = self.decoder.bytes_read - 4 + self.decoder.ending_bytes()
        require(len(coded) == written, f"expected coded ops of {written} bytes, found {len(coded)}")
        return bytes(made)

    def _tree(self, field: int, step: int, kinds: int, hashes: list[int], bits: int) -> int:
        base = 8 * field + step

        def sets(node: int) -> tuple[int, int, int]:
            return base * 16 + node, base * 64 + kinds, base * 16 + node

        return self.mixer.decode_tree(self.decoder, self.tables, hashes, bits, sets)

    def _number(self, field: int, hashes: list[int], kinds: int, follower: int, sureness: int, guesses=None) -> int:
        """A number; it has a sign if there are guesses for it."""
        size = 0
        for v in range(4):
            part = self._tree(field, min(v, 1), kinds, [_behind(h, v) for h in hashes], 4)
            size += part
            if part < 15:
                break
        if size == 0:
            return 0
        negative = guesses is not None and self._tree(field, 2, kinds, [_behind(h, 16 + size) for h in hashes], 1) == 1
        prefix, left, step = 1, size - 1, 3

        def guess_hash(j: int, guess: int, salt: int) -> int:
            fits = _z(guess) == size and (guess < 0) == negative and abs(guess) >> left == prefix
            s = abs(guess) >> (left - n) & (1 << n) - 1 if fits else 16
            return hash2(s + (left << 8), j + (n << 8) + (size << 16) + (salt << 24))

        def line(j: int) -> int:
            if guesses is not None and j in (3, 4):
                return guess_hash(j, guesses[j - 3], 0)
            if j == 6:
                return guess_hash(j, follower, sureness + 32 * field)
            if j != 2 and step >= (5 if j == 7 else 4):
                return hash2(left, 256 + step)
            return _behind(hashes[j], 64 * prefix + size + (0x5BD1E995 if negative else 128) & U32)

        while left > 0:
            n = min(4, left)
            bits = self._tree(field, step, kinds, [line(j) for j in range(8)], n)
            prefix = prefix << n | bits
            left -= n
            step = min(7, step + 1)
        return -prefix if negative else prefix

    def _op(self) -> bytes:
        k1, k2 = self.kinds & 7, self.kinds & 63
        place = self.expected & (1 << HISTORY_BITS) - 1
        he, de = self.history_h[place], _signed(self.history_d[place])
        sure = self.right if self.right < 8 else min(15, 6 + (_z(self.right) >> 1))

        kind = self._kind(k1, k2, he, sure)
        length = self._length(kind, k1, k2, he >> 3, sure if he & 7 == kind else 0)
        made = _varint(8 * length + kind)
        distance = 0
        if kind not in (2, 3):
            is_sure = he == (8 * length + kind) & U32
            distance = self._distance(kind, length, k1, de, sure if is_sure else 0)
            made += _svarint(distance)
        if kind == 3:
            made += bytes([self._rare(0, kind) & 255])
        elif kind == 4:
            made += _svarint(self._rare(1, kind))
        elif kind == 5:
            made += self._header_fields(length - 1 & 63, kind)
        self._remember(kind, length, distance, he, de)
        return made

    def _kind(self, k1: int, k2: int, he: int, sure: int) -> int:
        hashes = [
            hash2(self.kinds & 4095, 0),
            hash2(k1, _z(self.l1) + 256),
            hash2(k2, _ssize(self.d1) + (_z(self.l1) << 8)),
            hash2(k2, _z(self.l2) + (_z(self.l1) << 8) + 2**16),
            hash2(self.kinds & 2**18 - 1, 1),
            hash2(self.d1 & U32, k1),
            hash2(he & 7, (sure << 8) + 7 * 2**16),
            hash2(k1, 2),
        ]
        return self._tree(0, 0, k2, [_behind(h, 0) for h in hashes], 3)

    def _length(self, kind: int, k1: int, k2: int, follower: int, s: int) -> int:
        b = k2 + 64 * kind
        hashes = [
            hash2(b & 455, 10),
            hash2(b, _z(self.l1) + 256),
            hash2(self.own[kind], kind + 512),
            hash2(b, _z(self.l1) + (_z(self.l2) << 8) + (_z(self.l3) << 16)),
            hash2(self.l1, _ssize(self.d1) | kind << 8 | 3 * 2**16),
            hash2(self.l2, kind + (k1 << 8) + 2**18),
            hash2(_z(follower), (s << 8) + 7 * 2**16),
            hash2(kind, 11),
        ]
        return self._number(1, hashes, 8 * kind + k1, follower, s)

    def _distance(self, kind: int, length: int, k1: int, follower: int, s: int) -> int:
        b = k1 + 8 * kind
        p = -self.l1 if k1 in (2, 3) else -(self.j1 + self.j2)
        hashes = [
            hash2(b + (self.kinds & 56) * 8, 20),
            hash2(b, _z(self.l1) + (_z(length & U32) << 8) + 2**16),
            hash2(self.j1 & U32, b + 2**17),
            hash2(_ssize(self.j1), 21),
            hash2(self.l1 if k1 == 2 else _ssize(p), b + 3 * 2**16),
            hash2(_ssize(self.j1) + (_ssize(self.j2) << 8), b + 2**18),
            hash2(_ssize(follower), (s << 8) + 7 * 2**16),
            hash2(b, _ssize(self.d1) + 6 * 2**16),
        ]
        return self._number(2, hashes, b, follower, s, (-self.j1, p))

    def _header_fields(self, flags: int, kind: int) -> bytes:
        made = b""
        if flags & 1:
            made += _svarint(self._rare(2, kind))
        if flags & 4:
            made += _svarint(self._rare(3, kind))
        for y in range(3):
            if flags & 8 << y:
                for x in range(4 + 3 * y, 7 + 3 * y):
                    made += _varint(self._rare(x, kind))
        return made

    def _rare(self, x: int, kind: int) -> int:
        before = self.rare[x]
        field = 3 if x == 0 else 5 if x == 2 else 4 if x in (1, 3) else 6
        hashes = [hash2(256 + x, before & U32 if j % 2 else 0) for j in range(8)]
        guesses = (before, -before) if x in (1, 2, 3) else None
        self.rare[x] = self._number(field, hashes, kind, 0, 0, guesses)
        return self.rare[x]

    def _remember(self, kind: int, length: int, distance: int, he: int, de: int) -> None:
        low = length & U32
        self.own[kind] = low
        self.l1, self.l2, self.l3 = low, self.l1, self.l2
        self.kinds = 8 * self.kinds + kind & U32
        self.d1 = distance
        if distance != 0:
            self.j1, self.j2 = distance, self.j1
        h, d = 8 * length + kind & U32, distance & U32
        was_right = self.right > 0 and he == h and de & U32 == d
        place = self.count & (1 << HISTORY_BITS) - 1
        self.history_h[place], self.history_d[place] = h, d
        self.count += 1
        x = hash2(h, d)
        slot = hash2(x, self.x_before) >> 32 - HISTORY_BITS
        self.x_before = x
        if was_right:
            self.right += 1
            self.expected += 1
        else:
            self.expected = self.index[slot]
            self.right = 1 if self.expected else 0
        self.index[slot] = self.count
