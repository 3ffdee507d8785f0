"""Commands: cloud up, down, status, put, captures."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..tools.counts import counted
from . import output
from .context import Json, Model, open_context

if TYPE_CHECKING:
    from ..cloud.deploy import Cloud
    from .context import Context

cloud = typer.Typer(
    help="Models and pages in AWS, preprocessing of uploads, an endpoint that scales.", no_args_is_help=True
)

Folder = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace whose settings hold.")]
StackName = Annotated[str | None, typer.Option("--stack", metavar="NAME", help="How the stacks are called.")]
Region = Annotated[str | None, typer.Option("--region", metavar="REGION", help="Region of AWS.")]
Rehearse = Annotated[
    bool, typer.Option("--dry-run", help="Only tell what would be done; needs no credentials and asks nobody.")
]


@cloud.command()
def up(
    folder: Folder = Path(),
    stack: StackName = None,
    region: Region = None,
    model: Model = None,
    image: Annotated[str | None, typer.Option(metavar="URI", help="Image of the endpoint in ECR.")] = None,
    preprocessing_image: Annotated[
        str | None, typer.Option(metavar="URI", help="Image of the preprocessing in ECR. [default: no preprocessing]")
    ] = None,
    instance: Annotated[str | None, typer.Option(metavar="TYPE", help="Machine of the endpoint.")] = None,
    least: Annotated[int | None, typer.Option("--min", metavar="N", help="Fewest instances.")] = None,
    most: Annotated[int | None, typer.Option("--max", metavar="N", help="Most instances.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="PART", help="Only stores, preprocessing or endpoint; repeatable.")
    ] = None,
    dry_run: Rehearse = False,
    json: Json = False,
) -> None:
    """Put the model into S3 and bring up what is there to read with it, or change it to what the settings say.

    What is so already stays; broken off, it goes on when run again. An endpoint that takes a new model serves with the
    old one until the new one answers, and stays with it when that fails.
    """
    from ..cloud.deploy import rehearse
    from ..cloud.deploy import up as bring_up
    from ..models.references import load_bundle

    context, held = _cloud(
        folder,
        json=json,
        model=model,
        cloud__stack=stack,
        cloud__region=region,
        cloud__image=image,
        cloud__preprocessing_image=preprocessing_image,
        cloud__instance=instance,
        cloud__least=least,
        cloud__most=most,
    )
    bundle = load_bundle(context.settings.model, workspace=context.root)
    if dry_run:
        seen = rehearse(held, bundle.id, only or ())
        output.show(seen, _rehearsed(seen), json=json)
        return
    done = bring_up(held, bundle, only or ())
    output.show(done, [f"the model {done['model']} is up"], json=json)


@cloud.command()
def down(
    folder: Folder = Path(),
    stack: StackName = None,
    region: Region = None,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete the buckets with all that is in them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Rehearse = False,
    json: Json = False,
) -> None:
    """Take everything down; buckets that hold anything stay, unless --delete-data."""
    from ..cloud.deploy import down as take_down
    from ..cloud.plan import PARTS, stack_name

    _, held = _cloud(folder, json=json, cloud__stack=stack, cloud__region=region)
    names = [stack_name(held.settings, kind) for kind in reversed(PARTS)]
    data = "with all data in its buckets" if delete_data else "but keep buckets that hold data"
    if dry_run:
        output.show({"stacks": names, "delete_data": delete_data}, [f"delete {', '.join(names)}, {data}"], json=json)
        return
    if not yes:
        typer.confirm(f"Delete {', '.join(names)}, {data}?", abort=True, err=True)
    done = take_down(held, delete_data=delete_data)
    output.show(done, [f"{name}: {what}" for name, what in done["stacks"].items()], json=json)


@cloud.command()
def status(
    folder: Folder = Path(),
    stack: StackName = None,
    region: Region = None,
    dry_run: Rehearse = False,
    json: Json = False,
) -> None:
    """Show the stacks with their last events, the endpoint with its instances, and the buckets."""
    from ..cloud.deploy import status as look
    from ..cloud.plan import PARTS, stack_name

    _, held = _cloud(folder, json=json, cloud__stack=stack, cloud__region=region)
    if dry_run:
        rows = [{"stack": stack_name(held.settings, kind), "remembered": kind in held.memory.parts} for kind in PARTS]
        told = [f"{one['stack']}: {'brought up from here' if one['remembered'] else 'never seen'}" for one in rows]
        output.show({"stacks": rows, "buckets": held.memory.buckets}, told, json=json)
        return
    found = look(held)
    output.show(found, _looked(found), json=json)


@cloud.command()
def put(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Bundle, champion, name: what is put there.")],
    to: Annotated[
        str | None, typer.Option(metavar="s3://...", help="Where. [default: the bucket of models of the stack]")
    ] = None,
    folder: Folder = Path(),
    stack: StackName = None,
    region: Region = None,
    json: Json = False,
) -> None:
    """Put a model into S3; prints its address, which is a model reference (--model s3://...)."""
    from ..cloud.deploy import put_bundle
    from ..models.references import load_bundle

    context, held = _cloud(folder, json=json, cloud__stack=stack, cloud__region=region)
    address = put_bundle(held, load_bundle(model, workspace=context.root), to or "")
    if json:
        output.print_json({"reference": address})
    else:
        typer.echo(address)


@cloud.command()
def captures(
    folder: Folder = Path(),
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the service that captured. [default: this machine's]")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="s3://...", help="Where. [default: the bucket of pages of the stack]")
    ] = None,
    stack: StackName = None,
    region: Region = None,
    json: Json = False,
) -> None:
    """Put what the service of a workspace captured into S3; what is there already is not sent again."""
    from ..cloud.deploy import put_captures

    context, held = _cloud(folder, json=json, need_workspace=True, cloud__stack=stack, cloud__region=region)
    assert context.workspace is not None
    sent, same = put_captures(held, context.workspace.captures, name or platform.node() or "service", to or "")
    output.show({"sent": sent, "same": same}, [f"{counted(sent, 'file')} sent, {same} were there"], json=json)


def _cloud(folder: Path, *, json: bool, need_workspace: bool = False, **flags: Any) -> tuple[Context, Cloud]:
    from ..cloud.deploy import Cloud
    from ..cloud.plan import Memory

    context = open_context(folder, need_workspace=need_workspace, **flags)
    settings = context.settings.cloud
    hidden = context.workspace.hidden if context.workspace else None
    say = (lambda _: None) if json else output.note
    return context, Cloud(settings, Memory.of(hidden, settings.stack), say)


def _rehearsed(seen: Mapping[str, Any]) -> Sequence[str]:
    """What would be done, for a person."""
    told = []
    for one in seen["stacks"]:
        told.append(f"{one['stack']}:")
        told += [f"    {name} = {value}" for name, value in one["parameters"].items()]
        for row in one["resources"]:
            because = f" ({'; '.join(row['because'])})" if row["because"] else ""
            told.append(f"  {row['change']:6} {row['id']} {row['type']}{because}")
    told += [f"missing: {sentence}" for sentence in seen["missing"]]
    since = "changes since the last `emendo cloud up` from here" if seen["remembered"] else "as if nothing were there"
    return [*told, f"{since}; AWS was not asked, and nothing was done"]


def _looked(found: Mapping[str, Any]) -> Sequence[str]:
    """What is there, for a person."""
    told = []
    for one in found["stacks"]:
        told.append(f"{one['stack']}: {one['status'].lower().replace('_', ' ') or 'not there'}")
        told += [
            f"    {row['at']} {row['resource']} {row['status'].lower().replace('_', ' ')} {row['reason']}".rstrip()
            for row in one["events"]
        ]
    endpoint = found["endpoint"]
    if endpoint is not None:
        scaled = f", scaled between {endpoint['least']} and {endpoint['most']}" if endpoint["least"] else ""
        counts = f"{endpoint['instances']} instances ({endpoint['wanted']} wanted{scaled})"
        told.append(f"endpoint {endpoint['name']}: {endpoint['status']}, {counts} {endpoint['reason']}".rstrip())
    return [*told, *(f"{name}: s3://{bucket}" for name, bucket in found["buckets"].items())]
