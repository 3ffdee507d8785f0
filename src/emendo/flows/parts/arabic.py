"""The steps of the flow `arabic`: one book after the other, from the Arabic base to a model of its typeface.

Each book is learned from its own training lines and judged on its own test lines, as read and with the foldings of the
order beside; what the options of decoding and spelling are worth is measured on its validation lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...correct.references import open_data
from ...datasets import Dataset
from ...errors import DataError, UsageError
from ...evaluate import Measures, Report
from ...tools.files import write_json, write_text
from ...types import Split
from ..orders import RESULT, ArabicOrder
from ..sentences import teller
from .train import recipe_of

if TYPE_CHECKING:
    from ...release import Decision
    from ...types import Sample

METRICS: Final = ("bleu", "chrf")
SINGLE_FOLDS: Final = ("alef", "ya", "ta-marbuta", "tatweel", "harakat")
BOOKS: Final = "books"


@dataclass(frozen=True, slots=True)
class Book:
    """The lines of one book, and where what is made of it lies."""

    name: str
    data: Dataset
    folder: Path


def books(order: ArabicOrder) -> list[str]:
    """The books of the data set that have lines to learn and lines to be judged on, in alphabetical order.

    Raises UsageError for a book that is not there or a base that cannot be used, DataError when there is none.
    """
    recipe_of(order, order.base)
    dataset = open_data(order.data, order.settings, order.root)
    parts: dict[str, set[str]] = {}
    for sample in dataset.samples:
        if sample.text:
            part = "test" if sample.split is Split.TEST else "train"
            parts.setdefault(_book_of(sample, order.by), set()).add(part)
    found = sorted(name for name, has in parts.items() if name and has == {"train", "test"})
    if not found:
        what = f"no {order.by} has lines to learn from and test lines"
        raise DataError(what, where=dataset.name, remedy="name the attribute of the books with --by, and give splits")
    unknown = sorted(set(order.books) - set(found))
    if unknown:
        raise UsageError(f"no {order.by} {unknown[0]!r} that can be learned", remedy=f"known: {', '.join(found)}")
    return list(order.books) or found


def adapt(order: ArabicOrder, name: str) -> dict[str, Any]:
    """Train on one book, and measure: base and adapted model on its test lines, options, and the gate's decision."""
    from ...models.references import load_recognizer
    from ...release.gate import gate
    from ...train.run import train
    from ...train.selection import training_parts

    book = _opened(order, name)
    parts = training_parts([book.data])
    tell = teller()
    run = train(
        parts.train,
        val=parts.val,
        base=order.base,
        recipe=recipe_of(order, order.base),
        out=book.folder / "run",
        resume=(book.folder / "run").exists(),
        workspace=order.root,
        threads=order.threads,
        progress=lambda done, total, text: tell(done, total, f"{name}: {text}"),
        name=book.folder.name,
        left_out=parts.left_out,
    )
    tell(0, 0, f"{name}: reading")
    base = load_recognizer(order.base, workspace=order.root, threads=order.threads)
    decision = gate(
        base,
        run.bundle,
        book.data,
        split=Split.TEST,
        settings=order.settings.gate,
        limits=order.settings.limits,
        threads=order.threads,
    )
    signs = _signs(run.bundle)
    found = {
        "book": name,
        "bundle": str(run.bundle),
        "learned": len(parts.train),
        "signs": list(signs),
        **_measured(order, book, decision),
        "options": _options(order, book, run.bundle, signs),
        "passed": decision.passed,
        "reason": decision.reason,
    }
    write_json(book.folder / "book.json", found)
    return found


def gather(order: ArabicOrder, found: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], str]:
    """All books as one result (`OUT/result.json`), one card, and a page for each book."""
    from ...evaluate import read_report
    from ...evaluate.page import MOST_LINES, line_images
    from ...train.curve import read_curve
    from ..cards.arabic import arabic_card, book_card

    cards = [order.cards / "arabic.html"]
    for one in found:
        book = _opened(order, one["book"])
        if not (book.folder / "adapted" / "report.json").is_file():
            continue  # the gate refused to open its bundle
        report = read_report(book.folder / "adapted")
        images = line_images(book.data, [line.id for line in report.worst(MOST_LINES)], None)
        cards.append(order.cards / f"{book.folder.name}.html")
        write_text(cards[-1], book_card(one, report, images, read_curve(book.folder / "run")))
    passed = all(one["passed"] for one in found)
    result = {"passed": passed, "books": list(found), "normalize": list(order.normalize), "base": order.base}
    page = arabic_card(result)
    write_text(cards[0], page)
    result["cards"] = [str(card) for card in cards]
    write_json(order.out / RESULT, result)
    return result, page


def _opened(order: ArabicOrder, name: str) -> Book:
    from ...datasets.summary import narrowed
    from ...formats.images import safe_name

    dataset = open_data(order.data, order.settings, order.root)
    lines = tuple(sample for sample in dataset.samples if _book_of(sample, order.by) == name)
    return Book(name, replace(narrowed(dataset, lines), name=name), order.out / BOOKS / safe_name(name))


def _book_of(sample: Sample, by: str) -> str:
    return sample.group if by == "group" else str(sample.attributes.get(by, ""))


def _signs(bundle: Path) -> tuple[str, ...]:
    """Phrases that the model reads as one sign."""
    from ...models.bundle import read_bundle

    return tuple(one for one in read_bundle(bundle, verify=False).info.alphabet if len(one) > 1)


def _measured(order: ArabicOrder, book: Book, decision: Decision) -> dict[str, Any]:
    """Both models on the test lines, from the readings that the gate judged; their reports are kept."""
    measures = Measures(METRICS, folds=order.normalize)
    told: dict[str, Any] = {"base": None, "adapted": None}
    for comparison in decision.comparisons[:1]:
        for name, report in (("base", comparison.a), ("adapted", comparison.b)):
            assert isinstance(report, Report)
            full = replace(report, measures=measures)
            full.write(book.folder / name)
            told[name] = _row(full)
    return told


def _row(report: Report) -> dict[str, Any]:
    """Raw and normalised figures of one report."""
    all_of_it = report.figures()
    kept = ("samples", "characters", "edits", "cer", "cer_low", "cer_high", "wer", "exact")
    raw = {name: all_of_it[name] for name in kept} | dict(all_of_it["metrics"])
    return {"model": report.model, "raw": raw, "normalized": dict(all_of_it["normalized"])}


def _options(order: ArabicOrder, book: Book, bundle: Path, signs: Sequence[str]) -> list[dict[str, Any]]:
    """What each option is worth on the validation lines: words of the language on and off, each folding, the signs."""
    from ...evaluate.run import evaluate
    from ...models.references import load_recognizer

    if not any(sample.text for sample in book.data.split(Split.VAL)):
        return []

    def read(language: str) -> Report:
        reader = load_recognizer(str(bundle), threads=order.threads, language=language)
        return evaluate(reader, book.data, split=Split.VAL, limits=order.settings.limits)

    as_made = read("")
    rows = [_option("as trained", as_made), _option("words of the language off", read("none"))]
    rows.append(_option("words of the language on", read("ar")))
    for fold in (*SINGLE_FOLDS, *order.normalize):
        rows.append(_option(f"folded: {fold}", as_made, Measures(folds=(fold,))))
    if signs:
        phrases = tuple((sign, chr(0xE000 + at)) for at, sign in enumerate(signs))
        rows.append(_option(f"{len(signs)} signs counted as one character each", as_made, Measures(phrases=phrases)))
    return rows


def _option(name: str, report: Report, measures: Measures | None = None) -> dict[str, Any]:
    if measures is None:
        return {"name": name, "cer": report.counts.cer, "wer": report.counts.wer, "lines": len(report.lines)}
    folded = measures.figures(report.lines)["normalized"]
    return {"name": name, "cer": folded["cer"], "wer": folded["wer"], "lines": len(report.lines)}
