"""Trials of a candidate: verdicts right and wrong, and documents needed, simulated from real errors.

    emendo bench trials --models A B [--data NAME] [--trials 500] [--keep DIR]

Both models read the real lines of a set (peraire, hands_fr), page by page. A simulated trial draws 300 documents from
these pages and removes errors of one model at random, so that its errors are exactly as many times the other's as
wanted; which pages are hard, how errors cluster and how far both models fail on the same lines stays as it is. Which of
the two is the candidate is drawn anew each time. Every test looks after each document.

The peers see the same documents: Student's t at each look as if it were the only one, the same with Bonferroni's
correction for ten looks, and the mixture SPRT (Johari, Koomen, Pekelis, Walsh, Peeking at A/B tests, 2017) with the
variance of the documents so far.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from emendo.datasets import open_dataset
from emendo.image.load import sample_image
from emendo.metrics import counts
from emendo.mine import expected_cer
from emendo.models.references import load_recognizer
from emendo.monitor.sequential import first, log_wealth, paired_moves, unpaired_moves

DATA = Path(os.environ.get("EMENDO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
DOCUMENTS, ALPHA, HARM = 300, 0.05, 0.1
RATIOS = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
NEVER = 10**9
Floats = np.ndarray[Any, np.dtype[np.float64]]
Test = Callable[[Floats, Floats], tuple[int, int]]
"""Takes the errors of champion and candidate (n,), gives the documents after which better, and worse, is said."""
HEAD = (
    "| {} | errors, candidate / champion | better | worse | worse in 100 | median / 95 % |\n|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Pool:
    """Errors of two models (documents, 2) and characters (documents,), doubts in characters (documents, 2)."""

    name: str
    errors: Floats
    characters: Floats
    doubts: Floats

    @property
    def rates(self) -> Floats:
        """Both error rates."""
        return self.errors.sum(0) / self.characters.sum()


def rows_of(model: str, data: str, keep: Path) -> list[dict[str, Any]]:
    """Page, errors, characters and doubt of each line, read once and kept."""
    place = keep / f"{data}-{model.strip('/').replace('/', '_')}.jsonl"
    if not place.is_file():
        reader, rows = load_recognizer(model, threads=1, language="none", engine="auto"), []
        for sample in open_dataset(str(DATA / data)).samples:
            reading = reader.read([sample_image(sample)])[0]
            found = counts(sample.text or "", reading.text)
            page = str(sample.attributes["page"])
            doubt = expected_cer(reading) * len(reading.text)
            rows.append({"page": page, "edits": found.edits, "chars": found.characters, "doubt": doubt})
        keep.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


def pool_of(models: Sequence[str], data: str, keep: Path, *, lines: int = 0) -> Pool:
    """Documents: whole pages, or so many consecutive `lines` of one."""
    one, two = (rows_of(model, data, keep) for model in models)
    found: dict[tuple[str, int], Floats] = {}
    seen: dict[str, int] = {}
    for a, b in zip(one, two, strict=True):
        at = seen[a["page"]] = seen.get(a["page"], -1) + 1
        key = a["page"], at // lines if lines else 0
        row = np.array([a["edits"], b["edits"], a["chars"], a["doubt"], b["doubt"]], float)
        found[key] = found.get(key, np.zeros(5)) + row
    table = np.array([row for row in found.values() if row[2] > 0])
    return Pool(f"{lines or 'all'} lines", table[:, :2], table[:, 2], table[:, 3:])


def drawn(pool: Pool, ratio: float, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Errors of champion and candidate, and characters, of the documents of one trial (n,)."""
    order = (0, 1) if rng.random() < 0.5 else (1, 0)
    at = rng.integers(len(pool.errors), size=DOCUMENTS)
    sums = pool.errors.sum(0)
    keep = ratio * sums[order[0]] / sums[order[1]]
    one, two = (pool.errors[at, side].astype(int) for side in order)
    return (
        rng.binomial(one, min(1.0, 1 / keep)).astype(float),
        rng.binomial(two, min(1.0, keep)).astype(float),
        pool.characters[at],
    )


def said(better: int | None, worse: int | None) -> tuple[int, int]:
    """The first of two verdicts stands."""
    one, two = better or NEVER, worse or NEVER
    return (one, NEVER) if one < two else (NEVER, two)


def betting(champion: Floats, candidate: Floats) -> tuple[int, int]:
    """Ours, paired."""
    moves = paired_moves(champion, candidate)
    return said(first(log_wealth(moves), ALPHA), first(log_wealth(moves, against=True), HARM))


def moments(champion: Floats, candidate: Floats) -> tuple[Floats, Floats, Floats]:
    """Count, mean and standard deviation of the differences after each document."""
    difference = champion - candidate
    n = np.arange(1, len(difference) + 1)
    mean = np.cumsum(difference) / n
    spread = np.sqrt(np.maximum(np.cumsum(difference**2) - n * mean**2, 1e-9) / np.maximum(n - 1, 1))
    return n, mean, spread


def peeked(champion: Floats, candidate: Floats, *, looks: int = 0) -> tuple[int, int]:
    """Student's t after each document from the tenth, or at so many `looks` with Bonferroni's correction."""
    n, mean, spread = moments(champion, candidate)
    value = mean / (spread / np.sqrt(n))
    allowed = (n >= 10) if not looks else (n % (DOCUMENTS // looks) == 0)
    sides = []
    for sign, risk in ((1, ALPHA), (-1, HARM)):
        bar = student.isf(risk / (looks or 1), np.maximum(n - 1, 1))
        at = np.flatnonzero(allowed & (sign * value >= bar))
        sides.append(int(n[at[0]]) if len(at) else None)
    return said(*sides)


def sprt(champion: Floats, candidate: Floats) -> tuple[int, int]:
    """Mixture SPRT, two-sided as published, with a normal mixture whose variance is a twentieth of that of a document,
    from the tenth document; at the risk of twice alpha or harm its sign is the verdict."""
    n, mean, spread = moments(champion, candidate)
    variance = np.maximum(spread**2, 1e-9)
    mixed = variance / 20
    log = 0.5 * np.log(variance / (variance + n * mixed)) + n**2 * mixed * mean**2 / (
        2 * variance * (variance + n * mixed)
    )
    sides = []
    for sign, risk in ((1, ALPHA), (-1, HARM)):
        at = np.flatnonzero((n >= 10) & (log >= np.log(1 / (2 * risk))) & (sign * mean > 0))
        sides.append(int(n[at[0]]) if len(at) else None)
    return said(*sides)


def groups(champion: Floats, candidate: Floats, characters: Floats, rng: np.random.Generator) -> tuple[int, int]:
    """Ours, unpaired: each document is read by one of both."""
    side = rng.random(len(champion)) < 0.5
    moves = unpaired_moves(np.where(side, candidate, champion) / characters, side, 0.5)
    return said(first(log_wealth(moves), ALPHA), first(log_wealth(moves, against=True), HARM))


PEERS: dict[str, Test] = {
    "betting, paired": betting,
    "mixture SPRT": sprt,
    "t, ten looks (Bonferroni)": lambda a, b: peeked(a, b, looks=10),
    "t at every look": peeked,
}


def show(name: str, ratio: float, found: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """One row: shares of trials by verdict, and documents until the usual one."""
    better, worse = np.array(found).T
    right = better if ratio < 1 else worse
    ended = right[right < NEVER]
    row = {
        "ratio": ratio,
        "better": float((better < NEVER).mean()),
        "worse": float((worse < NEVER).mean()),
        "worse_in_100": float((worse <= 100).mean()),
        "median": float(np.median(ended)) if len(ended) and ratio != 1 else None,
        "p95": float(np.quantile(right, 0.95)) if ratio != 1 and np.quantile(right, 0.95) < NEVER else None,
    }
    late = "over 300" if row["p95"] is None else f"{row['p95']:.0f}"
    needed = f"{row['median']:.0f} / {late}" if row["median"] is not None else "-"
    print(
        f"| {name} | {ratio:.2f} | {100 * row['better']:.1f} % | {100 * row['worse']:.1f} % | "
        f"{100 * row['worse_in_100']:.1f} % | {needed} |",
        flush=True,
    )
    return row


def overlooked(pool: Pool, share: float, rng: np.random.Generator, trials: int) -> None:
    """What it does that people overlook a share of the errors of the reading that they correct: these count for whoever
    was shown and against the other, who is taken to have read them right (the worst case)."""
    print(f"\n{100 * share:.0f} % of the errors of the shown reading overlooked, {pool.name}:\n")
    print(HEAD.format("shown"))
    for mode in ("champion (shadow)", "either (ab, share 0.5)"):
        for ratio in (0.75, 0.9, 1.0, 1.1):
            found = []
            for _ in range(trials):
                one, two, _size = drawn(pool, ratio, rng)
                shown = rng.random(DOCUMENTS) < (0.5 if mode.startswith("either") else 0.0)
                missed = rng.binomial(np.where(shown, two, one).astype(int), share)
                found.append(betting(one - np.where(shown, -missed, missed), two - np.where(shown, missed, -missed)))
            show(mode, ratio, found)


def alarms(models: Sequence[str], pool: Pool, rng: np.random.Generator, trials: int) -> None:
    """Without truths: documents until the doubts of both models raise an alarm, as they are, in random order."""
    print("\nWithout corrections (doubts of both models, real pages, nothing removed):\n")
    print("| champion | candidate | true errors, candidate / champion | alarm | within 100 | median |")
    print("|---|---|---|---|---|---|")
    for champion, candidate in ((0, 1), (1, 0)):
        found = []
        for _ in range(trials):
            at = rng.integers(len(pool.doubts), size=DOCUMENTS)
            moves = paired_moves(pool.doubts[at, champion], pool.doubts[at, candidate])
            found.append(first(log_wealth(moves, against=True), HARM) or NEVER)
        after = np.array(found)
        true = pool.rates[candidate] / pool.rates[champion]
        median = f"{np.median(after):.0f}" if np.median(after) < NEVER else "none"
        names = [Path(models[side]).name for side in (champion, candidate)]
        print(
            f"| {names[0]} | {names[1]} | {true:.2f} | {100 * (after < NEVER).mean():.1f} % | "
            f"{100 * (after <= 100).mean():.1f} % | {median} |"
        )


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs=2, default=["base-hand", "base"])
    parser.add_argument("--data", default="peraire")
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--keep", type=Path, default=Path("trials"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rng, table = np.random.default_rng(7), []
    for lines in (0, 3):
        pool = pool_of(given.models, given.data, given.keep, lines=lines)
        one, two = 100 * pool.rates
        print(f"\n{given.data}, documents of {pool.name}: {len(pool.errors)}, CER {one:.2f} and {two:.2f} %")
        alike = np.corrcoef((pool.errors / pool.characters[:, None]).T)[0, 1]
        print(f"error rates of both models on a document correlate with {alike:.2f}; {given.trials} trials\n")
        print(HEAD.format("test"))
        for ratio in RATIOS:
            sets = [drawn(pool, ratio, rng) for _ in range(given.trials)]
            for name, test in PEERS.items():
                found = [test(champion, candidate) for champion, candidate, _ in sets]
                table.append({"test": name, "lines": lines, **show(name, ratio, found)})
            found = [groups(*one, rng) for one in sets]
            table.append({"test": "unpaired", "lines": lines, **show("betting, unpaired", ratio, found)})
        if not lines:
            overlooked(pool, 0.05, rng, given.trials)
            alarms(given.models, pool, rng, given.trials)
    if given.json:
        given.json.write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
