"""Plates to be labelled: the pictures of a folder as units, their pre-labels, and `labels.txt` beside the database.

A plate is known by its path, not by its content: a better frame of the same track replaces the picture, and the label
stays. One that was skipped is shown again then, for it may have become readable.
"""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import BadInput, EmendoError, UsageError
from ..formats.labels import SKIP, append, read_labels
from ..image.likeness import likeness_hash
from ..image.load import read_image
from ..pages.tracks import DAY, NAME, pictures_below
from ..settings import Settings
from ..tools.files import sha256_bytes
from ..types import Correction, Reading, Recognizer, Verdict
from ..workspace.folder import Workspace
from ..workspace.rows import now
from ..workspace.store import Entry, Kind, Line, Store, Transaction, UnknownLine
from .rules import LABELS, crops_folder, folded_text, label_of

FROM_FILE = "labels"
IN_FILE = (FROM_FILE, "page", "restored")
"""Sources of verdicts whose text is known to stand in `labels.txt`."""
BATCH = 8
UNREAD = Reading("", 0.0)
"""Stands for the reading of a picture that was replaced: of no model, so that it is read anew."""
QUEUES: Mapping[str, str] = {
    "waiting": "not labelled yet, as filed",
    "unsure": "not labelled yet, least sure pre-label first",
    "review": "labelled ones, as filed",
}


@dataclass(frozen=True, slots=True)
class Plate:
    """One picture with what a model read and the verdict that holds."""

    unit: Line
    reading: Reading | None
    verdict: Correction | None

    @property
    def done(self) -> bool:
        """Labelled, or skipped and the picture has not become a better one since."""
        if self.verdict is None:
            return False
        return self.verdict.text is not None or self.verdict.at >= self.since

    @property
    def since(self) -> datetime:
        """When this picture was first seen."""
        return datetime.fromisoformat(str(self.unit.attributes["since"]))

    @property
    def state(self) -> str:
        """`labelled`, `skipped`, `pre-labelled` or `waiting`."""
        if self.done and self.verdict is not None:
            return "labelled" if self.verdict.text is not None else "skipped"
        return "pre-labelled" if self.reading is not None and self.reading.text else "waiting"

    def to_dict(self) -> dict[str, Any]:
        """For the page."""
        unit, reading, verdict = self.unit, self.reading, self.verdict
        label = verdict.text if verdict else None
        text = label if label is not None else (reading.text if reading else "")
        return {
            "id": unit.id,
            "path": unit.image,
            "document": unit.document,
            "picture": unit.sha256[:16],
            "state": self.state,
            "text": text,
            "reading": reading.text if reading else "",
            "confidence": round(reading.confidence, 4) if reading else 0.0,
            "read": reading is not None and bool(reading.model),
            "model": reading.model if reading else "",
            "characters": [[one.text, round(one.probability, 4)] for one in (reading.characters if reading else ())],
            "version": verdict.version if verdict else 0,
            "author": verdict.author if verdict else "",
            "at": verdict.at.isoformat() if verdict else "",
        }


@dataclass
class Refreshed:
    """What a look at the folder and at `labels.txt` found."""

    plates: int = 0
    new: int = 0
    replaced: int = 0
    gone: int = 0
    taken: int = 0
    written: int = 0
    unknown: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """For a person."""
        told = [f"{self.plates} plates: {self.new} new, {self.replaced} with a better picture, {self.gone} gone"]
        if self.taken:
            told.append(f"{self.taken} labels taken in from {LABELS}")
        if self.unknown:
            told.append(f"{len(self.unknown)} lines of {LABELS} name no picture here, the first {self.unknown[0]!r}")
        return told


class PlateBook:
    """The plates of a workspace; may be shared by threads.

    `reader` is opened when the first pre-label is asked for. What `labels.txt` says is signed as this machine's person.
    """

    def __init__(self, workspace: Workspace, store: Store, *, reader: Callable[[], Recognizer] | None = None) -> None:
        self.workspace, self.store = workspace, store
        held = crops_folder(workspace, store)
        self.holds_crops, self.crops = held is not None, held or workspace.root
        self._reader = reader
        self._opened: Recognizer | None = None
        self._reading, self._ordering = Lock(), Lock()
        self._queues: dict[str, list[str]] = {}

    @property
    def settings(self) -> Settings:
        """Those of the workspace."""
        return self.workspace.settings()

    @property
    def labels(self) -> Path:
        """The file of the labels."""
        return self.crops / LABELS

    def refresh(self) -> Refreshed:
        """Look at the folder and at `labels.txt` again; what cannot be used is a sentence in `failures`."""
        result = Refreshed()
        if not self.holds_crops:
            return result
        self._scan(result)
        try:
            self._take_labels(result)
        except (EmendoError, OSError) as error:
            result.failures.append(str(error) if isinstance(error, EmendoError) else f"{self.labels}: {error}")
        return result

    def _scan(self, result: Refreshed) -> None:
        known = {unit.image: unit for unit in self.store.lines(present=False, kind=Kind.PLATE)}
        seen: dict[str, list[Line]] = {unit.document: [] for unit in known.values()}
        for path in pictures_below(self.crops):
            name = path.relative_to(self.workspace.root).as_posix()
            try:
                unit = self._unit(path, name, known.get(name), result)
            except (BadInput, OSError) as error:
                result.failures.append(str(error) if isinstance(error, BadInput) else f"{path}: {error}")
                continue
            rows = seen.setdefault(unit.document, [])
            rows.append(replace(unit, number=len(rows) + 1, text_line=len(rows) + 1))
        with self.store.transaction() as transaction:
            for document, rows in seen.items():
                before = [unit for unit in known.values() if unit.document == document and unit.present]
                if before != rows:
                    shas = {unit.id: unit.sha256 for unit in before}
                    news = [(one, None if shas.get(one.id, one.sha256) == one.sha256 else UNREAD) for one in rows]
                    transaction.put_document(document, news, kind=Kind.PLATE)
                result.gone += len({unit.id for unit in before} - {unit.id for unit in rows})
        result.plates = sum(map(len, seen.values()))

    def _unit(self, path: Path, name: str, known: Line | None, result: Refreshed) -> Line:
        status = path.stat()
        seen = {"size": status.st_size, "changed": status.st_mtime_ns}
        if known is not None and {key: known.attributes.get(key) for key in seen} == seen:
            return replace(known, present=True)
        digest = sha256_bytes(path.read_bytes())
        if known is not None and known.sha256 == digest:
            return replace(known, present=True, attributes={**known.attributes, **seen})
        image = read_image(path, self.settings.limits)
        result.new += known is None
        result.replaced += known is not None
        match, day = NAME.match(path.stem), path.parent.name
        about = {
            "camera": match["camera"] if match else "",
            "track": match["track"] if match else "",
            "day": day if DAY.match(day) else "",
            "likeness": likeness_hash(image),
            "since": now().isoformat(),
        }
        return Line(
            id=plate_id(name),
            document=Path(name).parent.as_posix(),
            number=0,
            text_line=0,
            page=1,
            image=name,
            sha256=digest,
            page_width=image.shape[1],
            page_height=image.shape[0],
            kind=Kind.PLATE,
            attributes={**about, **seen},
        )

    def _take_labels(self, result: Refreshed) -> None:
        """What a person wrote into the file becomes a verdict; what the database alone knows is added to the file.

        A plate that gets a verdict while the file is read is left for the next time: what was read may be older.
        """
        names = {self._name(unit): unit.id for unit in self.store.lines(kind=Kind.PLATE)}
        before = _versions(self.store.look_up(list(names.values()))[2])
        said: dict[str, str] = {}
        if self.labels.exists():
            said, rejects = read_labels(self.labels, self.settings.limits)
            result.failures += [str(reject.error()) for reject in rejects]
        alphabet = self.settings.plates.alphabet
        result.unknown = [name for name in said if _plain(name) not in names]
        heard = {names[_plain(name)]: _kept(text, alphabet) for name, text in said.items() if _plain(name) in names}
        with self.store.transaction() as transaction:
            now_held = _versions(transaction.latest(names.values()))
            still = {name: unit for name, unit in names.items() if now_held.get(unit) == before.get(unit)}
            heard = {unit: heard[unit] for unit in still.values() if heard.get(unit)}
            result.taken = sum(new for _, new in transaction.add_corrections(self._news(transaction, heard)))
            held = transaction.latest(still.values())
            for name, unit in still.items():
                verdict = held.get(unit)
                if verdict is not None and heard.get(unit) != label_of(verdict):
                    append(self.labels, name, label_of(verdict))
                    result.written += 1

    def _name(self, unit: Line) -> str:
        """How the file names a plate: the path below its own folder."""
        return (self.workspace.root / unit.image).relative_to(self.crops).as_posix()

    def _news(self, transaction: Transaction, heard: Mapping[str, str]) -> list[Entry]:
        """The labels that say something else than what was known to stand in the file."""
        sources = [transaction.latest(heard, source=source) for source in IN_FILE]
        readings = transaction.readings(heard)
        author = self.settings.author or getpass.getuser()
        entries = []
        for unit, text in heard.items():
            known = [found[unit] for found in sources if unit in found]
            last = max(known, key=lambda one: one.version, default=None)
            if last is not None and label_of(last) == text:
                continue
            reading = readings[unit].text if unit in readings else ""
            spoken = Verdict.ACCEPTED if text == reading else Verdict.EDITED
            verdict = Verdict.SKIPPED if text == SKIP else spoken
            label = None if text == SKIP else text
            entries.append(
                Entry(line=unit, reading=reading, text=label, verdict=verdict, author=author, source=FROM_FILE)
            )
        return entries

    def plates(self, ids: Iterable[str] | None = None) -> list[Plate]:
        """All plates that are there by document and number, or those of these ids in their order."""
        if ids is None:
            ids = [unit.id for unit in self.store.lines(kind=Kind.PLATE)]
        wanted = list(ids)
        units, readings, verdicts = self.store.look_up(wanted)
        found = [one for one in wanted if one in units and units[one].kind is Kind.PLATE]
        return [Plate(units[one], readings.get(one), verdicts.get(one)) for one in found]

    def queue(self, name: str, *, fresh: bool = False) -> list[str]:
        """Ids of the plates in a queue of `QUEUES`, worked out at the first call or anew with `fresh`.

        Raises UsageError for another name.
        """
        if name not in QUEUES:
            raise UsageError(f"unknown queue {name!r}", remedy=f"use {', '.join(QUEUES)}")
        with self._ordering:
            if fresh or name not in self._queues:
                self._queues[name] = self._queued(name)
            return self._queues[name]

    def _queued(self, name: str) -> list[str]:
        plates = self.plates()
        if name == "review":
            return [one.unit.id for one in plates if one.done]
        waiting = [one for one in plates if not one.done]
        if name == "unsure":
            waiting.sort(key=lambda one: one.reading.confidence if one.reading else 2.0)
        return [one.unit.id for one in waiting]

    def plate(self, unit: str) -> Plate:
        """One plate. Raises UnknownLine."""
        found = self.plates([unit])
        if not found:
            raise UnknownLine(f"knows no plate {unit!r}", remedy="open the page again")
        return found[0]

    def picture(self, unit: str) -> Path:
        """The file of a plate's picture. Raises UnknownLine, and BadInput when it is not there any more."""
        path = (self.workspace.root / self.plate(unit).unit.image).resolve()
        if not path.is_relative_to(self.crops) or not path.is_file():
            raise BadInput("is not there any more", where=path.name, remedy="open the page again")
        return path

    def prelabel(self, ids: Sequence[str]) -> int:
        """Let the model read those of these plates that it has not read and that wait; how many it read.

        A pre-label is a reading: it is shown and never counts as a label. A picture that cannot be read is left.
        """
        if self._reader is None:
            return 0
        with self._reading:
            if self._opened is None:
                self._opened = self._reader()
            model, limits = self._opened.model, self.settings.limits
            count = 0
            waiting = [one for one in self.plates(ids) if not one.done and _stale(one, model)]
            for start in range(0, len(waiting), BATCH):
                pictures = {}
                for plate in waiting[start : start + BATCH]:
                    try:
                        pictures[plate.unit.id] = read_image(self.workspace.root / plate.unit.image, limits)
                    except (BadInput, OSError):
                        continue
                said = self._opened.read(list(pictures.values()))
                whole = {unit: replace(one, model=model) for unit, one in zip(pictures, said, strict=True)}
                with self.store.transaction() as transaction:
                    transaction.add_readings(whole)
                count += len(whole)
            return count

    def counts(self) -> dict[str, Any]:
        """Plates by state, and the same by document, day and camera."""
        plates = self.plates()
        by: dict[str, dict[str, Counter[str]]] = {"document": {}, "day": {}, "camera": {}}
        for plate in plates:
            names = {"document": plate.unit.document, **{key: plate.unit.attributes[key] for key in ("day", "camera")}}
            for key, name in names.items():
                by[key].setdefault(str(name), Counter())[plate.state] += 1
        total = Counter(plate.state for plate in plates)
        return {
            "total": len(plates),
            "states": dict(total),
            "by": {key: {name: dict(one) for name, one in sorted(found.items())} for key, found in by.items()},
        }


def plate_id(name: str) -> str:
    """The id of the plate at a path below the workspace."""
    return sha256(f"plate:{name}".encode()).hexdigest()[:16]


def _versions(verdicts: Mapping[str, Correction]) -> dict[str, int]:
    return {unit: one.version for unit, one in verdicts.items()}


def _plain(name: str) -> str:
    return name.removeprefix("./").replace("\\", "/")


def _kept(text: str, alphabet: str) -> str:
    return text if text == SKIP else folded_text(text, alphabet)


def _stale(plate: Plate, model: str) -> bool:
    """Whether the model has not read this plate, or only an earlier picture of it."""
    return plate.reading is None or plate.reading.model != model
