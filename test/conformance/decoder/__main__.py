"""A second reader of flatdelta's formats, written from their documents alone.

    python3 test/conformance/decoder apply BASIS DELTA TARGET
    python3 test/conformance/decoder signature FILE
    python3 test/conformance/decoder batch < requests

`batch` takes a JSON array of either form of arguments a line, and answers each with a line of JSON: what the file says, or
`{"refused": why}`.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from cursor import Refused
from delta import apply_delta
from signature import read_signature


def run(arguments: list[str]) -> dict:
    match arguments:
        case ["apply", basis, delta, target]:
            with open(basis, "rb") as source, open(target, "wb") as sink:
                header = apply_delta(source, Path(delta).read_bytes(), sink)
            return asdict(header) | {"basis_checksum": f"{header.basis_checksum:016x}"}
        case ["signature", file]:
            signature = read_signature(Path(file).read_bytes())
            return asdict(signature) | {
                "basis_checksum": f"{signature.basis_checksum:016x}",
                "strong_hashes": [f"{h:016x}" for h in signature.strong_hashes],
            }
    sys.exit(__doc__)


def answer(arguments: list[str]) -> str:
    try:
        return json.dumps(run(arguments), default=bytes.hex)
    except Refused as refused:
        return json.dumps({"refused": str(refused)})


if sys.argv[1:] == ["batch"]:
    for line in sys.stdin:
        print(answer(json.loads(line)), flush=True)
else:
    try:
        print(json.dumps(run(sys.argv[1:]), default=bytes.hex, indent=2))
    except Refused as refused:
        sys.exit(f"refused: {refused}")
