"""Models that pip installed: packages that name themselves in the entry point group `emendo.models`.

No line of such a package is run: it is only looked up where it lies, and the bundle in it is verified like any other.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final

GROUP: Final = "emendo.models"
"""Entry point group: the name is the reference, the value a package of one level that holds the folder `bundle`."""
BUNDLE: Final = "bundle"


def installed_models() -> dict[str, Path]:
    """The folder of the bundle of each installed model, by the name that refers to it."""
    found: dict[str, Path] = {}
    for entry in entry_points(group=GROUP):
        if not entry.value.isidentifier():
            continue  # to find what lies deeper, the package above it would be run
        try:
            spec = find_spec(entry.value)
        except ValueError:  # a module that was made by hand and has no place
            continue
        for place in (spec.submodule_search_locations if spec else None) or ():
            found.setdefault(entry.name, Path(place) / BUNDLE)
    return found
