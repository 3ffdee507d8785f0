"""What a model reference names: `base`, `base-full`, the folder of a bundle, or the `champion` of a workspace."""

from __future__ import annotations

from pathlib import Path

from emendo.errors import BundleError, UsageError
from emendo.workspace.folder import Workspace

from .base import NAMES, base_bundle
from .bundle import INFO_FILE, Bundle, read_bundle
from .ctc.recognizer import CtcRecognizer
from .engine import EngineName


def load_recognizer(
    ref: str,
    *,
    workspace: Path | None = None,
    threads: int = 1,
    language: str = "",
    engine: EngineName = "onnxruntime",
) -> CtcRecognizer:
    """The recogniser that `ref` names.

    An empty reference means the champion of the workspace when it has one, else `base`; `language` and `engine`
    are those of `CtcRecognizer`. Raises UsageError when nothing of that name is there, BundleError when what is there
    is no sound bundle.
    """
    return CtcRecognizer(load_bundle(ref, workspace=workspace), threads=threads, language=language, engine=engine)


def load_bundle(ref: str, *, workspace: Path | None = None) -> Bundle:
    """The verified bundle that `ref` names; errors as for `load_recognizer`."""
    champion = champion_folder(workspace) if workspace is not None and ref in {"", "champion"} else None
    if champion is not None:
        return read_bundle(champion)
    if ref in {"", *NAMES}:
        return base_bundle(ref or "base")
    if ref == "champion":
        place = f" in {workspace}" if workspace is not None else ""
        raise UsageError(f"there is no champion yet{place}", remedy="promote a model first, or use 'base'")
    return read_bundle(_folder(ref, workspace))


def champion_folder(workspace: Path) -> Path | None:
    """The folder of the champion, None when there is none yet or the base is champion.

    Raises WorkspaceError or BundleError when the pointer is damaged.
    """
    held = Workspace(workspace)
    champion = held.champion()
    if champion is None or champion.model in NAMES:
        return None
    if Path(champion.model).name != champion.model or champion.model.startswith("."):
        what = f"names {champion.model!r}, which is no model id"
        raise BundleError(what, where=held.champion_file, remedy="remove it to return to the base model")
    return held.models / champion.model


def _folder(ref: str, workspace: Path | None) -> Path:
    tried = [Path(ref).expanduser()]
    if workspace is not None and Path(ref).name == ref:
        tried.append(Workspace(workspace).models / ref)
    for folder in tried:
        if (folder / INFO_FILE).is_file():
            return folder
        if (folder / "bundle" / INFO_FILE).is_file():
            return folder / "bundle"
    known = "base, base-full, champion, or the folder of a bundle"
    raise UsageError(f"no model {ref!r} (looked in {', '.join(map(str, tried))})", remedy=f"give {known}")
