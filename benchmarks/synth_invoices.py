"""Synthetic invoices: written twice with one seed and compared; every truth validated exactly; pages a second.

    emendo bench synth-invoices [-n 8000] [--seed 7] [--jobs 0] [--first DIR] [--out DIR]

`--first DIR` compares with a folder that was written before with the same seed and number. Peer: none is known that
writes documents with exact truth at this rate; the rate is pages of a picture, PDF, words and fields together.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from emendo.fields import read_document, validate_document
from emendo.settings import cores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("-n", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--first", type=Path)
    parser.add_argument("--out", type=Path, help="Folder to write to (default: a temporary one).")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = asked.out or Path(temporary)
        told: dict[str, Any] = {"documents": asked.n, "seed": asked.seed, "jobs": asked.jobs or cores()}
        first = asked.first
        if first is None:
            first = place / "first"
            told["seconds"] = _write(asked, first)
        told["seconds_again"] = _write(asked, place / "again")
        told |= _truths(first)
        told["differing"] = _differing(first, place / "again")
    for name in ("seconds", "seconds_again"):
        if name in told:
            told[f"pages_{name.replace('seconds', 'a_second')}"] = round(told["pages"] / told[name], 1)
    print(json.dumps(told, indent=1))
    return 0 if not told["differing"] and not told["invalid"] else 1


def _write(asked: argparse.Namespace, out: Path) -> float:
    from emendo.cli import main as emendo

    began = time.perf_counter()
    jobs = ["--jobs", str(asked.jobs)] if asked.jobs else []
    code = emendo(["synth", "invoices", "-n", str(asked.n), "--seed", str(asked.seed), "--out", str(out), *jobs])
    assert code == 0, code
    return round(time.perf_counter() - began, 1)


def _truths(folder: Path) -> dict[str, Any]:
    """Pages, files, languages, and how many truths do not hold exactly."""
    pages = checked = invalid = 0
    languages: Counter[str] = Counter()
    with (folder / "documents.jsonl").open(encoding="utf-8") as rows:
        for line in rows:
            row = json.loads(line)
            pages += int(row.get("pages", 1)) if not isinstance(row.get("images"), list) else len(row["images"])
            languages[row["language"]] += 1
            read = read_document(row["fields"])
            validation = validate_document(read)
            checked += validation.checked
            invalid += not validation.ok or bool(read.faults)
    files = sum(path.is_file() for path in folder.rglob("*"))
    return {"pages": pages, "files": files, "sums_checked": checked, "invalid": invalid, "languages": dict(languages)}


def _differing(one: Path, other: Path) -> int:
    """Files that are not in both, or not the same in both."""
    names = {path.relative_to(one) for path in one.rglob("*") if path.is_file()}
    others = {path.relative_to(other) for path in other.rglob("*") if path.is_file()}
    same = (name for name in names & others if _hash(one / name) == _hash(other / name))
    return len(names | others) - sum(1 for _ in same)


def _hash(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


if __name__ == "__main__":
    raise SystemExit(main())
