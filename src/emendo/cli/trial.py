"""Commands: trial start, status, stop, report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError, UsageError
from . import output
from .context import Json, open_context

if TYPE_CHECKING:
    from ..client import Client

trial = typer.Typer(help="Try a model beside the one in use, on what a service is sent.", no_args_is_help=True)

Service = Annotated[str, typer.Option("--service", metavar="URL", help="The service.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="File that holds an API key. [default: EMENDO_API_KEY]"),
]
Mode = Annotated[
    str | None, typer.Option(metavar="shadow|ab", help="Whether the candidate answers too. [default: shadow]")
]
Share = Annotated[
    float | None,
    typer.Option(metavar="P", help="Share of the documents that it reads (shadow) or answers (ab). [default: 0.5]"),
]
HERE = "http://127.0.0.1:8080"


@trial.command()
def start(
    reference: Annotated[str, typer.Argument(metavar="REF", help="The candidate, as the service finds it.")],
    service: Service = HERE,
    key_file: KeyFile = None,
    mode: Mode = None,
    share: Share = None,
    documents: Annotated[
        int | None, typer.Option(metavar="N", help="Corrected documents after which it ends. [default: 300]")
    ] = None,
    basis: Annotated[
        str | None, typer.Option(metavar="corrections|agreement", help="What decides. [default: corrections]")
    ] = None,
    json: Json = False,
) -> None:
    """Let a candidate read along (shadow) or answer a share of the documents (ab).

    It is stopped when people's corrections show that it is worse; when it is better, promote it. Needs a key with the
    role admin.
    """
    wanted = {"mode": mode, "share": share, "documents": documents, "basis": basis}
    given = {name: value for name, value in wanted.items() if value is not None}
    _show(_client(service, key_file).start_trial(reference, **given), json=json)


@trial.command()
def status(service: Service = HERE, key_file: KeyFile = None, json: Json = False) -> None:
    """Show the trial that goes on, or the last one."""
    _show(_client(service, key_file).trial(), json=json)


@trial.command()
def stop(service: Service = HERE, key_file: KeyFile = None, json: Json = False) -> None:
    """End the trial; the model in use answers everything. Needs a key with the role admin."""
    _show(_client(service, key_file).stop_trial(), json=json)


@trial.command()
def report(
    workspace: Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace of the service.")] = Path(),
    captures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Captured readings with arms. [default: those of the last trial]"),
    ] = None,
    json: Json = False,
) -> int:
    """Judge what was captured of a trial: errors of both models, and the verdict of the sequential test.

    The exit status is 1 when the candidate is worse.
    """
    from ..monitor import Captures
    from ..monitor.trial import Rules, Verdict
    from ..serve.trial import judged, read_plan
    from ..workspace.folder import read_object

    context = open_context(workspace, need_workspace=captures is None)
    held = context.workspace
    last = held is not None and held.trial_file.is_file()
    plan = read_plan(read_object(held.trial_file), held.trial_file) if held is not None and last else None
    if captures is None:
        if plan is None or held is None:
            raise DataError("has had no trial", where=workspace, remedy="start one with `emendo trial start`")
        captures = held.trials / plan.id
    if not captures.is_dir():
        raise DataError("holds no captures", where=captures, remedy="give the folder that the service captured in")
    found = judged(Captures(captures), plan.rules if plan is not None else Rules())
    output.show(found.to_dict(), _judged(found.to_dict()), json=json)
    return 1 if found.verdict is Verdict.WORSE else 0


def _client(address: str, key_file: Path | None) -> Client:
    from ..client import Client

    return Client(address, key=_key(key_file))


def _key(file: Path | None) -> str:
    if file is None:
        return os.environ.get("EMENDO_API_KEY", "")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        what = f"is no file with a key ({error.strerror if isinstance(error, OSError) else error})"
        raise UsageError(what, where=file, remedy="give the file that holds what `emendo api-key` showed") from error


def _show(row: Mapping[str, Any], *, json: bool) -> None:
    if row["state"] == "none":
        lines = ["no trial has been started"]
    else:
        counts = row["counts"]
        lines = [
            f"{row['candidate']} beside {row['champion']} since {row['started']}, {row['how']['mode']}: {row['state']}",
            f"readings: {counts['champion']} of the champion, {counts['candidate']} of the candidate, "
            f"{counts['lost']} left out, {counts['failed']} failures",
            *(_judged(row["judgement"]) if row["judgement"] else [_unjudged(row["how"])]),
        ]
        if row["state"] == "ended" and row["why"] != (row["judgement"] or {}).get("sentence"):
            lines.append(f"ended: {row['why']}")
        if (row["judgement"] or {}).get("verdict") == "better":
            lines.append(f"run `emendo promote {row['reference']}`")
    output.show(row, lines, json=json)


def _unjudged(how: Mapping[str, Any]) -> str:
    what = "corrections count" if how["basis"] == "corrections" else "readings count"
    return f"nothing is known yet: {what} {how['settle_minutes']:g} minutes after they came (trial.settle_minutes)"


def _judged(found: Mapping[str, Any]) -> list[str]:
    rates = [
        f"{arm} {100 * found[f'{arm}_rate']:.2f} % of {found[arm]['size']:.0f}" for arm in ("champion", "candidate")
    ]
    rates.append(f"apart in {100 * found['apart_rate']:.2f} %")
    return [f"verdict: {found['verdict']}: {found['sentence']}", f"errors: {', '.join(rates)}"]
