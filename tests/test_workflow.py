"""The workflow of continuous integration names nothing that is not there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from emendo.cli import app

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
COMMANDS = [
    (job, shlex.split(part))
    for job, content in JOBS.items()
    for step in content["steps"]
    for line in step.get("run", "").splitlines()
    for part in re.split(r"&&|\|\|", line)
]


def test_what_is_tested_evaluated_and_gated_comes_before_a_release() -> None:
    assert {"check", "test", "evaluate", "gate", "release"} == set(JOBS)
    assert set(JOBS["release"]["needs"]) == {"test", "evaluate", "gate"}
    assert "refs/tags/v" in JOBS["release"]["if"]
    assert "secrets." not in WORKFLOW.read_text(encoding="utf-8")


def test_jobs_that_are_needed_are_there() -> None:
    for content in JOBS.values():
        needed = content.get("needs", [])
        assert set([needed] if isinstance(needed, str) else needed) <= set(JOBS)
        assert content["timeout-minutes"] > 0


def words(name: str) -> list[list[str]]:
    return [command[1:] for _, command in COMMANDS if command and command[0] == name]


@pytest.mark.parametrize("arguments", words("emendo"), ids=" ".join)
def test_every_emendo_command_is_one(arguments: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    left = list(arguments)
    while hasattr(command, "commands"):
        assert left and left[0] in command.commands, f"no command {' '.join(arguments)}"
        command = command.commands[left.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    used = {word.partition("=")[0] for word in left if word.startswith("-")}
    assert used <= options, f"{' '.join(arguments)} has no {sorted(used - options)}"


@pytest.mark.parametrize("arguments", words("make"), ids=" ".join)
def test_every_make_target_is_one(arguments: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(arguments) <= targets


def test_the_commands_were_found() -> None:
    assert len(words("emendo")) >= 8 and ["release-check"] in words("make")


def test_every_other_command_is_known() -> None:
    known = {"emendo", "make", "pip", "sudo", "gh"}
    assert {command[0] for _, command in COMMANDS if command} <= known
    installed = next(command for _, command in COMMANDS if "apt-get" in command and "install" in command)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert {"chromium", "postgresql", "redis-server"} <= set(installed) & set(re.findall(r"[\w-]+", ci))
