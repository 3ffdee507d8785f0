"""Error rates estimated without a truth: writers of hands_fr and Peraire pages left out, beside simpler ways.

    python benchmarks/estimate.py --out FOLDER [--adapted BUNDLE] [--ship] [--threads N]

The lines of hands_fr and hands_en are read once by base-hand and base, those of Peraire by base-hand and the bundle
`--adapted` (trained on the first 300 Peraire lines, `benchmarks/adaptation.py --cells peraire-300`); what was read is
kept in FOLDER and not read again. Estimators are fitted on training and validation lines that their model was not
trained on: base-hand on hands validation and Peraire, base on all. Then, on test pages:

* hands_fr writers, each left out of the fit entirely (all their lines, of every model): one estimate for a writer's
  test pages, and one a page;
* Peraire: each page alone, and in threes; by base-hand with all of Peraire left out of the fit, by the adapted
  model with what comes along, and calibrated on the validation pages, on test pages and on every third of the training
  pages that are not among its 300 lines.

Beside it on the same pages, each with what it needs from the same labelled pages: the plain doubt; ATC (Garg et al.
2022), a threshold on the probability of a character so that as many lie below as are wrong; DoC (Guillory et al. 2021),
the labelled pages' CER plus the difference of the doubts. `--ship` writes the estimators that come along.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from emendo.image.quality import Quality
from emendo.metrics.align import counts, total
from emendo.monitor.estimate import Estimators
from emendo.monitor.estimator import Estimator, fit_estimator, for_any_model
from emendo.monitor.reading import alike
from emendo.monitor.seen import SeenLine
from emendo.monitor.units import Unit

DATA = Path(os.environ.get("EMENDO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SHIPPED = Path(__file__).resolve().parents[1] / "src" / "emendo" / "monitor" / "estimators.json"
HANDS = ("hands_fr", "hands_en")
SETS = {"base-hand": (*HANDS, "peraire"), "base": HANDS, "adapted": ("peraire",)}
"""What each model reads."""
TRAINED_ON = {"base-hand": HANDS}
"""Of these sets a model knows the training lines: they say nothing of what it does elsewhere."""
FIRST, EVERY = 300, 3
"""Training lines of Peraire, pages in sorted order, that the adapted model knows; of the pages behind them it reads
every third."""
POINTS, COVERED = 1.5, 0.85


@dataclass(frozen=True)
class Page:
    """A page that was read: its unit, its split, and the probability of each of its characters."""

    unit: Unit
    data: str
    split: str
    writer: str
    probabilities: tuple[float, ...]

    @property
    def cer(self) -> float:
        assert self.unit.truth is not None
        return self.unit.truth.cer


def read_rows(model: str, data: str, path: Path, threads: int) -> None:
    """Read a data set page by page and keep one row a line."""
    from emendo.datasets import open_dataset
    from emendo.image.load import sample_image
    from emendo.image.quality import measure
    from emendo.models.references import load_recognizer

    recognizer = load_recognizer(model, threads=threads)
    pages: dict[str, list[Any]] = {}
    for sample in open_dataset(DATA / data).samples:
        if sample.text is not None:
            pages.setdefault(sample.attributes.get("page") or sample.group, []).append(sample)
    if model not in SETS:
        pages = {page: samples for page, samples in pages.items() if page in left_out(pages)}
    rows = []
    for page, samples in pages.items():
        images = [sample_image(sample) for sample in samples]
        for sample, image, read in zip(samples, images, recognizer.read(images), strict=True):
            rows.append(
                {
                    "split": sample.split.value if sample.split else "",
                    "page": page,
                    "writer": alike(sample) or data,
                    "line": sample.attributes.get("line"),
                    "ref": sample.text,
                    "text": read.text,
                    "confidence": read.confidence,
                    "p": [round(one.probability, 4) for one in read.characters],
                    "quality": asdict(measure(image)),
                    "model": read.model,
                }
            )
    part = path.with_suffix(".part")
    part.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", "utf-8")
    part.replace(path)


def left_out(pages: dict[str, list[Any]]) -> set[str]:
    """Validation and test pages, and some training pages that the adapted model was not trained on."""
    train = sorted(page for page, samples in pages.items() if samples[0].split == "train")
    known = np.cumsum([len(pages[page]) for page in train])
    behind = [page for page, before in zip(train, [0, *known[:-1]], strict=True) if before >= FIRST]
    return {*behind[::EVERY], *(page for page, samples in pages.items() if samples[0].split != "train")}


def pages_of(model: str, data: str, path: Path) -> list[Page]:
    """The pages of a file of rows, in order."""
    held: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        held.setdefault((row["split"], row["page"]), []).append(row)
    return [_page(model, data, split, name, rows) for (split, name), rows in held.items()]


def _page(model: str, data: str, split: str, name: str, rows: Sequence[dict[str, Any]]) -> Page:
    def line(row: dict[str, Any]) -> SeenLine:
        doubt = float(np.mean([1 - p for p in row["p"]])) if row["p"] else 1.0
        return SeenLine(row["text"], row["confidence"], doubt)

    unit = Unit(
        name=name,
        lines=tuple(map(line, rows)),
        group=f"{model}: {rows[0]['writer']}",
        document=name,
        model=model,
        qualities=tuple(Quality(**row["quality"]) for row in rows),
        truth=total(counts(row["ref"], row["text"]) for row in rows),
    )
    return Page(unit, data, split, rows[0]["writer"], tuple(p for row in rows for p in row["p"]))


def labelled(pages: Sequence[Page]) -> list[Page]:
    """Pages to fit on: training and validation pages that their model was not trained on."""
    return [one for one in pages if one.split == "val" or (one.split == "train" and not _known(one))]


def _known(page: Page) -> bool:
    return page.data in TRAINED_ON.get(page.unit.model, ())


def fitted(pages: Sequence[Page], model: str = "", start: Estimator | None = None, source: str = "") -> Estimator:
    return fit_estimator([one.unit for one in pages], start=start, model=model, source=source, made="2026-11-29")


def by_page(pages: Sequence[Page]) -> list[Page]:
    """The same pages, each a group of its own: the pages of one author, as a workspace has them."""
    return [replace(one, unit=replace(one.unit, group=f"{one.unit.model}: {one.unit.name}")) for one in pages]


Way = Callable[[Sequence[Page]], float]


def plain(pages: Sequence[Page]) -> float:
    sizes = [one.unit.characters for one in pages]
    return float(np.average([one.unit.doubt for one in pages], weights=sizes))


def atc(source: Sequence[Page]) -> Way:
    """Average thresholded confidence on characters, the threshold from `source`."""
    errors = sum(one.unit.truth.edits for one in source if one.unit.truth)
    sure = np.concatenate([one.probabilities for one in source])
    threshold = float(np.quantile(sure, min(1.0, errors / len(sure))))
    return lambda pages: float(np.mean(np.concatenate([one.probabilities for one in pages]) < threshold))


def doc(source: Sequence[Page]) -> Way:
    """Difference of confidences, from `source`."""
    off = true_cer(source) - plain(source)
    return lambda pages: max(0.0, plain(pages) + off)


def true_cer(pages: Sequence[Page]) -> float:
    return total(one.unit.truth for one in pages if one.unit.truth).cer


@dataclass
class Table:
    """Absolute errors in points by way, and whether and how wide the intervals cover."""

    name: str

    def __post_init__(self) -> None:
        self.errors: dict[str, list[float]] = {}
        self.covered: list[bool] = []
        self.widths: list[float] = []
        self.cers: list[float] = []
        self.rows: list[str] = []

    def add(self, pages: Sequence[Page], estimator: Estimator, source: Sequence[Page]) -> None:
        """One more estimate of some pages together."""
        truth = true_cer(pages)
        found = estimator.estimate([replace(one.unit, truth=None) for one in pages])
        values = {"emendo": found.cer, "doubt": plain(pages), "ATC": atc(source)(pages), "DoC": doc(source)(pages)}
        for name, value in values.items():
            self.errors.setdefault(name, []).append(100 * abs(value - truth))
        self.covered.append(found.low <= truth <= found.high)
        self.widths.append(100 * (found.high - found.low))
        self.cers.append(100 * truth)
        told = ", ".join(f"{name} {100 * value:.1f}" for name, value in values.items() if name != "emendo")
        self.rows.append(
            f"  {pages[0].writer if len(pages) > 3 else pages[0].unit.name}: true {100 * truth:.1f}, about "
            f"{100 * found.cer:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f}); {told}"
        )

    def line(self) -> str:
        """A row of the Markdown table."""
        errors = " | ".join(f"{median(self.errors[name]):.2f}" for name in ("emendo", "doubt", "ATC", "DoC"))
        mean = float(np.mean(self.errors["emendo"]))
        return (
            f"| {self.name} | {len(self.covered)} | {median(self.cers):.1f} | {errors} | {mean:.2f} | "
            f"{100 * float(np.mean(self.covered)):.0f} % | {median(self.widths):.1f} |"
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "errors": self.errors,
            "covered": self.covered,
            "widths": self.widths,
            "cer": self.cers,
        }


def writers(all_pages: dict[str, list[Page]], model: str) -> list[Table]:
    """hands_fr writers, each left out of the fit."""
    own = all_pages[model]
    each, single = Table(f"hands_fr writers, {model}"), Table(f"hands_fr pages, writer left out, {model}")
    for writer in sorted({one.writer for one in own if one.data == "hands_fr" and one.split == "test"}):
        source = [one for one in labelled(own) if one.writer != writer]
        estimator = fitted(source)
        test = [one for one in own if one.writer == writer and one.split == "test"]
        each.add(test, estimator, source)
        for page in test:
            single.add([page], estimator, source)
    return [each, single]


def peraire(all_pages: dict[str, list[Page]], model: str = "base-hand") -> list[Table]:
    """Peraire pages, nothing of Peraire in the fit."""
    source = [one for one in labelled(all_pages[model]) if one.data != "peraire"]
    estimator = fitted(source)
    test = [one for one in all_pages[model] if one.data == "peraire" and one.split == "test"]
    return _pages(f"Peraire test, writer left out, {model}", test, estimator, source)


def _pages(name: str, test: Sequence[Page], estimator: Estimator, source: Sequence[Page]) -> list[Table]:
    alone, threes = Table(f"{name}: a page"), Table(f"{name}: three pages")
    for page in test:
        alone.add([page], estimator, source)
    for at in range(0, len(test) - 2, 3):
        threes.add(test[at : at + 3], estimator, source)
    return [alone, threes]


def adapted(all_pages: dict[str, list[Page]], given: Estimators) -> list[Table]:
    """Pages that the adapted model was not trained on: with what comes along, and calibrated on validation pages."""
    own = all_pages["adapted"]
    split = {name: [one for one in own if one.split == name] for name in ("train", "val", "test")}
    start = given.of("adapted")
    calibrated = fitted(by_page(split["val"]), start=start)
    tables = _pages("Peraire test, adapted, as it comes", split["test"], start, split["val"])
    tables += _pages("Peraire test, adapted, calibrated", by_page(split["test"]), calibrated, split["val"])
    return tables + _pages(
        "Peraire other pages, adapted, calibrated", by_page(split["train"]), calibrated, split["val"]
    )


def ship(all_pages: dict[str, list[Page]]) -> Estimators:
    """The estimators that come along: of base-hand, of base, and of any other model."""
    made = [
        fitted(labelled(all_pages[name]), name, source="pages of hands_fr, hands_en and Peraire it was not trained on")
        for name in ("base-hand", "base")
    ]
    pooled = [one for name in ("base-hand", "base") for one in labelled(all_pages[name])]
    other = for_any_model(fitted(pooled, source="base-hand and base on the same pages"), made)
    return Estimators(estimators=(*made, other))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--adapted", default="", help="A bundle trained on the first 300 Peraire lines.")
    parser.add_argument("--ship", action="store_true", help="Write the estimators that come along.")
    parser.add_argument("--each", action="store_true", help="Show each estimate.")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    wanted = [(name, data) for name, sets in SETS.items() if name != "adapted" or given.adapted for data in sets]
    pages: dict[str, list[Page]] = {}
    for name, data in wanted:
        path = given.out / f"{name}-{data}.jsonl"
        if not path.is_file():
            read_rows(given.adapted if name == "adapted" else name, data, path, given.threads)
        pages.setdefault(name, []).extend(pages_of(name, data, path))
    made = ship(pages)
    if given.ship:
        made.write(SHIPPED)
    tables = writers(pages, "base-hand") + writers(pages, "base")
    tables += peraire(pages)
    tables += adapted(pages, made) if "adapted" in pages else []
    for table in tables:
        if given.each:
            print(table.name, *table.rows, sep="\n", file=sys.stderr)
    head = "| what | n | median CER | emendo | doubt | ATC | DoC | emendo, mean | 90 % covers | width |"
    print(head, "|" + "---|" * 10, *(table.line() for table in tables), sep="\n")
    (given.out / "estimate.json").write_text(json.dumps([table.to_dict() for table in tables]), "utf-8")
    first = tables[0]
    ok = median(first.errors["emendo"]) <= POINTS and float(np.mean(first.covered)) >= COVERED
    told = "reached" if ok else "not reached"
    print(f"asked: median error at most {POINTS} points, cover at least {COVERED:.0%}: {told}")


if __name__ == "__main__":
    main()
