"""Registries of models: a table of two, of which the setting `registry.uri` chooses.

The names of the workspace (`local`) need nothing. MLflow (`server`) stands beside them where it is asked for, and is
imported only then. What is in use in a workspace is never asked of a registry: that is the champion's pointer.
"""

from .entries import ADAPTER, CHAMPION, MERGED, PREVIOUS, About, Entry, Registry, RegistryAway, RunFacts, numbers
from .local import LocalRegistry, copy_bundle, install
from .lookup import open_registry, registered, registered_bundle
from .server import MlflowRegistry

__all__ = [
    "ADAPTER",
    "CHAMPION",
    "MERGED",
    "PREVIOUS",
    "About",
    "Entry",
    "LocalRegistry",
    "MlflowRegistry",
    "Registry",
    "RegistryAway",
    "RunFacts",
    "copy_bundle",
    "install",
    "numbers",
    "open_registry",
    "registered",
    "registered_bundle",
]
