"""The files of deploy: what a container is built from is in the tree, and what it starts is there to be started."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONTAINERS = sorted((ROOT / "deploy").rglob("Containerfile"))
INSTRUCTIONS = {
    "FROM",
    "COPY",
    "RUN",
    "ENV",
    "ARG",
    "LABEL",
    "USER",
    "WORKDIR",
    "VOLUME",
    "EXPOSE",
    "CMD",
    "ENTRYPOINT",
}
ARTEFACTS = {"/wheels/emendo-*.whl": ".", "/wheels/emendo_device-*.whl": "deploy/device"}
"""What the stages of wheels make, and the project that each is made of."""


def instructions(path: Path) -> list[tuple[str, str]]:
    """Instructions with their arguments, lines that go on joined."""
    text = re.sub(r"\\\n\s*", " ", path.read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def projects() -> dict[str, set[str]]:
    """Extras of the projects that wheels are made of."""
    found = {}
    for place in ARTEFACTS.values():
        project = tomllib.loads((ROOT / place / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        found[place] = {"console", *project.get("optional-dependencies", {})}
    return found


@pytest.mark.parametrize("path", CONTAINERS, ids=lambda path: path.parent.name)
def test_what_a_container_is_built_from_is_there(path: Path) -> None:
    stages: set[str] = set()
    for name, rest in instructions(path):
        assert name in INSTRUCTIONS, name
        if name == "FROM":
            image, _, stage = rest.partition(" AS ")
            assert image in stages or re.fullmatch(r"python:3\.\d+-slim", image), image
            stages.add(stage)
        if name == "COPY":
            *options, source, _ = rest.split()
            stage = next((one.removeprefix("--from=") for one in options if one.startswith("--from=")), "")
            assert stage in stages if stage else (ROOT / source).exists(), rest
            if stage:
                assert (ROOT / ARTEFACTS[source] / "pyproject.toml").is_file()
        for wheel in re.findall(r"/source/(\S+)", rest) if name == "RUN" else ():
            assert (ROOT / wheel).is_dir(), wheel


@pytest.mark.parametrize("path", CONTAINERS, ids=lambda path: path.parent.name)
def test_the_extras_that_a_container_installs_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = [part for group in re.findall(r"EXTRAS=([\w,]+)", text) for part in group.split(",")]
    named += re.findall(r"\$\{wheel\}\[([a-z]+)\]", text)
    assert set(named) <= projects()["."], named


@pytest.mark.parametrize("path", CONTAINERS, ids=lambda path: path.parent.name)
def test_a_container_does_not_run_as_root_and_starts_what_it_has(path: Path) -> None:
    held = instructions(path)
    assert [rest for name, rest in held if name == "USER"] and all(
        rest == "emendo" for name, rest in held if name == "USER"
    )
    copied = {
        rest.split()[-1]: ROOT / rest.split()[-2] for name, rest in held if name == "COPY" and "--from" not in rest
    }
    started = [json.loads(rest) for name, rest in held if name in {"CMD", "ENTRYPOINT"}]
    command = started[0][0]
    script = next((source for target, source in copied.items() if Path(target).name == command), None)
    assert command in {"emendo", "python"} or (script is not None and script.stat().st_mode & 0o111)
    if script is not None:
        subprocess.run(["sh", "-n", script], check=True)
    for module, _, function in (one.rpartition(".") for one in started[-1] if one.startswith("emendo.")):
        assert callable(getattr(importlib.import_module(module), function))
