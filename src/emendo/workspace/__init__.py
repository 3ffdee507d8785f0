"""Our memory: the folder of a workspace and its database (imported only when it is opened)."""

from .folder import BASE, Champion, Workspace

__all__ = ["BASE", "Champion", "Workspace"]
