"""Forget an author or a document: nothing that was learned from it stays, and the model is rebuilt without it.

The log remembers the wish first, so that no later round uses what is forgotten; then the model in use is replaced by
the latest earlier one that owes it nothing (at the least the base), and every data set, run, model and line image that
rests on it goes, and so do captures, kept reports, logged errors and caches. The rows of the database and the person's
own notes stay, unused, unless they are to be erased too (`erase`): then the files go, the rows, and last the free pages
of the database in which they lay. What cannot be taken back (registries, exports, channels) is told.

Each step finds by itself what is left to do, so that a call that was cut off, at whichever point, is repeated.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from ..datasets import Dataset, open_dataset
from ..datasets.dataset import CARD, IMAGES
from ..errors import EmendoError, UsageError
from ..learn import learn_fields, only_documents
from ..learn.fields import DONE as FIELDS_DONE
from ..learn.fields import unfinished_fields
from ..learn.round import DONE, Log, Round, learn, unfinished
from ..learn.round import LOCK as LEARN
from ..release import current
from ..release.lineage import lineage
from ..release.promote import LOCK
from ..release.registry import still_registered
from ..settings import Settings
from ..tools.counts import counted
from ..tools.files import remove_folder
from ..workspace.erasure import erase_person, erase_units
from ..workspace.folder import FIRST, Reads, Workspace
from ..workspace.names import drop
from ..workspace.store import Store
from .contained import Held, Tainted, rows, still_held, tainted
from .erase import Copies, drop_copies, erase_files, found_again
from .subject import Subject, author_subject, document_subject, known_authors, known_documents

SIGNED: Final = "forgotten done"
"""Kind of the event that says that all of it is done, with what models still contain it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was removed, the model in use before the rebuilding, and how that ended (None: not asked for).

    `unknown` names models of which no run is known here, so that no one can say what they learned; `registered` tells
    where a registry still holds what was removed here, `held` where exports and channels do, which somebody must delete
    there. Of what was erased, `files` and `rows` went, and `left` names files of the workspace in which a text stands
    still.
    """

    author: str = ""
    document: str = ""
    corrections: int
    datasets: tuple[str, ...]
    runs: tuple[str, ...]
    models: tuple[str, ...]
    images: int
    champion: str
    unknown: tuple[str, ...]
    registered: tuple[str, ...]
    held: tuple[Held, ...]
    copies: Copies
    erased: bool
    files: tuple[str, ...] = ()
    rows: int = 0
    left: tuple[str, ...] = ()
    database: str = ""
    rebuilt: Round | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in {"rebuilt", "held", "copies"}}
        told = {"held": rows(self.held), "copies": self.copies.to_dict()}
        return {**plain, **told, "rebuilt": self.rebuilt.figures() if self.rebuilt else None}

    def sentences(self) -> list[str]:
        """For a person."""
        what = f"by {self.author}" if self.author else f"in {self.document}"
        gone = "are erased" if self.erased else "are used no more"
        copies = ", ".join(
            f"{count} {name.replace('_', ' ')}" for name, count in self.copies.to_dict().items() if count
        )
        told = [f"{self.corrections} corrections {what} {gone}; in use until now: {self.champion}"]
        told += [f"copies removed: {copies}"] if copies else []
        if self.erased:
            told.append(
                f"{counted(self.rows, 'row')} of the database and {counted(len(self.files), 'file')}: "
                f"{', '.join(self.files) or 'none'}"
            )
            told += [self.database, "backups of the folder and of the database hold it until you delete them"]
        told += [f"a text of it stands in {one} still: look at it" for one in self.left]
        told += [f"still registered, delete it there: {place}" for place in self.registered]
        told += [f"still contained, delete it there: {one}" for one in self.held]
        subject = self.author or self.document
        told += [
            f"model {one} was made elsewhere: no one can say whether it learned from {subject}" for one in self.unknown
        ]
        if not (self.registered or self.held or self.unknown):
            told.append(f"no model that is known here contains {subject} any more")
        return told


def forget(
    workspace: Workspace,
    settings: Settings,
    author: str = "",
    *,
    document: str = "",
    erase: bool = False,
    look: Sequence[Path] = (),
    rebuild: bool = True,
    recipe: str | None = None,
    threads: int = 1,
    log: Log = lambda _: None,
) -> Forgotten:
    """Forget an author or a document; `erase` also removes their rows and files, which cannot be taken back.

    `look` are further places (exports, channels) in which to look for models that contain it. Raises UsageError naming
    what is known, Busy when another process learns, promotes or collects.
    """
    with ExitStack() as held:
        for purpose in (LEARN, LOCK, *(("collect",) if erase else ())):
            held.enter_context(workspace.lock(purpose))
        store = held.enter_context(workspace.store())
        subject = find_subject(workspace, store, author=author, document=document)
        done = _Work(workspace, store, subject, erase, look, settings.author or getpass.getuser(), log).run()
    if not rebuild:
        return done
    again = learn_fields if only_documents(workspace) else learn
    ended = again(workspace, settings, recipe=recipe, threads=threads, log=log)
    return Forgotten(**{**{name: getattr(done, name) for name in done.__slots__}, "rebuilt": ended})


def find_subject(workspace: Workspace, store: Store, *, author: str = "", document: str = "") -> Subject:
    """The author or document that is asked for. Raises UsageError for none, for both, and for one that is unknown."""
    if bool(author) == bool(document):
        raise UsageError("an author or a document is forgotten, one at a time", remedy="give --author or --document")
    subject = author_subject(store, author) if author else document_subject(workspace, store, document)
    there = subject.lines or subject.captured.ids or (subject.note is not None and subject.note.folder.exists())
    if (
        not there
        and not subject.earlier(store)
        and not any(subject.owes(one) for _, one in _datasets(workspace) if one)
    ):
        raise _unknown(workspace, store, subject)
    return subject


def _unknown(workspace: Workspace, store: Store, subject: Subject) -> UsageError:
    asked = subject.asked
    if subject.author:
        known = ", ".join(known_authors(store)) or "no one"
        return UsageError(f"no correction is by {asked!r}", remedy=f"corrections are by {known}")
    if subject.note is None:
        return UsageError(f"{asked!r} is no document of {workspace.root}", remedy="give its path in the workspace")
    names = known_documents(workspace, store)
    remedy = f"known are {', '.join(names[:20]) or 'none'}{' and others' if len(names) > 20 else ''}"
    return UsageError(f"no document {asked!r} was read here", remedy=remedy)


@dataclass(frozen=True, slots=True)
class _Work:
    """One call, step by step; the lock of every purpose that could come between is held."""

    workspace: Workspace
    store: Store
    subject: Subject
    erase: bool
    look: Sequence[Path]
    by: str
    log: Log

    def run(self) -> Forgotten:
        workspace, subject = self.workspace, self.subject
        touched = {folder.name for folder, held in _datasets(workspace) if subject.owes(held)}
        known = self._remember(tainted(workspace, touched, () if subject.author else subject.ids))
        self._end_rounds(touched)
        kept = {path.name for path in workspace.models.iterdir() if path.is_dir()}
        origins = lineage(workspace)
        models = sorted(known.models)
        champion = self._step_back(models)
        made = {one.run for model, one in origins.items() if model in known.models}
        every = sorted(workspace.runs.iterdir())
        runs = [path for path in every if path.name.rpartition("-")[0] in touched or path.name in made]
        drop(workspace, models)
        folders = [workspace.models / model for model in models if model in kept]
        for folder in (*folders, *runs, *(workspace.datasets / name for name in sorted(touched))):
            remove_folder(folder)
        images = _purge(workspace)
        self.log(
            f"removed {counted(len(touched), 'data set')}, {counted(len(runs), 'run')}, "
            f"{counted(len(folders), 'model')}, {counted(images, 'image')}"
        )
        copies = drop_copies(workspace, subject)
        self.log("removed copies among captures, reports, logged errors and caches")
        files, gone, left = self._erase() if self.erase else ((), 0, ())
        done = Forgotten(
            author=subject.author,
            document="" if subject.author else subject.asked,
            corrections=subject.verdicts,
            datasets=tuple(sorted(touched)),
            runs=tuple(path.name for path in runs),
            models=tuple(folder.name for folder in folders),
            images=images,
            champion=champion,
            unknown=tuple(sorted(kept - set(origins) - set(models))),
            registered=still_registered(workspace, models),
            held=still_held([workspace.root, *self.look], known),
            copies=copies,
            erased=self.erase,
            files=files,
            rows=gone,
            left=left,
            database=_said_of(self.store) if self.erase else "",
        )
        self.store.add_event(SIGNED, {"by": self.by, **done.to_dict()})
        self.log("signed off in the log of the workspace")
        return done

    def _remember(self, known: Tainted) -> Tainted:
        """Write the wish down, with the models that contain it: what is removed could not be told after a crash."""
        for event in self.subject.earlier(self.store):
            known = known.joined(event.data)
        told = {**self.subject.wish, "models": dict(known.models), "hashes": sorted(known.hashes)}
        self.store.add_event(self.subject.kind, told)
        self.log("the wish is in the log: nothing learns from it any more")
        return known

    def _end_rounds(self, touched: set[str]) -> None:
        """No round that was cut off is taken up again with a data set that goes."""
        why = f"{self.subject.asked} was forgotten"
        for plan, kind in ((unfinished(self.store), DONE), (unfinished_fields(self.store), FIELDS_DONE)):
            if plan is not None and str(plan["dataset"]) in touched:
                ended = Round(str(plan["dataset"]), str(plan["run"]), None, why)
                self.store.add_event(kind, {**ended.figures(), "mark": plan["mark"]})

    def _step_back(self, models: list[str]) -> str:
        """Put the latest models that owe nothing in use, for lines and for fields; that for lines."""
        workspace = self.workspace
        for kind in get_args(Reads):
            champion = workspace.champion(kind)
            if champion is None or champion.model not in models:
                continue
            earlier = (model for model, _, _ in reversed(champion.history) if model not in models)
            sound = (model for model in earlier if model == FIRST[kind] or (workspace.models / model).is_dir())
            workspace.set_champion(next(sound, FIRST[kind]), f"{self.subject.asked} was forgotten", kind=kind)
        return current(workspace)

    def _erase(self) -> tuple[tuple[str, ...], int, tuple[str, ...]]:
        """Files first, for the rows say which; then the rows, then what the database keeps of them; what is left."""
        subject, database = self.subject, self.store.database
        files = erase_files(self.workspace, subject)
        self.log(f"erased {len(files)} files")
        if subject.author:
            gone = erase_person(database, subject.author, subject.texts)
        else:
            gone = erase_units(database, subject.ids, subject.names, subject.texts)
        self.log(f"erased {counted(gone, 'row')} of the database")
        database.scrub()
        self.log("wrote the database anew, without what was deleted")
        return tuple(files), gone, found_again(self.workspace.root, subject.texts | subject.captured.texts)


def _said_of(store: Store) -> str:
    if store.database.is_sqlite:
        return "the database was written anew: nothing that was deleted can be read in its file"
    return "the tables were written anew; the server's own log holds the rows until it is recycled"


def _datasets(workspace: Workspace) -> Iterator[tuple[Path, Dataset | None]]:
    """Every built data set; None for one that cannot be opened, and so cannot be said to owe nothing."""
    for card in sorted(workspace.datasets.glob(f"*/{CARD}")):
        try:
            yield card.parent, open_dataset(card.parent)
        except EmendoError:
            yield card.parent, None


def _purge(workspace: Workspace) -> int:
    """Remove the images that no data set names any more; how many."""
    store = workspace.datasets / IMAGES
    named = {sample.image.resolve() for _, held in _datasets(workspace) if held for sample in held.samples}
    spare = [path for path in store.rglob("*") if path.is_file() and path.resolve() not in named]
    for path in spare:
        path.unlink()
    return len(spare)
