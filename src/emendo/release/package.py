"""A model as others load it: a folder with a model card, a Python package that pip installs, an archive for SageMaker.

    OUT/README.md                          the model card
    OUT/bundle/                            the bundle, file by file what it was

    OUT/emendo_model_NAME-1+ID-py3-none-any.whl
        emendo_model_NAME/bundle/          the same bundle
        entry point `emendo.models`        NAME, which is then a model reference wherever the package is installed

    OUT/model.tar.gz                       for SageMaker: `bundle/` with the bundle, unpacked there to /opt/ml/model
    OUT/manifest.json                      its bytes and SHA-256, the model in it and what reads that

Either is named by the same content id as the bundle it was made of, and verified like any bundle before it reads. The
wheel is written here, for its layout is a few lines (PEP 427): no build back end, no network, and the same bundle gives
the same bytes.
"""

from __future__ import annotations

import json
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
from ..models.bundle import INFO_FILE, Bundle, read_bundle
from ..models.installed import BUNDLE, GROUP
from ..models.references import AUTO
from ..models.shipped import SHIPPED, SHIPPED_FIELDS
from ..tools.archives import pack_members
from ..tools.files import new_folder, sha256_bytes, sha256_file, write_text
from .card import gather, model_card, requirement

FORMS: Final = ("folder", "package", "sagemaker")
ARCHIVE: Final = "model.tar.gz"
MANIFEST: Final = "manifest.json"
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
    """Write a bundle to the new folder `out` as `folder`, as `package` or for `sagemaker`.

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
            card = model_card(gather(bundle), bundle.info.name or bundle.id, str(out))
            (folder / README).write_text(card, encoding="utf-8")
            for member in (*bundle.info.files, INFO_FILE):
                (folder / BUNDLE / member).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(bundle.folder / member, folder / BUNDLE / member)
            read_bundle(folder / BUNDLE)
        return Packaged(out, bundle.id, form, str(out))
    if form == "sagemaker":
        with new_folder(out) as folder:
            write_archive(bundle, folder)
        return Packaged(out / ARCHIVE, bundle.id, form, str(out / ARCHIVE))
    name = name or re.sub(r"[^a-z0-9]+", "-", bundle.info.name.lower()).strip("-")
    if not _NAME.fullmatch(name) or name in _TAKEN:
        what = f"{name!r} is taken by emendo" if name in _TAKEN else f"{name!r} is no name for a package"
        raise UsageError(what, remedy="give --name: small letters, digits and hyphens")
    with new_folder(out) as folder:
        wheel = _wheel(bundle, name, folder)
    return Packaged(out / wheel, bundle.id, form, name)


def write_archive(bundle: Bundle, folder: Path) -> dict[str, Any]:
    """Write a bundle's archive for SageMaker and its manifest into `folder`; what the manifest says.

    The same bundle gives the same bytes.
    """
    members = {f"{BUNDLE}/{member}": bundle.folder / member for member in (*bundle.info.files, INFO_FILE)}
    pack_members(members, folder / ARCHIVE)
    manifest = {
        "file": ARCHIVE,
        "bytes": (folder / ARCHIVE).stat().st_size,
        "sha256": sha256_file(folder / ARCHIVE),
        "model": bundle.id,
        "name": bundle.info.name,
        "family": bundle.info.family,
        "requires": requirement(bundle),
    }
    write_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    return manifest


def _wheel(bundle: Bundle, name: str, folder: Path) -> str:
    """Write the wheel into `folder`; its file name."""
    module = f"emendo_model_{name.replace('-', '_')}"
    version = f"1+{bundle.id}"
    about = f"{module}-{version}.dist-info"
    card = model_card(gather(bundle), name, name)
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
