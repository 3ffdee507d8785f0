"""What the wheels hold: the hook of the build, without building. Covers N15."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from emendo.models.base import DETECTOR, ORIGIN, RECOGNISER

ROOT = Path(__file__).resolve().parent.parent
UNWANTED = {"torch", "opencv-python-headless", "onnx", "rapidocr", "wordfreq"}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_device_gets_code_and_no_models(hook: ModuleType) -> None:
    held = hook._code()
    names = set(held.values())
    assert {"emendo/cli/loop.py", "emendo/models/crops.py", "emendo/image/pixels/plain.py"} <= names
    assert not any(name.startswith(("emendo/train/", "emendo/models/shipped/")) for name in names)
    assert sum(Path(path).stat().st_size for path in held) < 4_000_000


def test_a_wheel_gets_the_embedded_models_as_they_are(hook: ModuleType, tmp_path: Path) -> None:
    held = {target: Path(path) for path, target in hook._models(tmp_path).items()}
    for name in (RECOGNISER, DETECTOR):
        assert held[f"emendo/models/embedded/{name}"].stat().st_size > 1_000_000
    assert held[f"emendo/models/embedded/{ORIGIN}"].read_text().startswith("3.10")
    assert "Apache License 2.0" in held["emendo/models/embedded/CREDITS"].read_text()


@pytest.mark.parametrize("place", [".", "deploy/device"])
def test_light_installations_need_nothing_heavy(place: str) -> None:
    project = tomllib.loads((ROOT / place / "pyproject.toml").read_text())["project"]
    names = {entry.split(">")[0].split("[")[0] for entry in project["dependencies"]}
    assert names and not names & UNWANTED
