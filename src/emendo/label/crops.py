"""Which folder holds crops of plates: one that says so, or one that looks like it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ..errors import BadInput, UsageError
from ..image.load import read_image
from ..pages.tracks import DAY, NAME, pictures_below
from ..workspace.folder import Workspace
from ..workspace.store import Kind
from .rules import CROPS, LABELS, crops_folder

LOOKED_AT = 12
SMALL = 400
"""Rows that a crop has at most; pages have more."""


def plate_workspace(folder: Path, *, plates: bool = False) -> Workspace | None:
    """The workspace in which `folder` holds crops of plates; None when its pictures are no crops.

    A folder outside of any workspace becomes one when it looks like crops, or when `plates` says that it holds some; in
    a workspace without lines the same holds. What was found is remembered. Raises UsageError when `plates` is said of
    what is no folder or of a second folder in the same workspace.
    """
    workspace = Workspace.find(folder) if folder.exists() else None
    if workspace is not None:
        with workspace.store() as store:
            known, lines = crops_folder(workspace, store), store.counts(kind=Kind.LINE)[0]
        if known is not None:
            if plates and folder.resolve() not in {known, workspace.root}:
                what = f"its workspace holds its plates in {known}"
                raise UsageError(
                    what, where=folder, remedy="put them there, or make the folder a workspace: emendo init"
                )
            return workspace
        if lines and not plates:
            return None
    if plates and not folder.is_dir():
        raise UsageError("is not a folder", where=folder, remedy="give the folder with the crops")
    if not plates and not looks_like_crops(folder):
        return None
    workspace = workspace or Workspace.init(folder)
    with workspace.store() as store:
        store.add_event(CROPS, {"folder": folder.resolve().relative_to(workspace.root).as_posix()})
    return workspace


def looks_like_crops(folder: Path) -> bool:
    """Whether the pictures of a folder are crops: a `labels.txt` beside them, names of tracks, days, or small ones.

    A folder with a PDF or with texts that `emendo read` left is none.
    """
    if not folder.is_dir() or any(any(folder.glob(form)) for form in ("*.pdf", "*.orig", "*/lines.jsonl")):
        return False
    pictures = pictures_below(folder)
    if not pictures:
        return False
    if (folder / LABELS).is_file():
        return True
    some = list(islice(pictures, 0, None, max(1, len(pictures) // LOOKED_AT)))
    named = sum(bool(NAME.match(path.stem) or DAY.match(path.parent.name)) for path in some)
    return 2 * named > len(some) or _small(some)


def _small(pictures: Sequence[Path]) -> bool:
    heights = []
    for path in pictures:
        try:
            heights.append(read_image(path).shape[0])
        except BadInput:
            continue
    return bool(heights) and sorted(heights)[len(heights) // 2] <= SMALL
