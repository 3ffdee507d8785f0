"""A model as others load it: a plain folder with a model card, or a Python package that pip installs.

    OUT/README.md                          the model card
    OUT/bundle/                            the bundle, file by file what it was

    OUT/emendo_model_NAME-1+ID-py3-none-any.whl
        emendo_model_NAME/bundle/          the same bundle
        entry point `emendo.models`        NAME, which is then a model reference wherever the package is installed

Either is named by the same content id as the bundle it was made of, and verified like any bundle before it reads. The
wheel is written here, for its layout is a few lines (PEP 427): no build back end, no network, and the same bundle gives
the same bytes.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .. import __version__
from ..errors import UsageError
from ..models.base import NAMES
from ..models.bundle import CTC_FAMILIES, INFO_FILE, Bundle, read_bundle
from ..models.generative.graphs import has_graphs
from ..models.installed import BUNDLE, GROUP
from ..models.references import AUTO
from ..models.shipped import SHIPPED, SHIPPED_FIELDS
from ..tools.files import new_folder, sha256_bytes, sha256_file

FORMS: Final = ("folder", "package")
README: Final = "README.md"
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?")
_TAKEN: Final = frozenset({*NAMES, *SHIPPED, SHIPPED_FIELDS, AUTO, "champion"})
_WEIGHTS: Final = frozenset({".onnx", ".safetensors"})
"""Files that hardly shrink and are stored as they are."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """What was written: the folder or the wheel, the reference that loads it, and its bytes."""

    path: Path
    model: str
    form: str
    reference: str

    def figures(self) -> dict[str, Any]:
        """For `--json`."""
        files = (file for file in self.path.rglob("*") if file.is_file()) if self.path.is_dir() else (self.path,)
        size = sum(file.stat().st_size for file in files)
        return {
            "path": str(self.path),
            "model": self.model,
            "form": self.form,
            "reference": self.reference,
            "megabytes": round(size / 1e6, 1),
        }


def package(bundle: Bundle, form: str, out: Path, *, name: str = "") -> Packaged:
    """Write a bundle to the new folder `out` as `folder` or as `package`.

    `name` is what the package's model is called from then on; without it the bundle's own name, made fit. Raises
    UsageError for an unknown form, a name that cannot be a reference or a folder that is there, BundleError when the
    bundle is not sound.
    """
    if form not in FORMS:
        raise UsageError(f"unknown form {form!r}", remedy=f"use {' or '.join(FORMS)}")
    if out.exists():
        raise UsageError(f"{out} is there already", remedy="choose another --out")
    bundle = read_bundle(bundle.folder, links=True)  # what is written here is a copy
    if form == "folder":
        with new_folder(out) as folder:
            (folder / README).write_text(model_card(bundle, bundle.info.name or bundle.id, str(out)), encoding="utf-8")
            for member in (*bundle.info.files, INFO_FILE):
                (folder / BUNDLE / member).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(bundle.folder / member, folder / BUNDLE / member)
            read_bundle(folder / BUNDLE)
        return Packaged(out, bundle.id, form, str(out))
    name = name or re.sub(r"[^a-z0-9]+", "-", bundle.info.name.lower()).strip("-")
    if not _NAME.fullmatch(name) or name in _TAKEN:
        what = f"{name!r} is taken by emendo" if name in _TAKEN else f"{name!r} is no name for a package"
        raise UsageError(what, remedy="give --name: small letters, digits and hyphens")
    with new_folder(out) as folder:
        wheel = _wheel(bundle, name, folder)
    return Packaged(out / wheel, bundle.id, form, name)


def model_card(bundle: Bundle, name: str, reference: str) -> str:
    """What a stranger must know of a model, as Markdown, from what its bundle says."""
    info = bundle.info
    made = {"Base": info.base, **{f"Data, {key}": value for key, value in info.dataset.items()}}
    rows = [
        "---",
        "library_name: emendo",
        "pipeline_tag: image-to-text",
        "---",
        "",
        f"# {_line(name)}",
        "",
        f"A model that reads lines of text, for emendo: family {info.family}, content id `{bundle.id}`.",
        "",
        "## Use",
        "",
        f"    pip install {requirement(bundle)}",
        f"    emendo read page.png --model {reference}",
        "",
        _elsewhere(bundle),
        "",
        "## What it was made of",
        "",
        *_bullets(made),
        "",
        "## How it reads",
        "",
        *_bullets(info.metrics),
        "",
        "## Licences",
        "",
        *([f"- {_line(one)}" for one in info.licences] or ["- not stated"]),
    ]
    return "\n".join(rows) + "\n"


def requirement(bundle: Bundle) -> str:
    """What reads it, as a requirement of pip."""
    if bundle.info.family in CTC_FAMILIES:
        return f"emendo>={__version__}"
    return f"emendo[{'trocr' if has_graphs(bundle) else 'train'}]>={__version__}"


def _elsewhere(bundle: Bundle) -> str:
    """How to load it without emendo."""
    if bundle.info.family in CTC_FAMILIES:
        return (
            "Without emendo: `bundle/model.onnx` takes lines (N, 3, height, width) float32 in [-1, 1], channels blue, "
            "green, red, and gives (N, frames, classes) natural logarithms; class 0 is the CTC blank, class i + 1 is "
            "`alphabet[i]` of `bundle/bundle.yaml`, which also says how a line is brought to its height."
        )
    if has_graphs(bundle):
        return "Without emendo: `bundle` holds an encoder and a decoder as ONNX graphs and the tokenizer beside them."
    return "Without emendo: `bundle` is a model folder of transformers, which `from_pretrained` loads."


def _bullets(facts: dict[str, Any]) -> list[str]:
    plain = {key: value for key, value in facts.items() if isinstance(value, str | int | float) and value != ""}
    return [f"- {_line(key)}: {_line(value)}" for key, value in plain.items()] or ["- not stated"]


def _line(value: object) -> str:
    """A value as one line that Markdown shows as it is."""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(shown.split()))


def _wheel(bundle: Bundle, name: str, folder: Path) -> str:
    """Write the wheel into `folder`; its file name."""
    module = f"emendo_model_{name.replace('-', '_')}"
    version = f"1+{bundle.id}"
    about = f"{module}-{version}.dist-info"
    card = model_card(bundle, name, name)
    texts = {
        f"{module}/__init__.py": f'"""The model {name} for emendo, in the folder `bundle`; nothing here is run."""\n',
        f"{about}/METADATA": "\n".join(
            (
                "Metadata-Version: 2.1",
                f"Name: {module}",
                f"Version: {version}",
                f"Summary: The model {name} for emendo",
                "Requires-Python: >=3.11",
                f"Requires-Dist: {requirement(bundle)}",
                "Description-Content-Type: text/markdown",
                "",
                card,
            )
        ),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: emendo {__version__}\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{about}/entry_points.txt": f"[{GROUP}]\n{name} = {module}\n",
        f"{about}/top_level.txt": f"{module}\n",
    }
    members = {f"{module}/{BUNDLE}/{member}": bundle.folder / member for member in (*bundle.info.files, INFO_FILE)}
    file = f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / file, "w") as archive:
        for member, source in members.items():
            with source.open("rb") as stream, archive.open(_entry(member), "w", force_zip64=True) as target:
                shutil.copyfileobj(stream, target, 1 << 20)
        for member, text in texts.items():
            archive.writestr(_entry(member), text)
        record = f"{about}/RECORD"
        archive.writestr(_entry(record), "\n".join([*_record(members, texts), f"{record},,"]) + "\n")
    return file


def _entry(member: str) -> zipfile.ZipInfo:
    """A member of the archive without the time of day, so that the same content gives the same bytes."""
    made = zipfile.ZipInfo(member)
    made.compress_type = zipfile.ZIP_STORED if Path(member).suffix in _WEIGHTS else zipfile.ZIP_DEFLATED
    made.external_attr = 0o644 << 16
    return made


def _record(members: dict[str, Path], texts: dict[str, str]) -> Iterator[str]:
    """The rows of RECORD: member, SHA-256, bytes."""
    for member, source in members.items():
        yield f"{member},sha256={_base64(sha256_file(source))},{source.stat().st_size}"
    for member, text in texts.items():
        content = text.encode("utf-8")
        yield f"{member},sha256={_base64(sha256_bytes(content))},{len(content)}"


def _base64(digest: str) -> str:
    return urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=").decode()
