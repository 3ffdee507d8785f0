"""A model as a directory: weights, one ONNX graph, and `bundle.yaml` that says what they are.

    bundle.yaml         what the model is, with the size and SHA-256 of each file beside it
    model.onnx          the graph that reads (families ctc and crnn)
    model.safetensors   the weights from which training goes on
    config.json ...     what `from_pretrained` of transformers expects beside them (families trocr and vlm)
    adapter/            the LoRA adapter that was merged into the weights, where there is one

Nothing in a bundle is ever unpickled, no file of it lies outside its folder, and a folder that is incomplete, altered
or holds anything unlisted is refused with a BundleError of one sentence before a byte of it reaches a run time.
"""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from emendo.errors import BundleError
from emendo.tools.files import new_folder, sha256_bytes, sha256_file

from .contents import check_classes, check_file

FORMAT: Final = "emendo-bundle/1"
INFO_FILE: Final = "bundle.yaml"
GRAPH_FILE: Final = "model.onnx"
WEIGHTS_FILE: Final = "model.safetensors"
CTC_FAMILIES: Final = ("ctc", "crnn")
"""Families whose one graph gives characters by frame, and which are read alike."""
FIELDS_FAMILY: Final = "fields"
"""The family whose graph tags the words of documents (see `models.extract`)."""
FAMILIES: Final = (*CTC_FAMILIES, "trocr", "vlm", FIELDS_FAMILY)
SUFFIXES: Final = frozenset({".onnx", ".safetensors", ".json", ".yaml", ".md", ".txt", ".png", ".jinja"})
"""Kinds of file a bundle may hold; none of them is code or a pickle (chat templates are rendered in a sandbox)."""
INFO_BYTES: Final = 8_000_000
FILE_BYTES: Final = 8_000_000_000
YAML_DEPTH: Final = 32
LINE_HEIGHT: Final = 48
"""Rows of a line where the preprocessing does not say."""
_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}"
_NAME = re.compile(f"(?:{_PART}/)?{_PART}")


class FileEntry(BaseModel):
    """Size in bytes and SHA-256 of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0, le=FILE_BYTES)


class BundleInfo(BaseModel):
    """The content of `bundle.yaml`.

    `alphabet` lists the characters in class order without the blank: class i + 1 of the network is `alphabet[i]`. An
    entry of several characters is one sign that stands for a phrase. It is empty for the families whose tokenizer lies
    beside the weights. `preprocessing` is the line geometry (ctc, crnn), size and range of the pixels (trocr) or prompt
    and image budget (vlm), `looks` are the ways in which doubtful lines are read once more (the unadapted base has
    some, a trained model none), `decoding` and `calibration` what the family wrote there; `dataset`, `run`, `metrics`
    and `parity` are the marks of those who trained and measured it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    family: str = "ctc"
    name: str = Field("", max_length=200)
    base: str = Field("", max_length=200)
    alphabet: tuple[str, ...] = ()
    preprocessing: dict[str, Any] = Field(default_factory=dict)
    decoding: dict[str, Any] = Field(default_factory=dict)
    looks: tuple[dict[str, Any], ...] = ()
    calibration: dict[str, Any] = Field(default_factory=dict)
    dataset: dict[str, Any] = Field(default_factory=dict)
    run: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    parity: dict[str, Any] = Field(default_factory=dict)
    licences: tuple[str, ...] = ()
    files: dict[str, FileEntry] = Field(default_factory=dict)

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value != FORMAT:
            raise ValueError(f"format {value!r} is not {FORMAT!r}")
        return value

    @field_validator("family")
    @classmethod
    def _known_family(cls, value: str) -> str:
        if value not in FAMILIES:
            raise ValueError(f"family {value!r} is not one of {', '.join(FAMILIES)}")
        return value

    @field_validator("alphabet")
    @classmethod
    def _clean_alphabet(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        seen: set[str] = set()
        for entry in value:
            if not entry or len(entry) > 64 or any(unicodedata.category(char) in {"Cs", "Cc"} for char in entry):
                raise ValueError(f"alphabet entry {entry!r} is no character")
            if entry in seen:
                raise ValueError(f"alphabet entry {entry!r} stands twice")
            seen.add(entry)
        return value

    @field_validator("files")
    @classmethod
    def _plain_names(cls, value: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in value:
            check_name(name)
        return value

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that name what the model reads: two bundles with one id give the same readings.

        It covers family, alphabet, preprocessing, decoding, calibration and the files, but neither name nor metrics.
        """
        held = {"format", "family", "alphabet", "preprocessing", "decoding", "calibration", "files"}
        if self.looks:
            held.add("looks")
        text = json.dumps(self.model_dump(mode="json", include=held), sort_keys=True, ensure_ascii=True)
        return sha256_bytes(text.encode())[:16]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle: its folder and what `bundle.yaml` says."""

    folder: Path
    info: BundleInfo

    @property
    def id(self) -> str:
        """The content id, see `BundleInfo.id`."""
        return self.info.id

    def path(self, name: str) -> Path:
        """Path of a listed file; raises BundleError when the bundle does not list it."""
        if name not in self.info.files:
            raise BundleError(f"holds no {name}", where=self.folder, remedy="write the bundle again")
        return self.folder / name


def check_name(name: str) -> str:
    """The name itself when it is a plain file name of an allowed kind, in the folder or in one below it.

    Raises ValueError otherwise.
    """
    if not _NAME.fullmatch(name) or name == INFO_FILE:
        raise ValueError(f"file name {name!r} is not a plain name inside the folder")
    if Path(name).suffix not in SUFFIXES:
        raise ValueError(f"file {name!r} is of a kind that a bundle never holds ({', '.join(sorted(SUFFIXES))})")
    return name


def write_bundle(target: Path, info: BundleInfo, files: Mapping[str, bytes | Path], *, replace: bool = False) -> Bundle:
    """Write a bundle whole or not at all; returns it with its checksums filled in.

    `files` maps plain names to their content, given as bytes or as a file to copy. Raises FileExistsError when
    `target` exists and `replace` is False, BundleError when a name or the info is not allowed.
    """
    with new_folder(target, replace=replace) as folder:
        entries = {}
        for name, content in files.items():
            try:
                path = folder / check_name(name)
            except ValueError as error:
                raise BundleError(str(error), where=target) from error
            path.parent.mkdir(exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, path)
            else:
                path.write_bytes(content)
            entries[name] = FileEntry(sha256=sha256_file(path), size=path.stat().st_size)
        complete = _validated({**info.model_dump(), "files": {k: v.model_dump() for k, v in entries.items()}}, target)
        (folder / INFO_FILE).write_text(dump_info(complete), encoding="utf-8")
        verify_files(folder, complete)
    return Bundle(target, complete)


def read_bundle(folder: Path, *, verify: bool = True, links: bool = False) -> Bundle:
    """Read and verify a bundle; raises BundleError with the first fault.

    With `verify` False only `bundle.yaml` is read: for listing models, never before loading one. `links` allows hard
    links, for bundles that pip or uv installed.
    """
    path = folder / INFO_FILE
    if not folder.is_dir() or not path.is_file() or path.is_symlink():
        raise BundleError(f"is no model bundle (no {INFO_FILE})", where=folder, remedy="give the folder of a bundle")
    if path.stat().st_size > INFO_BYTES:
        raise BundleError(f"is larger than {INFO_BYTES} bytes", where=path, remedy="fetch the bundle again")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BundleError("is not UTF-8", where=path, remedy="fetch the bundle again") from error
    info = _validated(_load_yaml(text, path), path)
    if verify:
        verify_files(folder, info, links=links)
    return Bundle(folder, info)


def update_info(bundle: Bundle, **changes: Any) -> Bundle:
    """Amend fields that do not touch the readings (name, dataset, run, metrics, parity, licences) in place."""
    from emendo.tools.files import write_text

    kept = set(changes) - {"name", "dataset", "run", "metrics", "parity", "licences"}
    if kept:
        raise BundleError(f"{sorted(kept)[0]} of a written bundle never changes", where=bundle.folder)
    info = _validated({**bundle.info.model_dump(), **changes}, bundle.folder)
    write_text(bundle.folder / INFO_FILE, dump_info(info))
    return Bundle(bundle.folder, info)


def dump_info(info: BundleInfo) -> str:
    """`bundle.yaml` as text, keys in their declared order."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(info.model_dump(mode="json"), Dumper=dumper, sort_keys=False, allow_unicode=True, width=120))


def verify_files(folder: Path, info: BundleInfo, *, links: bool = False) -> None:
    """Check that `folder` holds exactly the listed files, unaltered, safe to open; raises BundleError otherwise.

    `links` allows hard links, see `contents.check_file`.
    """
    again = "fetch or write the bundle again"
    parents = {str(Path(name).parent) for name in info.files} - {"."}
    for entry in sorted(folder.rglob("*")):
        name = entry.relative_to(folder).as_posix()
        expected_folder = name in parents and entry.is_dir() and not entry.is_symlink()
        if name != INFO_FILE and name not in info.files and not expected_folder:
            raise BundleError(f"{name!r} is not listed in {INFO_FILE}", where=folder, remedy="remove it")
    for name, expected in info.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise BundleError(f"{name} is missing or no regular file", where=folder, remedy=again)
        if path.stat().st_size != expected.size or sha256_file(path) != expected.sha256:
            raise BundleError(f"{name} differs from its checksum in {INFO_FILE}", where=folder, remedy=again)
        facts = check_file(path, links=links)
        if facts is not None and name == GRAPH_FILE:
            check_classes(facts, len(info.alphabet), info.preprocessing.get("height", LINE_HEIGHT), folder)


def _load_yaml(text: str, path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for depth, event in _depths(yaml.parse(text, Loader=loader)):
            if isinstance(event, yaml.AliasEvent) or depth > YAML_DEPTH:
                raise BundleError("holds aliases or too deep nesting", where=path, remedy="write the bundle again")
        content = yaml.load(text, Loader=loader)  # a safe loader in both cases
    except (yaml.YAMLError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise BundleError(f"is not valid YAML ({first})", where=path, remedy="fetch the bundle again") from error
    if not isinstance(content, dict):
        raise BundleError("holds no mapping", where=path, remedy="fetch the bundle again")
    return content


def _depths(events: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        yield depth, event


def _validated(content: Mapping[str, Any], where: Path) -> BundleInfo:
    try:
        return BundleInfo.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what = "unknown key" if first["type"] == "extra_forbidden" else str(first["msg"]).removeprefix("Value error, ")
        raise BundleError(f"{place}: {what}", where=where, remedy="use a bundle that this version wrote") from error
