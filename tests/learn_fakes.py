"""Readers of documents, a training and a gate that cost nothing, for rounds of mining."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emendo.learn.mining import Means
from emendo.release.gate import Decision, Finding
from emendo.release.judgement import keep_judgement
from emendo.tools.files import write_text
from emendo.types import Image, Reading, Sample

TRUTH = {"seller": "Mill Ltd", "date": "2024-03-21", "total": "12.00"}


def documents(folder: Path, count: int, *, first: int = 0, split: str = "train") -> Path:
    """A manifest of pages that tell their number: document 7 has a total of 7.00 and a grey of 7 in its corner."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(first, first + count):
        page = np.full((24, 32, 3), 255, np.uint8)
        page[0, 0] = number
        cv2.imwrite(str(folder / "images" / f"{number}.png"), page)
        fields = {**TRUTH, "total": f"{number}.00"}
        rows.append({"id": f"d{number}", "image": f"images/{number}.png", "fields": fields, "split": split})
    manifest = folder / "documents.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return manifest


@dataclass(frozen=True)
class Knowing:
    """Reads the documents that it has learned, and of all others a wrong total."""

    model: str
    learned: frozenset[int]

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """A page is a document."""
        return self.read_documents([[image] for image in images])

    def read_documents(self, pages: Sequence[Sequence[Image]]) -> list[Reading]:
        """The number stands in the corner."""
        numbers = [int(document[0][0, 0, 0]) for document in pages]
        fields = [{**TRUTH, "total": f"{one}.00" if one in self.learned else "99.99"} for one in numbers]
        return [Reading(json.dumps(one), 1.0, model=self.model, fields=one) for one in fields]


def number_of(sample: Sample) -> int:
    """The number of a document, from its truth."""
    assert sample.fields is not None
    return int(float(sample.fields["total"]))


@dataclass
class Fakes:
    """Models are JSON files with what they have learned; `log` is what was done, and `stop` names where it breaks."""

    places: list[Any] = field(default_factory=list)
    stop: str = ""
    refused: frozenset[int] = frozenset()
    """Rounds whose candidate the gate refuses, counted from 1."""

    def open(self, ref: str) -> Knowing:
        """A model; `base` knows nothing."""
        learned = [] if ref == "base" else json.loads((Path(ref) / "learned.json").read_text())
        return Knowing(f"m{sum(learned)}-{len(learned)}", frozenset(learned))

    def train(self, samples: Sequence[Sample], *, base: str, out: Path, resume: bool) -> Path:
        """Learn the samples on top of what the base knows."""
        self.places.append(("train", sorted(s.id for s in samples), base, resume))
        self._break("train", out)
        learned = self.open(base).learned | {number_of(sample) for sample in samples}
        write_text(out / "bundle" / "learned.json", json.dumps(sorted(learned)))
        return out / "bundle"

    def judge(self, champion: str, candidate: Path, keep: Path) -> Decision:
        """Pass what knows more."""
        self.places.append(("judge", champion))
        self._break("judge", keep)
        number = int(keep.parent.name.rpartition("_")[2])
        good = number not in self.refused and len(self.open(str(candidate)).learned) > len(self.open(champion).learned)
        found = Finding("better", good, "knows more" if good else "knows no more")
        decision = Decision(str(candidate), champion, (found,))
        keep_judgement(keep, decision)
        return decision

    def put_in_use(self, candidate: Path) -> str:
        """The folder itself."""
        self._break("use", candidate)
        return str(candidate)

    def replay(self, count: int, seed: int) -> Sequence[Sample]:
        """None are made."""
        self.places.append(("replay", count))
        return ()

    def means(self, **changes: Any) -> Means:
        """These as the means of a round."""
        return Means(**{
            "open": self.open, "train": self.train, "judge": self.judge, "put_in_use": self.put_in_use,
            "replay": self.replay, **changes,
        })  # fmt: skip

    def _break(self, place: str, folder: Path) -> None:
        if self.stop == place:
            folder.mkdir(parents=True, exist_ok=True)
            raise KeyboardInterrupt(place)
