"""What a model reference names.

`base` and the other models that come along, the champion, `models:/NAME` (a name in the registry or the workspace), an
address that a layer above fetches from (`schemes`), the folder of a bundle or of a model of transformers, the name of a
model that pip installed, a hub id: tried in this order.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from emendo.errors import BundleError, UsageError
from emendo.settings import load_settings
from emendo.types import Recognizer
from emendo.workspace.folder import FIRST, Reads, Workspace
from emendo.workspace.names import SCHEME

from .base import NAMES, base_bundle
from .bundle import CTC_FAMILIES, FIELDS_FAMILY, INFO_FILE, Bundle, read_bundle
from .choice import ChoosingRecognizer
from .ctc.recognizer import CtcRecognizer
from .engine import EngineName
from .ensemble import combined
from .generative.graphs import GraphRecognizer, has_graphs
from .generative.recognizer import GenerativeRecognizer
from .generative.source import CONFIG_FILE, HUB_ID, Source, from_bundle, from_folder, from_hub
from .installed import installed_models
from .rapid import RAPIDOCR, RapidOcrRecognizer
from .registry import registered_bundle
from .remote import RemoteRecognizer, is_remote
from .schemes import fetcher_of
from .shipped import SHIPPED, SHIPPED_FIELDS, is_shipped, shipped_bundle, shipped_fields

PLATES = "plates:"
"""How a reference begins that names the reading of licence plates by a model (see `plates`): `plates:base`."""
CHAMPION_FIELDS = "champion:fields"
"""Names the model in use for the fields of documents, as `champion` does the one for lines."""
AUTO = "auto"
"""Names whichever embedded model suits the lines at hand: to read, as `choice` says; to train, the best reader."""


def embedded_names() -> tuple[str, ...]:
    """The models that come with this installation, the general one first."""
    return ("base", *(name for name in SHIPPED if is_shipped(name)))


def load_recognizer(
    ref: str,
    *,
    workspace: Path | None = None,
    threads: int = 1,
    language: str = "",
    engine: EngineName = "onnxruntime",
) -> Recognizer:
    """The recogniser that `ref` names, of whatever family.

    An empty reference means the champion of the workspace when it has one, else `auto`; `language` is that of
    `CtcRecognizer`, `engine` computes the graph of a bundle that has one. `ensemble:A,B` and `fallback:A,B` name
    several models (see `ensemble`), `plates:REF` reads crops of licence plates with a model (see `plates`), `rapidocr`
    is the engine of that name, `http://host:port` a service that reads elsewhere (see `remote`). Raises UsageError when
    nothing of that name is there or it reads documents only, BundleError when what is there is no sound model,
    EngineError when its family needs more than is installed.
    """
    if ref == AUTO or (ref == "" and (workspace is None or champion_folder(workspace) is None)):

        def opened(name: str) -> CtcRecognizer:
            return CtcRecognizer(load_bundle(name), threads=threads, language=language, engine=engine)

        general, *special = embedded_names()
        return ChoosingRecognizer(opened(general), {name: partial(opened, name) for name in special})

    def load(name: str) -> Recognizer:
        return load_recognizer(name, workspace=workspace, threads=threads, language=language, engine=engine)

    several = combined(ref, load)
    if several is not None:
        return several
    if ref.startswith(PLATES):
        from .plates import load_plate_recognizer

        settings = load_settings(workspace).plates
        inner = ref.removeprefix(PLATES)
        return load_plate_recognizer(inner, settings.alphabet, workspace=workspace, threads=threads, engine=engine)
    if ref == RAPIDOCR:
        return RapidOcrRecognizer(threads=threads)
    if is_remote(ref):
        return RemoteRecognizer(ref)
    found = find_model(ref, workspace=workspace)
    if isinstance(found, Bundle):
        return open_recognizer(found, threads=threads, language=language, engine=engine)
    return GenerativeRecognizer(found, threads=threads)


def open_recognizer(
    bundle: Bundle, *, threads: int = 1, language: str = "", engine: EngineName = "onnxruntime"
) -> Recognizer:
    """The recogniser of a verified bundle, by its family; parameters and errors as for `load_recognizer`."""
    if bundle.info.family == FIELDS_FAMILY:
        what = "tells the fields of whole documents and reads no lines"
        raise UsageError(what, where=bundle.folder, remedy="use it with `emendo read --fields --model`")
    if bundle.info.family in CTC_FAMILIES:
        return CtcRecognizer(bundle, threads=threads, language=language, engine=engine)
    if has_graphs(bundle):
        return GraphRecognizer(bundle, threads=threads, engine=engine)
    return GenerativeRecognizer(from_bundle(bundle), threads=threads)


def load_bundle(ref: str, *, workspace: Path | None = None) -> Bundle:
    """The verified bundle that `ref` names; errors as for `load_recognizer`, UsageError for what is no bundle."""
    found = find_model(ref, workspace=workspace)
    if isinstance(found, Bundle):
        return found
    raise UsageError(f"{ref!r} is a model of transformers and no bundle", remedy="train it first, then use its bundle")


def find_model(ref: str, *, workspace: Path | None = None) -> Bundle | Source:
    """What `ref` names: a verified bundle, or a model folder of transformers (fetched when `ref` is a hub id).

    Where the choice depends on what is read (`auto`, or nothing named and no champion), the general base.
    """
    champion = champion_folder(workspace) if workspace is not None and ref in {"", "champion"} else None
    if workspace is not None and ref == CHAMPION_FIELDS:
        champion = champion_folder(workspace, kind="fields")
    if champion is not None:
        return read_bundle(champion)
    if ref in {"", AUTO, *NAMES}:
        return base_bundle(ref if ref in NAMES else "base")
    if ref in SHIPPED:
        return shipped_bundle(ref)
    if ref == SHIPPED_FIELDS:
        return shipped_fields()
    if ref in {"champion", CHAMPION_FIELDS}:
        place = f" in {workspace}" if workspace is not None else ""
        kind, first = (" of fields", FIRST["fields"]) if ref == CHAMPION_FIELDS else ("", FIRST["lines"])
        raise UsageError(f"there is no champion{kind} yet{place}", remedy=f"promote a model first, or use {first!r}")
    if ref.startswith(SCHEME):
        return registered_bundle(ref, workspace)
    fetch = fetcher_of(ref)
    if fetch is not None:
        return fetch(ref, workspace)
    for folder in _places(ref, workspace):
        if (folder / INFO_FILE).is_file():
            return read_bundle(folder)
        if (folder / "bundle" / INFO_FILE).is_file():
            return read_bundle(folder / "bundle")
        if (folder / CONFIG_FILE).is_file():
            return from_folder(folder, ref)
    installed = installed_models().get(ref)
    if installed is not None:
        return read_bundle(installed, links=True)
    if HUB_ID.fullmatch(ref) and not Path(ref).parent.exists():
        return from_hub(ref)
    tried = ", ".join(map(str, _places(ref, workspace)))
    known = ", ".join(
        dict.fromkeys((AUTO, *NAMES, *embedded_names(), *installed_models(), "champion", CHAMPION_FIELDS))
    )
    raise UsageError(
        f"no model {ref!r} (looked in {tried})",
        remedy=f"give {known}, {SCHEME}NAME, the folder of a model, or a hub id",
    )


def champion_folder(workspace: Path, *, kind: Reads = "lines") -> Path | None:
    """The folder of the champion, None when there is none yet or an embedded model is champion.

    Raises WorkspaceError or BundleError when the pointer is damaged.
    """
    held = Workspace(workspace)
    champion = held.champion(kind)
    if champion is None or champion.model in {*NAMES, *FIRST.values()}:
        return None
    return held.models / _model_id(champion.model, held.pointer(kind))


def _model_id(model: str, said_by: Path) -> str:
    if Path(model).name != model or model.startswith("."):
        what = f"names {model!r}, which is no model id"
        raise BundleError(what, where=said_by, remedy="remove it to return to the base model")
    return model


def _places(ref: str, workspace: Path | None) -> list[Path]:
    places = [Path(ref).expanduser()]
    if workspace is not None and Path(ref).name == ref:
        places.append(Workspace(workspace).models / ref)
    return places
