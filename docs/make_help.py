"""Write docs/help.md: the `--help` page of every command. A test compares the file with what this module makes."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

import typer

from emendo.cli import app

TARGET = Path(__file__).with_name("help.md")
HEAD = """# Commands

Made by `make docs` from the program itself; a test compares this page with it.
"""


def pages() -> str:
    """The help pages of all commands, depth first, as Markdown."""
    os.environ.update(COLUMNS="100", NO_COLOR="1", TERM="dumb")
    program = typer.main.get_command(app)
    out = [HEAD]

    def visit(command: object, path: tuple[str, ...]) -> None:
        with redirect_stdout(io.StringIO()) as shown:
            arguments = {"args": [*path, "--help"], "prog_name": "emendo", "terminal_width": 100}
            assert program.main(**arguments, standalone_mode=False) == 0, path
        text = "\n".join(line.rstrip() for line in shown.getvalue().strip().splitlines())
        out.append(f"## emendo {' '.join(path)}".rstrip() + f"\n\n```text\n{text}\n```\n")
        for name, child in getattr(command, "commands", {}).items():
            visit(child, (*path, name))

    visit(program, ())
    return "\n".join(out)


if __name__ == "__main__":
    TARGET.write_text(pages(), encoding="utf-8")
