"""Fuzzed edits of real pages: does each line image get its own text?

    python benchmarks/alignment.py --cases 1000 --readings base

Pages are lines of peraire, hands_fr and hands_en (train and val, never test). The reading side is what the base
recogniser really reads in the crops (`base`), the same without its evidence (`base-no-evidence`), or the truth with
characters corrupted at a rate (`0.05`, `0.20`). The edited side is the truth, put through edits that people make
(`fuzz_edits.py`). A line that gets a text is right when it is the text that the file holds for it (with its typos, for
the edit `typos` and lines left uncorrected in `partial`); recall is over the lines whose text the file still holds
whole. Peers: line n of the file to image n (zip), and difflib's matching of lines with equal-sized replacements paired.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fuzz_edits import EDITS, corrupt, fuzz

from emendo.correct.align import align
from emendo.correct.evidence import relative_scores
from emendo.correct.texts import clean, decode, numbered
from emendo.image.load import read_image
from emendo.models.ctc.decode import greedy_text
from emendo.models.references import load_recognizer
from emendo.types import Evidence, EvidenceRecognizer

SETS = ("peraire", "hands_fr", "hands_en")
KINDS = (*EDITS, "mixed")
LETTERS = "etaoinsrldcupm ,.-é"
FEWEST_LINES = 6


@dataclass(frozen=True)
class PageLine:
    """One real line: its truth, what the base reads, and its evidence."""

    image: Path
    truth: str
    reading: str
    evidence: Evidence


class PageJudge:
    """Scores texts with evidence that was computed before."""

    def __init__(self, page: Sequence[PageLine]) -> None:
        self.page = page
        self.asked = 0

    def scores(self, line: int, texts: Sequence[str]) -> list[float]:
        self.asked += 1
        return relative_scores(self.page[line].evidence, self.page[line].reading, texts)


@dataclass
class Tally:
    """`given` texts of which `right`, for `whole` lines that the file holds whole, of which `found`."""

    given: int = 0
    right: int = 0
    whole: int = 0
    found: int = 0

    def add(self, texts: Sequence[str | None], expected: Sequence[str | None]) -> None:
        for text, wanted in zip(texts, expected, strict=True):
            self.given += text is not None
            self.right += text is not None and text == wanted
            self.whole += wanted is not None
            self.found += wanted is not None and text == wanted

    @property
    def precision(self) -> float:
        return self.right / max(self.given, 1)

    @property
    def recall(self) -> float:
        return self.found / max(self.whole, 1)


@dataclass
class Outcome:
    """Tallies per edit kind and in all (`all`), of emendo and the peers."""

    tallies: dict[str, dict[str, Tally]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Tally)))
    reasons: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    seconds: float = 0.0


def load_pages(
    data: Path, recognizer: EvidenceRecognizer, *, sets: Sequence[str] = SETS, most_pages: int = 90
) -> list[list[PageLine]]:
    """A choice of pages of at least six lines, read by `recognizer`; kept in a file under the temporary folder."""
    rows: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for name in sets:
        for line in (data / name / "lines.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["split"] != "test":
                rows[name, row["page"]].append(row)
    pages = [sorted(page, key=lambda row: int(str(row["line"]))) for _, page in sorted(rows.items())]
    roots = [data / name for name, _ in sorted(rows)]
    chosen = [(root, page) for root, page in zip(roots, pages, strict=True) if len(page) >= FEWEST_LINES]
    if len(chosen) > most_pages:
        chosen = random.Random(0).sample(chosen, most_pages)
    images = [root / str(row["image"]) for root, page in chosen for row in page]
    read = _read(images, recognizer)
    done = iter(read)
    found = []
    for root, page in chosen:
        lines = []
        for row in page:
            reading, evidence = next(done)
            lines.append(PageLine(root / str(row["image"]), clean(str(row["text"])), reading, evidence))
        found.append(lines)
    return found


def _read(images: Sequence[Path], recognizer: EvidenceRecognizer) -> list[tuple[str, Evidence]]:
    which = hashlib.sha256("\n".join([recognizer.model, *map(str, images)]).encode()).hexdigest()[:12]
    name = f"emendo_alignment_{which}.npz"
    cache = Path(os.environ.get("TMPDIR", tempfile.gettempdir())) / name
    if not cache.exists():
        texts, arrays, widths = [], {}, []
        alphabet: tuple[str, ...] = ()
        for start in range(0, len(images), 16):
            some = [read_image(path) for path in images[start : start + 16]]
            for i, evidence in enumerate(recognizer.evidence(some), start=start):
                texts.append(clean(greedy_text(evidence)))
                arrays[f"frames{i}"] = evidence.log_probs.astype(np.float16)
                widths.append(evidence.frame_width)
                alphabet = evidence.alphabet
        partial = cache.with_suffix(".partial.npz")
        np.savez(partial, texts=np.array(texts), widths=np.array(widths), alphabet=np.array(alphabet), **arrays)
        partial.replace(cache)
    with np.load(cache, allow_pickle=False) as held:
        alphabet = tuple(str(c) for c in held["alphabet"])
        texts, widths = held["texts"], held["widths"]
        return [
            (str(texts[i]), Evidence(held[f"frames{i}"].astype(np.float32), alphabet, float(widths[i])))
            for i in range(len(images))
        ]


def by_number(readings: Sequence[str], lines: Sequence[tuple[int, str]]) -> list[str | None]:
    """Peer: line n of the file belongs to image n."""
    texts: list[str | None] = [text for _, text in lines[: len(readings)]]
    return texts + [None] * (len(readings) - len(texts))


def by_difflib(readings: Sequence[str], lines: Sequence[tuple[int, str]]) -> list[str | None]:
    """Peer: difflib on whole lines; replacements of equal size are paired."""
    found: list[str | None] = [None] * len(readings)
    edited = [text for _, text in lines]
    for tag, i, j, k, m in difflib.SequenceMatcher(None, list(readings), edited, autojunk=False).get_opcodes():
        if tag == "equal" or (tag == "replace" and j - i == m - k):
            found[i:j] = edited[k:m]
    return found


def run(
    pages: Sequence[Sequence[PageLine]], readings: str, cases: int, seed: int, kinds: Sequence[str] = KINDS
) -> Outcome:
    """Fuzz `cases` pages, kinds in turn."""
    outcome = Outcome()
    for case in range(seed, seed + cases):
        if case > seed and (case - seed) % 100 == 0:
            ours = outcome.tallies["all"]["emendo"]
            so_far = f"{case - seed} cases: precision {ours.precision:.4f}, recall {ours.recall:.4f}\n"
            sys.stderr.write(so_far)
        kind = kinds[case % len(kinds)]
        r = random.Random(case)
        page = r.choice(pages)
        truth = [line.truth for line in page]
        if readings.startswith("base"):
            read = [line.reading for line in page]
        else:
            read = [corrupt(r, text, float(readings), LETTERS) for text in truth]
        content, expected = fuzz(case, kind, truth, read)
        judge = PageJudge(page) if readings == "base" else None
        start = time.process_time()
        lines = numbered(decode(content, Path("case")))
        aligned = align(read, lines, judge)
        outcome.seconds += time.process_time() - start
        outcome.asked += judge.asked if judge else 0
        answers = {
            "emendo": [one.text for one in aligned],
            "zip": by_number(read, lines),
            "difflib": by_difflib(read, lines),
        }
        for who, texts in answers.items():
            for group in (kind, "all"):
                outcome.tallies[group][who].add(texts, expected)
        missed = (one for one, wanted in zip(aligned, expected, strict=True) if wanted and one.text is None)
        outcome.reasons.update(one.reason for one in missed)
    return outcome


def print_table(outcome: Outcome) -> None:
    """Precision and recall in percent, per edit kind."""
    print(f"{'edit':9} {'lines':>6}  {'emendo P':>9} {'R':>6}   {'zip P':>6} {'R':>6}   {'difflib P':>9} {'R':>6}")
    for group in (*KINDS, "all"):
        if group in outcome.tallies:
            of = outcome.tallies[group]
            figures = [
                100 * value for who in ("emendo", "zip", "difflib") for value in (of[who].precision, of[who].recall)
            ]
            row = "{:9.2f} {:6.2f}   {:6.2f} {:6.2f}   {:9.2f} {:6.2f}".format(*figures)
            print(f"{group:9} {of['emendo'].whole:6}  {row}")
    print(f"{outcome.seconds:.0f} CPU seconds, evidence asked for {outcome.asked} lines; left out:")
    for reason, count in outcome.reasons.most_common():
        print(f"  {count:5} {reason}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when precision is under 99 % or recall under 95 %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=100_000)
    parser.add_argument("--readings", default="base", help="base, base-no-evidence, or an error rate such as 0.2")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("EMENDO_DATA", "../shared/data")))
    given = parser.parse_args(arguments)
    pages = load_pages(given.data, load_recognizer("base"))
    errors = sum(line.reading != line.truth for page in pages for line in page)
    lines = sum(len(page) for page in pages)
    print(f"{len(pages)} pages, {lines} lines, {errors} of them read with errors; readings: {given.readings}")
    outcome = run(pages, given.readings, given.cases, given.seed)
    print_table(outcome)
    total = outcome.tallies["all"]["emendo"]
    return 0 if total.precision >= 0.99 and total.recall >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
