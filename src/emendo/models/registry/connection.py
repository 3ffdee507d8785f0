"""The connection to MLflow: quiet, bounded in time, and its faults as one sentence."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from emendo.errors import EmendoError

from .entries import RegistryAway

MODEL: Final = "emendo.model"
"""Tag of a version that emendo registered: the content id of its bundle."""
SQLITE: Final = "sqlite:///"
INSTALL: Final = "pip install 'emendo[mlops]'"
WITHOUT: Final = "work here goes on without it; see to the server or the setting registry.uri"
_REASONS: Final = ("Connection refused", "timed out", "Name or service not known", "Failed to resolve", "401", "403")
"""What is told of a long message of the transport, the first that is in it."""
_THEIRS: Final = ("mlflow", "sqlalchemy", "urllib3", "boto3", "botocore", "azure", "google")
"""Packages whose errors are the registry's: MLflow, its database, and what reaches its artifacts."""
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect(uri: str, timeout: int) -> Any:
    """A client of the back end, its database made where it is a file. Raises RegistryAway without mlflow."""
    os.environ.update(_QUIET)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise RegistryAway("the registry needs mlflow, which is not installed", remedy=INSTALL) from error
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # the variable is too late where it was imported already
    if uri.startswith(SQLITE):
        sqlite_file(uri).parent.mkdir(parents=True, exist_ok=True)
    return MlflowClient(uri, uri)


def sqlite_file(uri: str) -> Path:
    """The database file of a URI `sqlite:///...`."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0])


def masked(uri: str) -> str:
    """A URI without user and password."""
    return re.sub(r"//[^/@]*@", "//", uri)


@contextmanager
def asked(place: str) -> Iterator[None]:
    """Turn what MLflow and its transport raise inside the block into one RegistryAway."""
    try:
        yield
    except EmendoError:
        raise
    except Exception as error:
        if not isinstance(error, OSError | ImportError) and not type(error).__module__.startswith(_THEIRS):
            raise
        raise RegistryAway(_sentence(place, error), remedy=WITHOUT) from error


def _sentence(place: str, error: BaseException) -> str:
    told = " ".join(str(error).split())
    known = (one for one in _REASONS if one in told)
    return f"the registry {place} cannot be used ({next(known, masked(told)[:160]) or type(error).__name__})"
