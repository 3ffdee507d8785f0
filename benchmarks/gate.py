"""The gate under attack: fifty sabotaged candidates, and truly better ones, on personal test sets of several sizes.

    python benchmarks/gate.py --models DIR [DIR ...] --bad DIR --out FILE.json [--sizes 20,40,80,160]

`--models` name sound bundles (or folders of them, or of runs), adapted on Peraire train lines by `emendo train`, as
`adaptation.py` leaves them; the base is there by itself. `--bad` is a folder of runs as `bad_training.py` leaves it.
Only train and validation lines of Peraire are read. Every sound bundle reads the 209 validation lines and the built-in
general set once; sabotaged ones read every THIN-th of them, or, where only the head was touched, what the sound network
saw goes through the touched head. Personal test sets are drawn from those readings, SETS of each size.

- *sabotaged*: each is made from a sound bundle and stands against that bundle as champion, and against the base.
  Against its own sound self no promotion is right. Against the base a promotion is counted too; it is no fault of
  the gate when the candidate, harmed as it is, still reads all there is better than the base.
- *better*: every pair of sound bundles where the second makes fewer errors on all validation lines (by 10 % or more:
  a smaller gain is not to be seen on a small set), and every spoiled bundle as champion with its sound self as
  candidate. A pair is listed with its rise on the general set: beyond the budget it is rightly refused.
- *trained badly*: every model of `--bad` against every sound one, but where it is truly better on both sets.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emendo.datasets import open_dataset
from emendo.datasets.synth import general_set
from emendo.errors import BundleError
from emendo.evaluate import Comparison, Report, evaluate, read_report
from emendo.evaluate.run import SampleSet
from emendo.metrics import counts
from emendo.models.base import base_bundle, cache_folder
from emendo.models.bundle import INFO_FILE, Bundle, read_bundle
from emendo.models.ctc.decode import beam, greedy, text_of
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.release.gate import Finding, decide, examine, missing_characters
from emendo.settings import GateSettings
from emendo.types import Evidence, Image, Reading, Split

sys.path.insert(0, str(Path(__file__).parent))
from sabotage import Sabotage, sabotages

Reports = tuple[Report, Report]
Read = tuple[Bundle, Reports]
Trial = tuple[int, int]
"""Size and seed of a drawn test set."""
SETS = 20
"""Personal test sets drawn of each size, unless --sets says otherwise."""
THIN = {"personal": 3, "general": 4}
"""Candidates that the network itself has to read again read only every third and fourth line."""

GAIN = 0.10


GENERAL: dict[tuple[str, str], Comparison] = {}
"""Comparisons on the general set, which no draw changes."""


class Readings:
    """What each bundle reads on the personal pool and on the general set, kept on disk by content id."""

    def __init__(self, folder: Path, personal: SampleSet, general: SampleSet) -> None:
        self.folder = folder
        self.sets = {"personal": (personal, Split.VAL), "general": (general, None)}
        self._evidence: dict[tuple[str, str], list[Evidence]] = {}

    def of(self, bundle: Bundle, *, thin: bool = False) -> Reports:
        """The two reports of one bundle, by reading; `thin`: of every THIN-th line only."""
        return self._kept(bundle.id, lambda name: self._read(bundle, name, THIN[name] if thin else 1))

    def spoiled(self, origin: Bundle, bundle: Bundle, sabotage: Sabotage) -> Reports:
        """The two reports of a bundle that differs from `origin` in its head only, from what the origin saw."""
        return self._kept(bundle.id, lambda name: self._replayed(origin, bundle, sabotage, name))

    def _read(self, bundle: Bundle, name: str, step: int) -> Report:
        data, split = self.sets[name]
        samples = [s for s in data.samples if split is None or s.split is split][::step]
        recorder = Recorder(bundle)
        report = evaluate(recorder, dataclasses.replace(data, samples=tuple(samples)))  # type: ignore[type-var]
        self._evidence[bundle.id, name] = recorder.seen
        return report

    def _replayed(self, origin: Bundle, bundle: Bundle, sabotage: Sabotage, name: str) -> Report:
        if (origin.id, name) not in self._evidence:
            self._read(origin, name, 1)
        seen = self._evidence[origin.id, name]
        sound = read_report(self.folder / origin.id / name)
        reader = CtcRecognizer(bundle)
        texts = [decoded(reader, sabotage.spoil(one)) for one in seen]
        lines = tuple(
            dataclasses.replace(line, hypothesis=text, counts=counts(line.reference, text))
            for line, text in zip(sound.lines, texts, strict=True)
        )
        return dataclasses.replace(sound, model=f"{bundle.info.name}@{bundle.id}", lines=lines)

    def _kept(self, key: str, make: Callable[[str], Report]) -> Reports:
        found = []
        for name in self.sets:
            place = self.folder / key / name
            if not (place / "report.json").is_file():
                make(name).write(place)
            found.append(read_report(place))
        return found[0], found[1]


class Recorder:
    """Reads as the bundle reads in use, and remembers what it saw."""

    def __init__(self, bundle: Bundle) -> None:
        self.reader = CtcRecognizer(bundle)
        self.model = self.reader.model
        self.seen: list[Evidence] = []

    def read(self, images: Sequence[Image]) -> list[Reading]:
        seen = self.reader.observe(images)
        self.seen += [one.evidence for one in seen]
        return [Reading(one.text, 1.0) for one in seen]


def decoded(reader: CtcRecognizer, evidence: Evidence) -> str:
    """What the recogniser reads in evidence that did not come from its own network."""
    model = reader.language_model
    return text_of(beam(evidence, model, reader.decoding) if model is not None else greedy(evidence))


def on_lines_of(report: Report, other: Report) -> Report:
    """The report on only those lines that the other one has."""
    wanted = {line.id for line in other.lines}
    return dataclasses.replace(report, lines=tuple(line for line in report.lines if line.id in wanted))


def drawn(report: Report, size: int, seed: int) -> Report:
    """The report of a personal test set of `size` lines, drawn without replacement."""
    order = np.random.default_rng([size, seed]).permutation(len(report.lines))[:size]
    return dataclasses.replace(report, lines=tuple(report.lines[i] for i in sorted(order)))


def verdict(champion: Read, candidate: Read, size: int, seed: int) -> list[Finding]:
    """The gate's faults for the candidate against the champion on one drawn test set (empty: promoted)."""
    (a, (mine_a, general_a)), (b, (mine_b, general_b)) = champion, candidate
    personal = Comparison(
        drawn(on_lines_of(mine_a, mine_b), size, seed), drawn(on_lines_of(mine_b, mine_a), size, seed)
    )
    general = GENERAL.setdefault(
        (a.id, b.id), Comparison(on_lines_of(general_a, general_b), on_lines_of(general_b, general_a))
    )
    findings = decide(personal, [general], GateSettings())
    findings.append(missing_characters(a.info.alphabet, b.info.alphabet, (personal, general)))
    return [finding for finding in findings if not finding.good]


def attack(
    sound: Sequence[Bundle], readings: Readings, work: Path, trials: Sequence[Trial], each: int
) -> list[dict[str, Any]]:
    """Every sabotaged candidate (at most `each` of a kind) against its sound self and against the base."""
    rows = []
    base = base_bundle()
    kinds: Counter[str] = Counter()
    for number, sabotage in enumerate(sabotages()):
        if kinds[sabotage.kind] >= each:
            continue
        kinds[sabotage.kind] += 1
        origin = sound[number % len(sound)]
        folder = work / f"sabotage-{number:02d}"
        sabotage.make(origin, folder)
        row: dict[str, Any] = {"kind": sabotage.kind, "name": sabotage.name, "origin": called(origin)}
        bundle, finding = examine(folder)
        if bundle is None or not finding.good:
            row |= {"caught_by_bundle": finding.what, "self": 0, "base": 0, "trials": len(trials)}
        else:
            read = readings.spoiled(origin, bundle, sabotage) if sabotage.head_only else readings.of(bundle, thin=True)
            sound_read, base_read = readings.of(origin), readings.of(base)
            row["self"] = sum(not verdict((origin, sound_read), (bundle, read), *trial) for trial in trials)
            row["base"] = row["self"]
            if origin.id != base.id:
                row["base"] = sum(not verdict((base, base_read), (bundle, read), *trial) for trial in trials)
            row["trials"] = len(trials)
            row["repaired"] = {
                str(size): sum(not verdict((bundle, read), (origin, sound_read), *t) for t in trials if t[0] == size)
                for size in dict(trials)
            }
            for name, one in (("", read), ("_origin", sound_read), ("_base", base_read)):
                row[f"cer{name}"] = on_lines_of(one[0], read[0]).counts.cer
                row[f"general{name}"] = on_lines_of(one[1], read[1]).counts.cer
        rows.append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)
    return rows


def trained_badly(
    folder: Path, sound: Sequence[Bundle], readings: Readings, trials: Sequence[Trial]
) -> list[dict[str, Any]]:
    """Bundles that a real training got wrong, against every sound bundle, but where they are truly better."""
    rows = []
    for place in sorted(folder.glob("*/bundle")):
        bundle, finding = examine(place)
        assert bundle is not None, finding.what
        read = readings.of(bundle)
        row: dict[str, Any] = {
            "name": place.parent.name,
            "cer": read[0].counts.cer,
            "general": read[1].counts.cer,
            "champions": {},
            "truly_better_than": [],
            "why_not": {},
        }
        why: Counter[str] = Counter()
        for champion in sound:
            found = readings.of(champion)
            rise = read[1].counts.cer - found[1].counts.cer
            if read[0].counts.cer < found[0].counts.cer and rise <= GateSettings().general_budget:
                row["truly_better_than"].append(called(champion))
                continue
            verdicts = [verdict((champion, found), (bundle, read), *trial) for trial in trials]
            row["champions"][called(champion)] = sum(not faults for faults in verdicts)
            why.update({fault.name.split(" ")[0] for faults in verdicts for fault in faults})
        row |= {"trials": len(trials) * len(row["champions"]), "why_not": dict(why)}
        rows.append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)
    return rows


def reward(sound: Sequence[Bundle], readings: Readings, trials: Sequence[Trial]) -> list[dict[str, Any]]:
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
                "champion": called(a),
                "candidate": called(b),
                "gain": gain,
                "general_rise": rise,
            }
            for size in dict(trials):
                faults = [verdict((a, readings.of(a)), (b, readings.of(b)), *t) for t in trials if t[0] == size]
                row[f"passed_{size}"] = sum(not found for found in faults)
                why: dict[str, int] = defaultdict(int)
                for found in faults:
                    for finding in found:
                        why[finding.name] += 1
                row[f"why_not_{size}"] = dict(why)
            rows.append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
    return rows


def equal(sound: Sequence[Bundle], readings: Readings, trials: Sequence[Trial]) -> dict[str, int]:
    """How often a model that is not better on all lines gets through on a drawn set."""
    counted = {"trials": 0, "promoted": 0}
    for a in sound:
        for b in sound:
            if a.id != b.id and readings.of(b)[0].counts.cer >= readings.of(a)[0].counts.cer:
                found = [verdict((a, readings.of(a)), (b, readings.of(b)), *trial) for trial in trials]
                counted["trials"] += len(found)
                counted["promoted"] += sum(not faults for faults in found)
    return counted


def sound_bundles(places: Sequence[Path]) -> list[Bundle]:
    """The bundles that the paths are or hold, each once; what is none is named."""
    found: dict[str, Bundle] = {}
    for place in places:
        folders = [place] if (place / INFO_FILE).is_file() else sorted(place.glob(f"**/{INFO_FILE}"))
        for folder in (one if one.is_dir() else one.parent for one in folders):
            try:
                bundle = read_bundle(folder)
            except BundleError as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            found.setdefault(bundle.id, bundle)
    return list(found.values())


def called(bundle: Bundle) -> str:
    """Name of a bundle for the table: that of its run, `base` for the base."""
    return "base" if bundle.id == base_bundle().id else bundle.folder.parent.name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="sound bundles, or folders of them")
    parser.add_argument("--bad", type=Path, help="folder of runs trained wrongly, as bad_training.py leaves it")
    parser.add_argument("--each", type=int, default=50, help="at most so many sabotaged candidates of a kind")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/peraire"))
    parser.add_argument("--work", type=Path, default=Path("build/bench/gate"))
    parser.add_argument("--out", type=Path, default=Path("build/bench/gate.json"))
    parser.add_argument("--sizes", default="20,40,80,160")
    parser.add_argument("--sets", type=int, default=SETS)
    args = parser.parse_args()
    sets = args.sets
    sizes = [int(size) for size in args.sizes.split(",")]
    trials = [(size, seed) for size in sizes for seed in range(sets)]
    args.work.mkdir(parents=True, exist_ok=True)
    readings = Readings(args.work / "readings", open_dataset(args.data), general_set(cache_folder()))
    trained = sound_bundles(args.models)
    sound = [base_bundle(), *trained]
    better = reward(sound, readings, trials)
    spoiled = attack(trained or sound, readings, args.work, trials, args.each)
    result = {
        "sizes": sizes,
        "sets": sets,
        "better": better,
        "sabotaged": spoiled,
        "trained_badly": trained_badly(args.bad, sound, readings, trials) if args.bad else [],
        "not_better": equal(sound, readings, trials),
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    summary(result)


def summary(result: dict[str, Any]) -> None:
    """The table of the benchmark page."""
    print("\n| sabotaged | candidates | promoted over their sound self | promoted over the base |\n|---|---|---|---|")
    for kind in dict.fromkeys(row["kind"] for row in result["sabotaged"]):
        rows = [row for row in result["sabotaged"] if row["kind"] == kind]
        trials = sum(row["trials"] for row in rows)
        over_self, over_base = sum(row["self"] for row in rows), sum(row["base"] for row in rows)
        print(f"| {kind} | {len(rows)} | {over_self} of {trials} | {over_base} of {trials} |")
    if result["trained_badly"]:
        print(
            "\n| really trained, badly | CER | general set | champions | trials | promoted |\n|---|---|---|---|---|---|"
        )
    for row in result["trained_badly"]:
        cells = (f"{100 * row['cer']:.1f} %", f"{100 * row['general']:.1f} %", ", ".join(row["champions"]) or "none")
        print(f"| {row['name']} | {' | '.join(cells)} | {row['trials']} | {sum(row['champions'].values())} |")
    pairs = [
        (row["gain"], {str(size): row[f"passed_{size}"] for size in result["sizes"]})
        for row in result["better"]
        if row["general_rise"] <= GateSettings().general_budget
    ]
    repaired = [
        (1 - row["cer_origin"] / row["cer"], row["repaired"])
        for row in result["sabotaged"]
        if row.get("repaired") and row["general"] >= row["general_origin"] and row["cer"] > row["cer_origin"]
    ]
    print("\n| truly better | pairs | " + " | ".join(f"{size} lines" for size in result["sizes"]) + " |")
    print("|---|---|" + "---|" * len(result["sizes"]))
    for name, some in (("trained further", pairs), ("repaired", repaired)):
        for low, high in ((0.1, 0.25), (0.25, 0.5), (0.5, 1.01)):
            rows = [passed for gain, passed in some if low <= gain < high]
            trials = max(len(rows) * result["sets"], 1)
            cells = [f"{100 * sum(row[str(size)] for row in rows) / trials:.1f} %" for size in result["sizes"]]
            share = f"{100 * low:.0f} to {100 * min(high, 1):.0f} %"
            print(f"| {name}, CER {share} lower | {len(rows)} | {' | '.join(cells)} |")
    print(f"\nnot better on all lines: {result['not_better']['promoted']} of {result['not_better']['trials']} promoted")


if __name__ == "__main__":
    main()
