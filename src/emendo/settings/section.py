"""What every section of the settings is: frozen, and without unknown names."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of `emendo.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
