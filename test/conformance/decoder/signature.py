"""Signatures. (signature/FORMAT.md)"""

from dataclasses import dataclass

from cursor import MAX_INTEGER, Cursor, require
from xxh64 import xxh64

MAGIC = bytes.fromhex("89666c6174730d0a")
HEADER_BYTES = 72
MAX_BLOCKS = 2**24
"""A limit of this reader, not of the format."""


@dataclass
class Signature:
    block_size: int
    basis_size: int
    basis_digest: bytes
    basis_checksum: int
    weak_hashes: list[int]
    strong_hashes: list[int]


def read_signature(data: bytes) -> Signature:
    cursor = Cursor(data)
    require(cursor.take(8) == MAGIC, "expected the magic of a signature")
    for name, expected in (("version", 1), ("weak hash kind", 1), ("strong hash kind", 1), ("flags", 0)):
        found = cursor.u8()
        require(found == expected, f"expected {name} {expected}, found {found}")
    block_size = cursor.u32()
    basis_size = cursor.u64()
    basis_digest, basis_checksum = cursor.take(32), cursor.u64()
    require(cursor.u64() == xxh64(data[:64]), "expected another header checksum")
    require(16 <= block_size <= 65536, f"expected a block size of 16 to 65536, found {block_size}")
    require(basis_size <= MAX_INTEGER, f"expected a basis size of at most 53 bits, found {basis_size}")
    blocks = -(-basis_size // block_size)
    require(blocks <= MAX_BLOCKS, f"expected at most {MAX_BLOCKS} blocks, found {blocks}")
    require(len(data) == HEADER_BYTES + 12 * blocks + 8, f"expected the hashes of {blocks} blocks, found {len(data)} bytes")
    weak_hashes = [cursor.u32() for _ in range(blocks)]
    strong_hashes = [cursor.u64() for _ in range(blocks)]
    require(xxh64(data[: cursor.at]) == cursor.u64(), "expected another checksum")
    return Signature(block_size, basis_size, basis_digest, basis_checksum, weak_hashes, strong_hashes)


def weak_hash(block: bytes) -> int:
    h = 1
    for byte in block:
        h = (h * 0x08104225 + byte) & 0xFFFFFFFF
    return h


def describes(signature: Signature, basis: bytes) -> bool:
    """Whether the hashes are those of `basis`."""
    size = signature.block_size
    blocks = [basis[at : at + size] for at in range(0, len(basis), size)]
    if signature.basis_checksum != xxh64(basis):
        return False
    return signature.weak_hashes == [weak_hash(b) for b in blocks] and signature.strong_hashes == [xxh64(b) for b in blocks]
