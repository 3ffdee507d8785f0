"""Settings: precedence, unknown names, and where the fault stands."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import typer

import emendo.cli
from emendo.errors import SettingsError
from emendo.settings import OPTIONS, load_settings


def write(folder: Path, text: str) -> Path:
    (folder / "emendo.toml").write_text(text, encoding="utf-8")
    return folder


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    folder = write(tmp_path, "[watch]\nmin_corrections = 10\n")
    assert load_settings(environment={}).watch.min_corrections == 50
    assert load_settings(folder, environment={}).watch.min_corrections == 10
    environment = {"EMENDO_WATCH__MIN_CORRECTIONS": "20"}
    assert load_settings(folder, environment=environment).watch.min_corrections == 20
    assert load_settings(folder, environment=environment, watch__min_corrections=30).watch.min_corrections == 30
    assert load_settings(folder, environment=environment, watch__min_corrections=None).watch.min_corrections == 20


def test_sections_of_several_sources_are_joined(tmp_path: Path) -> None:
    folder = write(tmp_path, "[watch]\nmin_corrections = 10\n")
    watch = load_settings(folder, environment={"EMENDO_WATCH__POLL_SECONDS": "9"}).watch
    assert (watch.min_corrections, watch.poll_seconds) == (10, 9)


def test_ocr_model_names_the_model() -> None:
    assert load_settings(environment={"OCR_MODEL": "/models/mine"}).model == "/models/mine"
    assert load_settings(environment={"OCR_MODEL": "a", "EMENDO_MODEL": "b"}).model == "b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[watch]\nmin_corections = 1\n",
            "emendo.toml: unknown setting 'watch.min_corections', did you mean 'min_corrections'?",
        ),
        ("[wach]\nmin_corrections = 1\n", "unknown setting 'wach', did you mean 'watch'?"),
        ("[watch]\nmin_corrections = 0\n", "setting 'watch.min_corrections'"),
        ("watch = 3\n", "setting 'watch'"),
        ("[watch\n", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, text), environment={})
    assert expected in str(caught.value)
    assert "emendo.toml" in str(caught.value)


def test_a_list_in_the_environment_has_commas() -> None:
    environment = {
        "EMENDO_SERVE__KINDS": "line, page",
        "EMENDO_ALERTS__MAIL_TO": "ann@example.org",
        "EMENDO_AUTHOR": "a,b",
    }
    settings = load_settings(environment=environment)
    assert settings.serve.kinds == ("line", "page") and settings.alerts.mail_to == ("ann@example.org",)
    assert settings.author == "a,b"
    with pytest.raises(SettingsError, match=r"EMENDO_SERVE__KINDS: setting 'serve\.kinds"):
        load_settings(environment={"EMENDO_SERVE__KINDS": "line,word"})


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="EMENDO_WATHC__X: unknown setting 'wathc', did you mean 'watch'"):
        load_settings(environment={"EMENDO_WATHC__X": "1"})


def test_the_data_folder_is_no_setting() -> None:
    assert load_settings(environment={"EMENDO_DATA": "/data"}) == load_settings(environment={})


@pytest.mark.parametrize(
    ("flags", "option"),
    [
        ({"cloud__instance": "big"}, "--instance"),
        ({"cloud__least": 0}, "--min"),
        ({"serve__kinds": ("poem",)}, "--kinds"),
        ({"capture__share": 7}, "--capture"),
        ({"read__text_layer": "always"}, "--text-layer"),
        ({"threads": -1}, "--threads"),
    ],
)
def test_a_wrong_option_is_named_as_it_was_typed(flags: dict[str, Any], option: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environment={}, **flags)
    assert str(caught.value).startswith(f"{option}: setting ")


def test_every_option_that_is_a_setting_can_be_typed() -> None:
    given = set()
    for path in Path(emendo.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.arg if isinstance(node, ast.keyword) else node.value if isinstance(node, ast.Constant) else None
            if isinstance(name, str) and name.replace("__", "").isidentifier() and "__" in name.strip("_"):
                given.add(name)
    options = _options(typer.main.get_command(emendo.cli.app))
    for name in given:
        with pytest.raises(SettingsError) as caught:
            load_settings(environment={}, **{name: object()})
        assert caught.value.where in options, name
    assert set(OPTIONS) <= given, "an option that nobody gives"


def _options(command: Any) -> set[str]:
    """The options of a command and of all below it."""
    below = [_options(one) for one in getattr(command, "commands", {}).values()]
    return {name for parameter in command.params for name in parameter.opts}.union(*below)
