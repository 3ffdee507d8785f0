"""Write docs/settings.md: every setting with its default. A test compares the file with what this module makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from emendo.settings import Settings
from emendo.settings.section import Section

TARGET = Path(__file__).with_name("settings.md")
HEAD = """# Settings

Made by `make docs` from the program itself; a test compares this page with it.

A setting is taken from an option of the command, else from the environment, else from `emendo.toml` in the folder of
the workspace, else it has its default. In the environment it is called `EMENDO_SECTION__NAME`
(`EMENDO_WATCH__MIN_CORRECTIONS=20`), at the top level `EMENDO_NAME`; `OCR_MODEL` is another name of `EMENDO_MODEL`.
The parts of a list are parted by commas there (`EMENDO_SERVE__KINDS=line,page`). Names that are unknown are refused.

```toml
model = "base"

[watch]
min_corrections = 20
```
"""


def page() -> str:
    """All settings, section by section, as Markdown."""
    fields = Settings.model_fields
    top = {name: one for name, one in fields.items() if not _is_section(one.annotation)}
    out = [HEAD, "## Top level\n", _table(top)]
    for name, one in fields.items():
        section = one.annotation
        if _is_section(section):
            about = " ".join((section.__doc__ or "").split())
            out += [f"## [{name}]\n", f"{about}\n", _table(section.model_fields)]
    return "\n".join(out)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _table(fields: dict[str, FieldInfo]) -> str:
    rows = [f"| `{name}` | `{_default(one)}` | {_safe(one.description or '')} |" for name, one in fields.items()]
    return "\n".join(["| key | default | |", "|---|---|---|", *rows, ""])


def _default(field: FieldInfo) -> str:
    """Its default as `emendo.toml` has it."""
    return json.dumps(field.get_default(call_default_factory=True, validated_data={}), ensure_ascii=False)


def _safe(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
