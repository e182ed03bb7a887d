"""Codec ops: the coded control stream. (codec/ops/FORMAT.md)"""

from array import array
from copy import deepcopy
from functools import cache
from pathlib import Path

from cursor import require
from mixing import U32, hash2
from nibble import Lines, Nibbles, ShareDecoder

HISTORY_BITS = 18
PRIME_RAW_BYTES = 1210
LENGTH, DISTANCE, BYTE, TIME, SIZE, SPLICE = range(6)
CLASSES = (1, 4, 7, 11, 15, 19)
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
        self.tables = [Lines(13) for _ in range(4)]
        self.nibbles = Nibbles()
        self.kinds = self.l1 = self.d1 = self.j1 = self.j2 = 0
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
        self.decoder = ShareDecoder(coded)
        made = bytearray()
        if self.decoder.bit(65535):
            while len(made) < raw_size:
                made += self._op()
            require(len(made) == raw_size, "expected an op to end inside the segment")
        else:
            for _ in range(raw_size):
                made.append(self.decoder.plain(8))
        self.decoder.finish("coded ops")
        return bytes(made)

    def _nibble(self, hashes: list[int], x: int, kind) -> int:
        lines = [table.find(_behind(h, x)) for table, h in zip(self.tables, hashes)]
        return self.nibbles.decode(self.decoder, lines, kind)

    def _number(self, field: int, hashes: list[int], expected: int, form_kind, is_signed: bool = False) -> int:
        form = self._nibble(hashes, 0, form_kind)
        if form == 15:
            return expected
        size = form if form < 14 else self._size(field, hashes, 14)
        if size == 0:
            return 0
        negative = 0
        if is_signed:
            negative = self._nibble(hashes, 2, (field, "sign")) & 1
            hashes = [_behind(h, 2 + negative) for h in hashes]
        magnitude = self._bits(field, hashes, size)
        return -magnitude if negative else magnitude

    def _size(self, field: int, hashes: list[int], size: int) -> int:
        part = 15
        while part == 15 and size < 64:
            part = self._nibble(hashes, 1, (field, "size"))
            size += part
        return min(size, 64)

    def _bits(self, field: int, hashes: list[int], size: int) -> int:
        prefix, left, step = 1, size - 1, "first"
        while left > 0 and (step == "first" or field > DISTANCE):
            n = min(4, left)
            given = self._nibble(hashes, 64 * prefix + size & U32, (field, step))
            prefix = prefix << n | given & (1 << n) - 1
            left -= n
            step = "rest"
        return prefix << left | self.decoder.plain(left)

    def _op(self) -> bytes:
        k1, k2 = self.kinds & 7, self.kinds & 63
        place = self.expected & (1 << HISTORY_BITS) - 1
        he, de = self.history_h[place], _signed(self.history_d[place])
        sure = self.right if self.right < 8 else min(15, 6 + (_z(self.right) >> 1))

        kind = self._kind(k1, k2, he, sure)
        length = self._length(kind, k1, he >> 3, sure if he & 7 == kind else 0)
        made = _varint(8 * length + kind)
        distance = 0
        if kind not in (2, 3):
            is_sure = he == (8 * length + kind) & U32
            distance = self._distance(kind, k1, k2, de, sure if is_sure else 0)
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
        k4, z = self.kinds & 4095, _z(self.l1)
        hashes = [
            hash2(k2, 2**16 + (z << 8) + _ssize(self.d1)),
            hash2(k1, 2**16),
            hash2(k4, 2**16 + z),
            hash2(k4, 2**16 + 8 * sure + (he & 7)),
        ]
        return self._nibble(hashes, 0, ("kind", k1)) & 7

    def _length(self, kind: int, k1: int, f: int, s: int) -> int:
        f = f if s else 0
        hashes = [
            hash2(8 * k1 + kind, 2 * 2**16),
            hash2(kind, 2 * 2**16),
            hash2((_z(self.l1) << 8) + _z(self.own[kind]), 2 * 2**16 + 8 * k1 + kind),
            hash2(f, 2 * 2**16 + 8 * s + kind),
        ]
        return self._number(LENGTH, hashes, f, ("length", kind))

    def _distance(self, kind: int, k1: int, k2: int, de: int, s: int) -> int:
        back, passed = -self.j1, -self.l1 if k1 in (2, 3) else -(self.j1 + self.j2)
        e = int(back == passed)
        if s:
            e += 2 * (de == back) + 4 * (de == passed) + 8 * (de == 0)
        hashes = [
            hash2(8 * k2 + kind, 3 * 2**16),
            hash2(16 * s + e, 3 * 2**16 + 8 * k1 + kind),
            hash2(kind, 3 * 2**16),
            hash2(128 * (s > 3) + 16 * k1 + e, 3 * 2**16 + _ssize(self.j1)),
        ]
        form = self._nibble(hashes, 0, ("distance", kind))
        if form < 4:
            return (0, de, back, passed)[form]
        hashes = [_behind(h, form) for h in hashes]
        size = self._size(DISTANCE, hashes, CLASSES[form - 4 >> 1])
        magnitude = self._bits(DISTANCE, hashes, size)
        return -magnitude if form & 1 else magnitude

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
        field = BYTE if x == 0 else SIZE if x == 2 else TIME if x in (1, 3) else SPLICE
        hashes = [
            hash2(x, 4 * 2**16),
            hash2(before & U32, 4 * 2**16 + x),
            hash2(_ssize(before), 4 * 2**16 + x),
            hash2(kind, 4 * 2**16 + field),
        ]
        self.rare[x] = self._number(field, hashes, before, (field, "form"), field in (TIME, SIZE))
        return self.rare[x]

    def _remember(self, kind: int, length: int, distance: int, he: int, de: int) -> None:
        low = length & U32
        self.own[kind] = low
        self.l1 = low
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
