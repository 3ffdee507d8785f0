"""Commands: serve, api-key."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import EngineError, UsageError
from ..serve.keys import Access
from . import output
from .context import Context, Json, Model, open_context
from .trial import Mode, Share

if TYPE_CHECKING:
    from ..monitor.capture import Capture
    from ..serve.models import Hooks
    from ..serve.service import Service
    from ..settings import CaptureSettings
    from ..workspace.folder import Workspace

Place = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace whose champion is served.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one. [default: 8080]")]
Deadline = Annotated[
    float | None, typer.Option(metavar="S", help="Seconds in which a request is answered. [default: 30]")
]
Grace = Annotated[float | None, typer.Option(metavar="S", help="Seconds to finish in when told to stop. [default: 30]")]
Kinds = Annotated[
    str | None,
    typer.Option(metavar="KIND,...", help="What is read: line, page, plate, document. [default: what the model reads]"),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--api-key-file", metavar="FILE", help="Keys of those who may ask (`emendo api-key`)."),
]
CaptureShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", help="Share of the readings to keep in the workspace, 0 to 1. [default: capture.share, 0]"
    ),
]
SageMaker = Annotated[
    bool,
    typer.Option("--sagemaker", help="Start as SageMaker expects: at every address, with the model in /opt/ml/model."),
]


def serve(
    model: Model = None,
    workspace: Place = Path(),
    host: Annotated[str | None, typer.Option(help="Address to listen at. [default: 127.0.0.1]")] = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Threads that read. [default: one per core]")] = None,
    queue: Annotated[int | None, typer.Option(metavar="N", help="Most images that wait. [default: 64]")] = None,
    deadline: Deadline = None,
    grace: Grace = None,
    kinds: Kinds = None,
    trial: Annotated[str | None, typer.Option(metavar="REF", help="Candidate to try beside the model in use.")] = None,
    mode: Mode = None,
    share: Share = None,
    api_key_file: KeyFile = None,
    capture: CaptureShare = None,
    sagemaker: SageMaker = False,
) -> int:
    """Serve readings over HTTP.

    POST /v1/read reads one image, or the fields of one document, /v1/batch several, /v1/jobs takes work to be asked
    for later; /openapi.json describes all. Whoever would wait too long is answered 503 with Retry-After. When the
    champion of the workspace changes, the service goes over to it without losing a request. SIGTERM and Ctrl+C let
    accepted work finish. Without keys anybody who reaches the address may read; the model is changed with a key of the
    role admin only. With --capture, what is read is kept for `emendo monitor`, and what is right can be told by POST
    /v1/feedback; the settings [capture] say what of it is kept, and for how long. With --trial another model reads
    along (shadow) or answers a share of the documents (ab) until it is known whether it is better; `emendo trial` shows
    how it stands, and a worse one is stopped. GET /ping and POST /invocations are those of a SageMaker container.
    """
    _check_packages()
    from ..serve.container import Start, sagemaker_start, with_defaults
    from ..serve.http.server import Server
    from ..tools.listen import bound, listening

    given: dict[str, Any] = {
        "model": model,
        "serve__workers": workers,
        "serve__queue": queue,
        "serve__deadline_seconds": deadline,
        "serve__grace_seconds": grace,
        "serve__kinds": tuple(part.strip() for part in kinds.split(",")) if kinds is not None else None,
        "serve__api_keys": str(api_key_file) if api_key_file is not None else None,
        "capture__share": capture,
        "trial__model": trial,
        "trial__mode": mode,
        "trial__share": share,
    }
    start = sagemaker_start(os.environ) if sagemaker else Start()
    if sagemaker:
        given = with_defaults(given, start, os.environ)
    if not workspace.is_dir():
        raise UsageError("is no folder", where=workspace, remedy="name the folder of a workspace, or leave it out")
    context = open_context(workspace, **given)
    service = _service(context)
    opened = bound(start.host if host is None else host, start.port if port is None else port)
    output.note(f"serving at http://{listening(opened)} with {service.workers} workers (Ctrl+C ends)")
    Server(service, opened).serve_all()
    return 0


def _check_packages() -> None:
    """Raise EngineError naming the first package of the service that is not installed."""
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise EngineError(f"the service needs {error.name!r}", remedy="pip install 'emendo[serve]'") from error


def _service(context: Context) -> Service:
    """What reads: the model that the settings name, with the workspace's captures and marks where there is one."""
    from ..serve.service import Service

    return Service(
        context.settings,
        workspace=context.root,
        log=output.note,
        hooks=_marks(context.workspace),
        capture=_capture(context.settings.capture, context.workspace),
    )


def _capture(settings: CaptureSettings, workspace: Workspace | None) -> Capture | None:
    """What keeps the readings, where some are to be kept."""
    from ..monitor import Captures
    from ..monitor.capture import Capture

    if settings.share == 0:
        return None
    if workspace is None:
        raise UsageError("captures are kept in a workspace, and here is none", remedy="run `emendo init` first")
    return Capture(Captures(workspace.captures), settings, output.note)


def _marks(workspace: Workspace | None) -> Hooks:
    """On a device that follows a channel, a model that fails again and again under the service is taken back."""
    from ..serve.models import Hooks
    from ..serve.sync import note_end, note_good, note_start

    if workspace is None:
        return Hooks()
    return Hooks(partial(note_start, workspace), partial(note_good, workspace), partial(note_end, workspace))


def api_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File with the keys; made when it is not there.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Whose key it is.")],
    role: Annotated[Access, typer.Option(help="read: ask for readings; admin: change the model too.")] = Access.READ,
    json: Json = False,
) -> None:
    """Make a key for the service; prints it, once.

    The file holds its hash only. A running service takes the new key within seconds; to take a key back, remove its
    line.
    """
    from ..serve.keys import add_key

    key = add_key(file, name, role)
    if json:
        output.print_json({"name": name, "role": role.value, "key": key})
    else:
        typer.echo(key)
