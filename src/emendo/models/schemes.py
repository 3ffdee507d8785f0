"""Model references whose beginning says where to fetch: a layer above tells how, for addresses that only it knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .bundle import Bundle

Fetch = Callable[[str, Path | None], "Bundle"]
"""Takes a reference and the workspace; gives the verified bundle, or raises EmendoError."""
_FETCHERS: Final[dict[str, Fetch]] = {}


def add_scheme(scheme: str, fetch: Fetch) -> None:
    """From now on references that begin with `scheme` are fetched by `fetch`."""
    _FETCHERS[scheme] = fetch


def fetcher_of(reference: str) -> Fetch | None:
    """What fetches a reference; None when its beginning is none that is known."""
    return next((fetch for scheme, fetch in _FETCHERS.items() if reference.startswith(scheme)), None)
