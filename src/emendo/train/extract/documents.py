"""The documents that train: made-up ones, whose words are exact, and real ones, whose words a reader reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Protocol
from zlib import compress, decompress

import numpy as np

from emendo.datasets.invoices.rehearsal import rehearsal
from emendo.errors import BadInput, DataError, FormatError
from emendo.evaluate.fields.truth import Written, truth_of, written
from emendo.fields.schema import ROWS, Document, Kind, specs
from emendo.image.load import sample_pages
from emendo.models.base import cache_folder
from emendo.models.bundle import FIELDS_FAMILY
from emendo.models.extract.labels import INDEX, LABELS, TYPES, label_of
from emendo.train.selection import LeftOut
from emendo.types import Image, Origin, Sample, Word

from .align import Targets, align, row_number
from .noise import Made, misread, noisy

_CUT: Final = 0.12
"""Share of the made-up documents of several pages that are shown without the last one."""
WORDS: Final = "words"
"""The folder beside `images` in which a made-up document's words lie."""
PageReader = Callable[[Sequence[Image]], list[Word]]
"""Takes the pages of a document, returns their words."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A document as it is shown once: words in order, labels of which one place at least tells, and its kind.

    The places of `choices` are numbers of words in the whole document (`Made.at`).
    """

    words: list[Made]
    choices: tuple[tuple[int, tuple[tuple[int, ...], ...]], ...] = ()
    kind: int = -1


class TrainingDocument(Protocol):
    """A document that trains."""

    @property
    def sample(self) -> Sample:
        """Where it is from."""
        ...

    @property
    def size(self) -> int:
        """Words, about."""
        ...

    @property
    def truth(self) -> Document:
        """What it tells."""
        ...

    def draw(self, rng: np.random.Generator, noise: float) -> Drawn:
        """The document as it is shown once."""
        ...

    def shown(self) -> list[Word]:
        """Its words as a reader gives them, always the same."""
        ...


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A made-up document; `words` are its words as JSON, compressed."""

    sample: Sample
    words: bytes
    size: int
    truth: Document

    def draw(self, rng: np.random.Generator, noise: float) -> Drawn:
        """Its words with the errors that a reader makes; at times without the last page, as people send them."""
        kind = TYPES.index(self.truth.type) if self.truth.type in TYPES else -1
        made = self._exact()
        last = max(one.word.page for one in made)
        if last > 1 and rng.random() < _CUT * noise:
            made = [one for one in made if one.word.page < last]
        return Drawn(noisy(tilted(made, rng, noise), rng, noise), kind=kind)

    def shown(self) -> list[Word]:
        """The words with errors that only the document decides."""
        seed = int.from_bytes(self.sample.id.encode()[-8:], "little")
        return [one.word for one in noisy(self._exact(), np.random.default_rng(seed))]

    def _exact(self) -> list[Made]:
        return exact_words(json.loads(decompress(self.words)))


@dataclass(frozen=True, slots=True)
class Read:
    """A document whose words were read, with what is known of them."""

    sample: Sample
    words: tuple[Word, ...]
    truth: Document
    targets: Targets

    @property
    def size(self) -> int:
        """Its words."""
        return len(self.words)

    def draw(self, rng: np.random.Generator, noise: float) -> Drawn:
        """Its words, a few of them lost, moved a little or misread once more."""
        each = zip(self.words, self.targets.allowed, self.targets.rows, strict=True)
        needed = {at for _, places in self.targets.choices for place in places for at in place}
        made: list[Made] = []
        lost, wrong = (noise * float(rng.choice([0.0, 0.0, low, high])) for low, high in ((0.02, 0.06), (0.005, 0.02)))
        for at, (word, labels, row) in enumerate(each):
            if at not in needed and rng.random() < lost:
                continue
            shift = 0.08 * noise * (word.box[3] - word.box[1]) * rng.normal(0, 1, 4)
            x0, y0, x1, y1 = (float(value) for value in np.asarray(word.box) + shift)
            text = misread(word.text, wrong, rng) or word.text
            moved = replace(word, text=text, box=(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))
            made.append(Made(moved, labels, row, at))
        return Drawn(made or [Made(self.words[0], (0,), at=0)], self.targets.choices, self.targets.kind)

    def shown(self) -> list[Word]:
        """Its words."""
        return list(self.words)


def made_up(sample: Sample, words: Sequence[Mapping[str, Any]], truth: Document) -> MadeUp:
    """A document of these words. Raises ValueError, TypeError or KeyError when they are none."""
    if not exact_words(words):
        raise ValueError("there are no words")
    return MadeUp(sample, compress(json.dumps(words).encode()), len(words), truth)


def exact_words(rows: Sequence[Mapping[str, Any]]) -> list[Made]:
    """The words of a made-up document with what each tells.

    An amount that stands a second time, as a total does beside what was paid, may as well be the field, and so may the
    seller's name that stands again in small print.
    """
    made: list[Made] = []
    for row in rows:
        label, number = label_of(row["meaning"])
        x0, y0, x1, y1 = map(float, row["box"])
        word = Word(str(row["text"]), (x0, y0, x1, y1), 0, int(row["page"]))
        made.append(Made(word, (INDEX[label],), row_number(label.partition("[")[0], number) if label else -1))
    told = (one for one in made if LABELS[one.labels[0]] in _SUMS and any(map(str.isdecimal, one.word.text)))
    sums = {one.word.text: one.labels[0] for one in told}
    again = {at: sums[one.word.text] for at, one in enumerate(made) if one.labels == (0,) and one.word.text in sums}
    again |= dict.fromkeys(_repeated(made, INDEX["seller"]), INDEX["seller"])
    return [replace(one, labels=(0, again[at])) if at in again else one for at, one in enumerate(made)]


def _repeated(made: Sequence[Made], label: int) -> list[int]:
    """Words without a label that say once more, as a whole, what words of `label` say."""
    texts = [one.word.text for one in made]
    runs = [list(run) for own, run in groupby(range(len(made)), lambda at: made[at].labels[0]) if own == label]
    names = {tuple(texts[at] for at in run) for run in runs}
    places = (range(at, at + len(name)) for name in names for at in range(len(made) - len(name) + 1)
              if tuple(texts[at : at + len(name)]) == name)  # fmt: skip
    return [at for place in places if all(made[one].labels == (0,) for one in place) for at in place]


_SUMS: Final = frozenset(spec.name for spec in specs(Document) if spec.kind is Kind.MONEY)


def tilted(made: Sequence[Made], rng: np.random.Generator, noise: float) -> list[Made]:
    """The words of pages that lie a little askew and are a little out of shape."""
    angle, wide, high = rng.normal(0, 0.006 * noise), 1 + rng.normal(0, 0.04 * noise), 1 + rng.normal(0, 0.04 * noise)
    found: list[Made] = []
    for one in made:
        x0, y0, x1, y1 = one.word.box
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        across, down = wide * (x - angle * y), high * (y + angle * x)
        half, deep = wide * (x1 - x0) / 2, high * (y1 - y0) / 2
        found.append(replace(one, word=replace(one.word, box=(across - half, down - deep, across + half, down + deep))))
    return found


def drawn_documents(
    count: int, seed: int, jobs: int, progress: Callable[[int, int, str], None]
) -> list[TrainingDocument]:
    """So many made-up documents, kept in the cache."""
    found: list[TrainingDocument] = []
    rows = rehearsal(count, seed, cache_folder() / FIELDS_FAMILY, jobs=jobs, progress=progress)
    for at, row in enumerate(rows):
        sample = Sample(id=f"made-{seed}-{at:06}", image=Path(), fields=row["fields"], origin=Origin.SYNTHETIC)
        found.append(made_up(sample, row["words"], truth_of(sample).document))
    return found


def training_documents(
    samples: Sequence[Sample], read: PageReader, progress: Callable[[int, int, str], None]
) -> tuple[list[TrainingDocument], list[LeftOut]]:
    """The samples that can train, and those left out by name: without fields, with pages that cannot be read, without
    words.
    """
    way = written(sample for sample in samples if sample.origin is not Origin.SYNTHETIC)
    spoken = _spoken(samples, way)
    kept: list[TrainingDocument] = []
    left_out: list[LeftOut] = []
    for done, sample in enumerate(samples):
        progress(done, len(samples), "reading the documents")
        try:
            kept.append(_document(sample, way, spoken, read))
        except (BadInput, DataError, FormatError) as error:
            left_out.append(LeftOut(sample.id, str(error)))
    return kept, left_out


def _document(sample: Sample, way: Written, spoken: Collection[str], read: PageReader) -> TrainingDocument:
    if not sample.fields:
        raise DataError("no fields", where=sample.id)
    exact = sample.image.parent.parent / WORDS / f"{sample.id}.json"
    truth = truth_of(sample, way).document
    if sample.origin is Origin.SYNTHETIC and exact.is_file():
        try:
            return made_up(sample, json.loads(exact.read_bytes()), truth)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise FormatError("holds no words of a document", where=exact, remedy="make the data set again") from error
    words = read(sample_pages(sample))
    if not words:
        raise DataError("no words were read on its pages", where=sample.id)
    # a person who corrected a document said all that it holds; other truths speak of some fields only
    known = spoken if sample.origin in {Origin.CORRECTED, Origin.ACCEPTED} else _told(truth)
    return Read(sample, tuple(words), truth, align(words, truth, known=known, order=way.order))


def _spoken(samples: Sequence[Sample], way: Written) -> set[str]:
    """Labels of which corrected documents speak."""
    found: set[str] = set()
    for sample in samples:
        if sample.origin in {Origin.CORRECTED, Origin.ACCEPTED} and sample.fields:
            found |= _told(truth_of(sample, way).document)
    return found


def _told(document: Document) -> set[str]:
    """The labels of a document's values."""
    found = {spec.name for spec in specs(Document) if getattr(document, spec.name) is not None}
    for table, part in ROWS.items():
        for row in getattr(document, table):
            found |= {f"{table}[].{spec.name}" for spec in specs(part) if getattr(row, spec.name) is not None}
    return found & set(LABELS)


def texts_of(documents: Sequence[TrainingDocument]) -> list[tuple[Sequence[str], dict[str, Any]]]:
    """The texts of the words of each document with its fields as JSON values."""
    return [([word.text for word in one.shown()], one.truth.values()) for one in documents]
