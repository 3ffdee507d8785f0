"""How a container for SageMaker is started: where its model lies, at which port it listens, in what time it ends.

SageMaker runs `docker run IMAGE serve`, puts the model's files into /opt/ml/model, asks `GET /ping` until that answers
200, sends work to `POST /invocations` (see `serve.http.sagemaker`) and ends the container with SIGTERM, and 30 seconds
later with SIGKILL ("Use your own inference code with hosting services", Amazon SageMaker Developer Guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import BundleError, SettingsError
from ..models.bundle import INFO_FILE

MODEL_FOLDER: Final = "/opt/ml/model"
PORT: Final = 8080
ANY_HOST: Final = "0.0.0.0"
SETTINGS: Final[Mapping[str, float]] = {
    "serve__deadline_seconds": 55.0,
    "serve__wait_seconds": 50.0,
    "serve__grace_seconds": 25.0,
}
"""What differs from a service of one's own: SageMaker gives an invocation 60 seconds and has no jobs, so whole
documents are waited for; after SIGTERM 30 seconds are left."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where the service listens, and the model that it serves (a reference; empty: the one that comes along)."""

    host: str = "127.0.0.1"
    port: int = PORT
    model: str = ""


def sagemaker_start(environment: Mapping[str, str]) -> Start:
    """How to start in an environment of SageMaker.

    `SM_MODEL_DIR` is the folder with the model (else /opt/ml/model), `SAGEMAKER_BIND_TO_PORT` the port (else 8080).
    `OCR_MODEL` or `EMENDO_MODEL` name another model. Raises BundleError when the folder holds something and no bundle,
    SettingsError for a port that cannot be.
    """
    told = environment.get("SAGEMAKER_BIND_TO_PORT", "") or str(PORT)
    if not (told.isascii() and told.isdigit() and 0 <= int(told) <= 65535):
        raise SettingsError(f"SAGEMAKER_BIND_TO_PORT is {told!r}, which is no port", remedy="give 1 to 65535")
    named = environment.get("EMENDO_MODEL") or environment.get("OCR_MODEL") or ""
    return Start(ANY_HOST, int(told), named or _in_folder(Path(environment.get("SM_MODEL_DIR") or MODEL_FOLDER)))


def with_defaults(given: Mapping[str, Any], start: Start, environment: Mapping[str, str]) -> dict[str, Any]:
    """Settings that were given (None: not) with those of such a container, where the environment does not say them."""
    usual = {name: value for name, value in SETTINGS.items() if f"EMENDO_{name.upper()}" not in environment}
    said = {name: value for name, value in given.items() if value is not None}
    return {"model": start.model, **usual, **said}


def _in_folder(folder: Path) -> str:
    """The reference of the bundle in a model folder; empty when the folder is not there or holds nothing."""
    for place in (folder, folder / "bundle"):
        if (place / INFO_FILE).is_file():
            return str(place)
    if folder.is_dir() and any(folder.iterdir()):
        remedy = "write model.tar.gz with `emendo export MODEL --to sagemaker`"
        raise BundleError("holds files and no bundle", where=folder, remedy=remedy)
    return ""
