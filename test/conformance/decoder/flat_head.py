"""The head of a flat image: all bytes before its layer. (image/FORMAT.md, sections 2 and 3; delta/FORMAT.md, "Envelope")"""

import json
from dataclasses import dataclass
from hashlib import sha256

from cursor import Cursor, require

BLOCK_BYTES = 512
ARCHIVE_END_BYTES = 1024
DIGITS = 64
MAX_CONFIG_BYTES = 2**24


@dataclass
class Envelope:
    head_bytes: int
    config_bytes: int
    digest_offset: int
    entries: int
    layer_digest: str


def read_envelope(value: bytes, target_size: int) -> Envelope:
    cursor = Cursor(value)
    head_bytes = cursor.varint() * BLOCK_BYTES
    config_bytes = cursor.varint()
    digest_offset = cursor.varint()
    entries = cursor.varint()
    layer_digest = cursor.take(32).hex()
    require(cursor.left == 0, "expected the envelope to end")
    require(config_bytes <= min(head_bytes, MAX_CONFIG_BYTES), f"expected the config inside the head, found {config_bytes} bytes")
    require(digest_offset + DIGITS <= config_bytes, f"expected the digits inside the config, found them at {digest_offset}")
    require(head_bytes + ARCHIVE_END_BYTES <= target_size, f"expected a head inside the target, found {head_bytes} bytes")
    return Envelope(head_bytes, config_bytes, digest_offset, entries, layer_digest)


def make_head(envelope: Envelope, config_without_digits: bytes, target_size: int) -> bytes:
    at = envelope.digest_offset
    config = config_without_digits[:at] + envelope.layer_digest.encode() + config_without_digits[at:]
    layer_size = target_size - envelope.head_bytes - ARCHIVE_END_BYTES
    config_digest, layer_digest = sha256(config).hexdigest(), envelope.layer_digest
    manifest = _json(
        {
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config_digest, len(config)),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer_digest, layer_size)],
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "schemaVersion": 2,
        }
    )
    manifest_digest = sha256(manifest).hexdigest()
    index = _json(
        {
            "annotations": {"org.flatdelta.entries": str(envelope.entries), "org.flatdelta.flat": "1"},
            "manifests": [_descriptor("application/vnd.oci.image.manifest.v1+json", manifest_digest, len(manifest))],
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "schemaVersion": 2,
        }
    )
    docker = _json([{"Config": _blob(config_digest), "Layers": [_blob(layer_digest)], "RepoTags": None}])
    head = (
        _entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        + _entry("index.json", index)
        + _entry("manifest.json", docker)
        + _entry(_blob(manifest_digest), manifest)
        + _entry(_blob(config_digest), config)
        + _header(_blob(layer_digest), layer_size)
    )
    require(len(head) == envelope.head_bytes, f"expected a head of {envelope.head_bytes} bytes, found {len(head)}")
    return head


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest}"


def _descriptor(media_type: str, digest: str, size: int) -> dict:
    return {"digest": f"sha256:{digest}", "mediaType": media_type, "size": size}


def _entry(name: str, content: bytes) -> bytes:
    return _header(name, len(content)) + content + bytes(-len(content) % BLOCK_BYTES)


def _header(name: str, size: int) -> bytes:
    block = bytearray(BLOCK_BYTES)
    fields = (
        (0, name.encode()),
        (100, b"000644 \0"),
        (108, b"000000 \0"),
        (116, b"000000 \0"),
        (124, b"%011o " % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")),
        (136, b"00000000000 "),
        (148, b" " * 8),
        (156, b"0"),
        (257, b"ustar\x0000"),
        (329, b"000000 \0"),
        (337, b"000000 \0"),
    )
    for offset, field in fields:
        block[offset : offset + len(field)] = field
    block[148:156] = b"%06o \0" % sum(block)
    return bytes(block)
