"""Documents whose fields are known, as a round of mining reads them: from a data set, a workspace, or a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..correct.fields import document_samples
from ..errors import DataError
from ..evaluate import SampleSet
from ..evaluate.fields.run import known_truths
from ..fields.schema import Document
from ..mine.errorlog import Entry, page_key, truth_of_entry
from ..tools.files import sha256_file
from ..types import Sample, Split
from ..workspace.folder import Workspace


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document with its truth; `told` are the fields of which the truth speaks (empty: of all)."""

    sample: Sample
    truth: Document
    told: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same document (see `errorlog.page_key`). Raises OSError when its file is gone."""
        return page_key(sha256_file(self.sample.image), self.sample.frame)


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents in order, and a sentence on each that cannot be used."""

    documents: tuple[Labelled, ...]
    rejected: tuple[str, ...] = ()


def of_dataset(dataset: SampleSet, *splits: Split) -> Documents:
    """The documents of a data set that belong to one of `splits`; a sample without a split is for training.

    The truth speaks of the fields that the data set gives anywhere. Raises DataError when no sample has fields.
    """
    known = known_truths(dataset)
    kept = [
        Labelled(sample, truth, known.given)
        for sample, truth in zip(known.samples, known.documents, strict=True)
        if (sample.split or Split.TRAIN) in splits
    ]
    if not kept:
        raise DataError(f"no document with fields in {' or '.join(splits)}", where=dataset.name)
    return Documents(tuple(kept), tuple(f"{one.id}: {one.reason}" for one in known.rejected))


def of_workspace(workspace: Workspace) -> list[Sample]:
    """The documents of a workspace whose fields were corrected or accepted. Raises DataError when there are none."""
    with workspace.store() as store:
        samples = list(document_samples(workspace, store))
    if not samples:
        remedy = f"fill some in with `emendo label {workspace.root} --fields`"
        raise DataError("no document was corrected yet", where=workspace.root, remedy=remedy)
    return samples


def of_entry(log: Path, entry: Entry) -> Labelled:
    """A logged document whose truth is known, read from the copy in the log."""
    attributes: dict[str, Any] = {"images": [entry.image, *entry.images]} if entry.images else {}
    if entry.pages:
        attributes["pages"] = entry.pages
    sample = Sample(
        id=entry.id,
        image=log / entry.image,
        frame=entry.frame,
        fields=entry.truth,
        group=entry.group,
        split=Split.TRAIN,
        attributes=attributes,
    )
    return Labelled(sample, truth_of_entry(entry), entry.told)


def portions(documents: Sequence[Labelled], count: int, seed: int = 0) -> list[tuple[Labelled, ...]]:
    """`count` parts about as large as each other; documents of one group are in the same part.

    Raises DataError when there are fewer groups than parts.
    """
    groups: dict[str, list[Labelled]] = {}
    for one in documents:
        groups.setdefault(one.sample.group or one.sample.id, []).append(one)
    if len(groups) < count:
        raise DataError(
            f"{len(groups)} documents cannot be shared out to {count} rounds", remedy="ask for fewer rounds"
        )
    names = sorted(groups)
    shuffled = [groups[names[int(at)]] for at in np.random.default_rng(seed).permutation(len(names))]
    parts: list[list[Labelled]] = [[] for _ in range(count)]
    for group in sorted(shuffled, key=len, reverse=True):
        min(parts, key=len).extend(group)
    return [tuple(part) for part in parts]


def without(documents: Iterable[Labelled], others: Iterable[Labelled]) -> list[Labelled]:
    """The documents whose content is in none of `others`."""
    held = {one.key for one in others}
    return [one for one in documents if one.key not in held]
