"""The build of the wheel: puts the embedded models and the word lists into it, which no checkout holds.

The models are two files of the wheel of `rapidocr` (PP-OCRv6 small, Apache-2.0, PaddleOCR), the word lists are those of
`wordfreq` (CC BY-SA 4.0), packed; both are build requirements, so that no installation needs them. An editable
installation reads both where the development requirements have put them. `deploy/device` builds `emendo-device` from
the same tree with the same hook: code only, for a device that reads with bundles.
"""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TREE = Path(__file__).resolve().parent
ENGINE = "rapidocr"
CREDITS = (
    "PP-OCRv6_rec_small.onnx and PP-OCRv6_det_small.onnx: PP-OCRv6 small, Copyright PaddlePaddle Authors, licensed\n"
    "under the Apache License 2.0 (https://www.apache.org/licenses/LICENSE-2.0), converted to ONNX by RapidOCR\n"
    "(https://github.com/RapidAI/RapidOCR, Apache License 2.0), taken unchanged from its wheel.\n"
)
LEFT_OUT = ("cloud", "datasets", "flows", "label", "learn", "mine", "models/shipped", "pages", "train", "web")
"""Folders of the package that a device has no use for; a command that needs one says so."""


class EmbeddedModels(BuildHookInterface[Any]):
    """Adds what `emendo` embeds to a wheel, and all of the code to that of a device."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is written; `version` is `editable` for an editable installation."""
        self._made = Path(mkdtemp(prefix="emendo-build-"))
        if self.metadata.name == "emendo-device":
            build_data["force_include"].update(_code())
        elif version != "editable":
            build_data["force_include"].update(_models(self._made))
            build_data["force_include"].update(_words(self._made))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called when the wheel is written."""
        shutil.rmtree(self._made)


def _code() -> dict[str, str]:
    source = TREE / "src" / "emendo"
    held = {path: path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file()}
    return {
        str(path): f"emendo/{name}"
        for path, name in held.items()
        if path.suffix != ".pyc" and not name.startswith(tuple(f"{one}/" for one in LEFT_OUT))
    }


def _models(made: Path) -> dict[str, str]:
    spec = find_spec(ENGINE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the build needs {ENGINE} (see build-system.requires)")
    origin = made / f"{ENGINE}.version"
    origin.write_text(version_of(ENGINE) + "\n")
    (made / "CREDITS").write_text(CREDITS)
    folder = Path(spec.origin).parent / "models"
    files = [origin, made / "CREDITS", folder / "PP-OCRv6_rec_small.onnx", folder / "PP-OCRv6_det_small.onnx"]
    return {str(path): f"emendo/models/embedded/{path.name}" for path in files}


def _words(made: Path) -> dict[str, str]:
    sys.path.insert(0, str(TREE / "src"))
    try:
        from emendo.text import wordlists
    finally:
        sys.path.pop(0)
    (made / wordlists.FREQUENT).write_bytes(wordlists.packed_frequent())
    (made / "NOTICE").write_text(wordlists.NOTICE)
    for language in wordlists.languages():
        (made / f"{language}.bz2").write_bytes(wordlists.packed(wordlists.listed_words(language)))
    files = [made / "NOTICE", *sorted(made.glob("*.bz2"))]
    return {str(path): f"emendo/text/words/{path.name}" for path in files}
