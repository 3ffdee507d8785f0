"""Forget an author: nothing that was learned from their corrections stays, and the model is rebuilt without them.

The log remembers the wish first, so that no later round uses the corrections; then the model in use is replaced by
the latest earlier one that owes them nothing (at the least the base), and every data set, run, model and line image
that rests on them is removed from `.emendo`. Their verdicts stay in the log of the workspace, unused, and the notes
belong to the person: neither is touched. A call that was cut off is repeated without harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ..correct.dataset import FORGOTTEN
from ..datasets import Dataset, open_dataset
from ..datasets.dataset import CARD, IMAGES
from ..errors import EmendoError, UsageError
from ..learn.round import DONE, Log, Round, learn, unfinished
from ..learn.round import LOCK as LEARN
from ..release import current
from ..release.lineage import lineage
from ..release.promote import LOCK
from ..release.registry import still_registered
from ..settings import Settings
from ..tools.files import remove_folder
from ..workspace.folder import FIRST, Reads, Workspace
from ..workspace.names import drop


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed, the model in use before the rebuilding, and how that ended (None: not asked for).

    `unknown` names models of which no run is known here, so that no one can say what they learned; `registered` tells
    where a registry still holds what was removed here, which somebody must delete there.
    """

    author: str
    corrections: int
    datasets: tuple[str, ...]
    runs: tuple[str, ...]
    models: tuple[str, ...]
    images: int
    champion: str
    unknown: tuple[str, ...]
    registered: tuple[str, ...]
    rebuilt: Round | None

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "rebuilt"}
        return {**values, "rebuilt": self.rebuilt.figures() if self.rebuilt else None}


def forget(
    workspace: Workspace,
    settings: Settings,
    author: str,
    *,
    rebuild: bool = True,
    recipe: str | None = None,
    threads: int = 1,
    log: Log = lambda _: None,
) -> Forgotten:
    """Forget one author. Raises UsageError naming the known ones, Busy when another process learns or promotes."""
    with workspace.lock(LEARN), workspace.lock(LOCK), workspace.store() as store:
        verdicts = [one for one in store.corrections() if one.author == author]
        touched = {folder.name: held for folder, held in _datasets(workspace) if _owes(held, author)}
        if not verdicts and not touched:
            known = ", ".join(sorted({one.author for one in store.corrections()})) or "no one"
            raise UsageError(f"no correction is by {author!r}", remedy=f"corrections are by {known}")
        store.add_event(FORGOTTEN, {"author": author})
        plan = unfinished(store)
        if plan is not None and str(plan["dataset"]) in touched:
            ended = Round(str(plan["dataset"]), str(plan["run"]), None, f"{author} was forgotten")
            store.add_event(DONE, {**ended.figures(), "mark": plan["mark"]})
        origins = lineage(workspace)
        models = sorted(model for model, one in origins.items() if one.dataset in touched)
        kept = {path.name for path in workspace.models.iterdir() if path.is_dir()}
        champion = _step_back(workspace, models, author)
        runs = [path for path in sorted(workspace.runs.iterdir()) if path.name.rpartition("-")[0] in touched]
        drop(workspace, models)
        folders = [workspace.models / model for model in models if model in kept]
        for folder in (*folders, *runs, *(workspace.datasets / name for name in sorted(touched))):
            remove_folder(folder)
        images = _purge(workspace)
        registered = still_registered(workspace, models)
    log(f"removed {len(touched)} data sets, {len(runs)} runs, {len(folders)} models, {images} images")
    rebuilt = learn(workspace, settings, recipe=recipe, threads=threads, log=log) if rebuild else None
    return Forgotten(
        author=author,
        corrections=len(verdicts),
        datasets=tuple(sorted(touched)),
        runs=tuple(path.name for path in runs),
        models=tuple(folder.name for folder in folders),
        images=images,
        champion=champion,
        unknown=tuple(sorted(kept - set(origins))),
        registered=registered,
        rebuilt=rebuilt,
    )


def _datasets(workspace: Workspace) -> Iterator[tuple[Path, Dataset | None]]:
    """Every built data set; None for one that cannot be opened, and so cannot be said to owe nothing."""
    for card in sorted(workspace.datasets.glob(f"*/{CARD}")):
        try:
            yield card.parent, open_dataset(card.parent)
        except EmendoError:
            yield card.parent, None


def _owes(dataset: Dataset | None, author: str) -> bool:
    return dataset is None or any(sample.attributes.get("author") == author for sample in dataset.samples)


def _step_back(workspace: Workspace, models: list[str], author: str) -> str:
    """Put the latest models that owe the author nothing in use, for lines and for fields; that for lines."""
    for kind in get_args(Reads):
        champion = workspace.champion(kind)
        if champion is None or champion.model not in models:
            continue
        earlier = (model for model, _, _ in reversed(champion.history) if model not in models)
        sound = (model for model in earlier if model == FIRST[kind] or (workspace.models / model).is_dir())
        workspace.set_champion(next(sound, FIRST[kind]), f"{author} was forgotten", kind=kind)
    return current(workspace)


def _purge(workspace: Workspace) -> int:
    """Remove the images that no data set names any more; how many."""
    store = workspace.datasets / IMAGES
    named = {sample.image.resolve() for _, held in _datasets(workspace) if held for sample in held.samples}
    spare = [path for path in store.rglob("*") if path.is_file() and path.resolve() not in named]
    for path in spare:
        path.unlink()
    return len(spare)
