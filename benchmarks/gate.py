"""The gate under attack: fifty sabotaged candidates, and truly better ones, on personal test sets of several sizes.

    python benchmarks/gate.py --models DIR --out FILE.json [--sizes 20,40,80,160]

DIR holds sound bundles, adapted on Peraire train lines by `emendo train`; the base is there by itself. Only train and
validation lines of Peraire are read. Every candidate reads the 209 validation lines and the built-in general set
once; personal test sets are drawn from those readings, SETS of each size.

- *sabotaged*: each is made from a sound bundle and stands against that bundle as champion, and against the base.
  Against its own sound self no promotion is right. Against the base a promotion is counted too; it is no fault of
  the gate when the candidate, harmed as it is, still reads all there is better than the base.
- *better*: every pair of sound bundles where the second makes fewer errors on all validation lines (by 10 % or more:
  a smaller gain is not to be seen on a small set) and none of it is paid for on the general set.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emendo.datasets import open_dataset
from emendo.datasets.synth import general_set
from emendo.errors import BundleError
from emendo.evaluate import Comparison, Report, evaluate, read_report
from emendo.evaluate.run import SampleSet
from emendo.models.base import base_bundle, cache_folder
from emendo.models.bundle import Bundle, read_bundle
from emendo.models.ctc.decode import greedy, text_of
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.release.gate import Finding, decide, examine, missing_characters
from emendo.settings import GateSettings
from emendo.types import Evidence, Image, Reading, Split

sys.path.insert(0, str(Path(__file__).parent))
from sabotage import Sabotage, sabotages

Reports = tuple[Report, Report]
Read = tuple[Bundle, Reports]
SETS = 20
GAIN = 0.10


class Readings:
    """What each bundle reads on the personal pool and on the general set, kept on disk by content id."""

    def __init__(self, folder: Path, personal: SampleSet, general: SampleSet) -> None:
        self.folder = folder
        self.sets = (("personal", personal, Split.VAL), ("general", general, None))
        self._evidence: dict[tuple[str, str], dict[str, Evidence]] = {}

    def of(self, bundle: Bundle) -> Reports:
        """The two reports of one bundle, by reading."""
        return self._kept(bundle.id, lambda data, _name: CtcRecognizer(bundle))

    def spoiled(self, origin: Bundle, bundle: Bundle, sabotage: Sabotage) -> Reports:
        """The two reports of a bundle that differs from `origin` in its head only, from what the origin saw."""
        return self._kept(bundle.id, lambda data, name: Replayed(bundle, self._seen(origin, name), sabotage))

    def _seen(self, origin: Bundle, name: str) -> dict[str, Evidence]:
        if (origin.id, name) not in self._evidence:
            data, split = next((data, split) for n, data, split in self.sets if n == name)
            recorder = Recorder(origin)
            report = evaluate(recorder, data, split=split)
            seen = dict(zip((line.id for line in report.lines), recorder.seen, strict=True))
            self._evidence[origin.id, name] = seen
        return self._evidence[origin.id, name]

    def _kept(self, key: str, reader: Callable[[SampleSet, str], Any]) -> Reports:
        found = []
        for name, data, split in self.sets:
            place = self.folder / key / name
            if not (place / "report.json").is_file():
                evaluate(reader(data, name), data, split=split).write(place)
            found.append(read_report(place))
        return found[0], found[1]


class Recorder:
    """Reads, and remembers what it saw."""

    def __init__(self, bundle: Bundle) -> None:
        self.reader = CtcRecognizer(bundle)
        self.model = self.reader.model
        self.seen: list[Evidence] = []

    def read(self, images: Sequence[Image]) -> list[Reading]:
        evidence = self.reader.evidence(images)
        self.seen += evidence
        return [Reading(text_of(greedy(one)), 1.0) for one in evidence]


class Replayed:
    """Reads what the sabotaged head makes of what the sound network saw, line after line."""

    def __init__(self, bundle: Bundle, seen: dict[str, Evidence], sabotage: Sabotage) -> None:
        self.model = f"{bundle.info.name}@{bundle.id}"
        self.coming = iter(seen.values())
        self.sabotage = sabotage

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return [Reading(text_of(greedy(self.sabotage.spoil(next(self.coming)))), 1.0) for _ in images]


def drawn(report: Report, size: int, seed: int) -> Report:
    """The report of a personal test set of `size` lines, drawn without replacement."""
    order = np.random.default_rng([size, seed]).permutation(len(report.lines))[:size]
    return dataclasses.replace(report, lines=tuple(report.lines[i] for i in sorted(order)))


def verdict(champion: Read, candidate: Read, size: int, seed: int) -> list[Finding]:
    """The gate's faults for the candidate against the champion on one drawn test set (empty: promoted)."""
    (a, (mine_a, general_a)), (b, (mine_b, general_b)) = champion, candidate
    personal = Comparison(drawn(mine_a, size, seed), drawn(mine_b, size, seed))
    general = Comparison(general_a, general_b)
    findings = decide(personal, [general], GateSettings())
    findings.append(missing_characters(a.info.alphabet, b.info.alphabet, (personal, general)))
    return [finding for finding in findings if not finding.good]


def attack(sound: Sequence[Bundle], readings: Readings, work: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Every sabotaged candidate against its sound self and against the base."""
    rows = []
    base = base_bundle()
    for number, sabotage in enumerate(sabotages()):
        origin = sound[number % len(sound)]
        folder = work / f"sabotage-{number:02d}"
        sabotage.make(origin, folder)
        row: dict[str, Any] = {"kind": sabotage.kind, "name": sabotage.name, "origin": origin.info.name}
        bundle, finding = examine(folder)
        if bundle is None or not finding.good:
            row |= {"caught_by_bundle": finding.what, "self": 0, "base": 0, "trials": SETS * len(sizes)}
        else:
            trials = [(size, seed) for size in sizes for seed in range(SETS)]
            read = readings.spoiled(origin, bundle, sabotage) if sabotage.head_only else readings.of(bundle)
            sound_read, base_read = readings.of(origin), readings.of(base)
            row["self"] = sum(not verdict((origin, sound_read), (bundle, read), *trial) for trial in trials)
            row["base"] = sum(not verdict((base, base_read), (bundle, read), *trial) for trial in trials)
            row["trials"] = len(trials)
            row["cer"], row["cer_origin"], row["cer_base"] = (r[0].counts.cer for r in (read, sound_read, base_read))
            row["general"], row["general_base"] = read[1].counts.cer, base_read[1].counts.cer
        rows.append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)
    return rows


def reward(sound: Sequence[Bundle], readings: Readings, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Every truly better pair, on drawn test sets of each size."""
    rows = []
    for a in sound:
        for b in sound:
            (mine_a, general_a), (mine_b, general_b) = readings.of(a), readings.of(b)
            gain = 1 - mine_b.counts.cer / mine_a.counts.cer
            if gain < GAIN:
                continue
            rise = general_b.counts.cer - general_a.counts.cer
            row: dict[str, Any] = {
                "champion": a.info.name,
                "candidate": b.info.name,
                "gain": gain,
                "general_rise": rise,
            }
            for size in sizes:
                faults = [verdict((a, readings.of(a)), (b, readings.of(b)), size, seed) for seed in range(SETS)]
                row[f"passed_{size}"] = sum(not found for found in faults)
                why: dict[str, int] = defaultdict(int)
                for found in faults:
                    for finding in found:
                        why[finding.name] += 1
                row[f"why_not_{size}"] = dict(why)
            rows.append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
    return rows


def equal(sound: Sequence[Bundle], readings: Readings, sizes: Sequence[int]) -> dict[str, int]:
    """How often a model that is not better on all lines gets through on a drawn set."""
    counted = {"trials": 0, "promoted": 0}
    for a in sound:
        for b in sound:
            if a.id != b.id and readings.of(b)[0].counts.cer >= readings.of(a)[0].counts.cer:
                trials = [
                    verdict((a, readings.of(a)), (b, readings.of(b)), size, seed)
                    for size in sizes
                    for seed in range(SETS)
                ]
                counted["trials"] += len(trials)
                counted["promoted"] += sum(not found for found in trials)
    return counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of sound bundles (default: the base alone)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/peraire"))
    parser.add_argument("--work", type=Path, default=Path("build/bench/gate"))
    parser.add_argument("--out", type=Path, default=Path("build/bench/gate.json"))
    parser.add_argument("--sizes", default="20,40,80,160")
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(",")]
    args.work.mkdir(parents=True, exist_ok=True)
    readings = Readings(args.work / "readings", open_dataset(args.data), general_set(cache_folder()))
    trained = []
    for folder in sorted(args.models.iterdir()) if args.models else ():
        try:
            trained.append(read_bundle(folder / "bundle" if (folder / "bundle").is_dir() else folder))
        except BundleError as error:
            print(f"left out: {error}", file=sys.stderr)
    sound = [base_bundle(), *trained]
    better = reward(sound, readings, sizes)
    spoiled = attack(trained or sound, readings, args.work, sizes)
    result = {
        "sizes": sizes,
        "sets": SETS,
        "better": better,
        "sabotaged": spoiled,
        "not_better": equal(sound, readings, sizes),
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    summary(result)


def summary(result: dict[str, Any]) -> None:
    """The table of the benchmark page."""
    print(
        "\n| sabotaged, 50 | candidates | promoted over their sound self | promoted over the base |\n|---|---|---|---|"
    )
    for kind in dict.fromkeys(row["kind"] for row in result["sabotaged"]):
        rows = [row for row in result["sabotaged"] if row["kind"] == kind]
        trials = sum(row["trials"] for row in rows)
        over_self, over_base = sum(row["self"] for row in rows), sum(row["base"] for row in rows)
        print(f"| {kind} | {len(rows)} | {over_self} of {trials} | {over_base} of {trials} |")
    print("\n| truly better | pairs | " + " | ".join(f"{size} lines" for size in result["sizes"]) + " |")
    print("|---|---|" + "---|" * len(result["sizes"]))
    for low, high in ((0.1, 0.25), (0.25, 0.5), (0.5, 1.01)):
        rows = [row for row in result["better"] if low <= row["gain"] < high]
        cells = []
        for size in result["sizes"]:
            passed, trials = sum(r[f"passed_{size}"] for r in rows), max(len(rows) * result["sets"], 1)
            cells.append(f"{100 * passed / trials:.1f} %")
        print(f"| CER {100 * low:.0f} to {100 * min(high, 1):.0f} % lower | {len(rows)} | {' | '.join(cells)} |")
    print(f"\nnot better on all lines: {result['not_better']['promoted']} of {result['not_better']['trials']} promoted")


if __name__ == "__main__":
    main()
