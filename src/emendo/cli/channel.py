"""Commands: channel init|publish|withdraw|renew|trust|rotate|show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output
from .context import Json, open_context

channel = typer.Typer(help="Releases for devices, which follow them with `emendo sync`.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--channel", metavar="DIR", help="Folder of the channel.")]
Place = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the channel.")]
Keys = Annotated[
    Path | None, typer.Option("--keys", metavar="DIR", help="Folder of its keys. [default: DIR.keys beside it]")
]
Days = Annotated[int, typer.Option(min=1, help="Days for which devices may go without hearing anything new.")]


@channel.command()
def init(
    folder: Place,
    keys: Keys = None,
    root_keys: Annotated[int, typer.Option(min=1, max=20, help="Root keys to make.")] = 3,
    threshold: Annotated[int, typer.Option(min=1, max=20, help="Root keys that must sign a change of keys.")] = 2,
    trusted: Annotated[
        list[Path] | None,
        typer.Option(
            "--trust",
            metavar="FILE",
            help="Public key of those who export (release.pub.json). [default: a new one is made]",
        ),
    ] = None,
    days: Days = 30,
    json: Json = False,
) -> None:
    """Make a channel, and its keys.

    Serve the folder over HTTP, or copy it to a bucket or a memory card; devices need no more. Take the folder `root`
    of the keys away: it is not needed to publish.
    """
    from ..release.channel.repository import init_channel
    from ..release.keys import read_public

    public = [read_public(path) for path in trusted or ()]
    made = init_channel(folder, keys, trusted=public, root_keys=root_keys, threshold=threshold, days=days)
    signing = made.keys.folder / "certificate.pem"
    root = made.metadata / "1.root.json"
    output.show(
        {"channel": str(made.folder), "keys": str(made.keys.folder), "root": str(root)},
        [
            f"the channel is {made.folder}, its keys are in {made.keys.folder}",
            f"put {made.keys.folder / 'root'} on a medium that is kept apart",
            f"export with --key {signing}" if not public else "certificates of the given keys are accepted",
            f"devices begin with `emendo sync init --root {root.name} --url ADDRESS`",
        ],
        json=json,
    )


@channel.command()
def publish(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="Bundle with a parity certificate.")],
    folder: Folder,
    group: Annotated[str, typer.Option(metavar="NAME", help="Group of devices.")] = "stable",
    share: Annotated[int, typer.Option(min=1, max=100, help="Percent of the group; publish again to raise it.")] = 100,
    lines: Annotated[
        str | None, typer.Option("--lines", metavar="REF", help="Lines of the self-test. [default: drawn ones]")
    ] = None,
    keys: Keys = None,
    days: Days = 30,
    json: Json = False,
) -> None:
    """Offer a bundle to a group of devices."""
    from ..models.references import load_bundle
    from ..release.channel.publish import publish as offer
    from ..release.channel.repository import Channel

    context = open_context()
    release = offer(
        Channel.open(folder, keys),
        load_bundle(bundle, workspace=context.root).folder,
        group,
        share,
        samples=context.dataset(lines).samples if lines else (),
        days=days,
    )
    listing = release.groups[group]
    told = f"{release.bundle} is offered to {listing.share} % of {group} as number {listing.number}"
    output.show(release.model_dump(mode="json"), [told], json=json)


@channel.command()
def withdraw(
    bundle: Annotated[str, typer.Argument(metavar="ID", help="Content id of the release.")],
    folder: Folder,
    group: Annotated[str, typer.Option(metavar="NAME", help="Group of devices. [default: all]")] = "",
    keys: Keys = None,
    days: Days = 30,
    json: Json = False,
) -> None:
    """Take a release back; devices that have it return to the one before."""
    from ..release.channel.publish import withdraw as take_back
    from ..release.channel.repository import Channel

    release = take_back(Channel.open(folder, keys), bundle, group, days=days)
    gone = ", ".join(name for name, one in release.groups.items() if one.withdrawn)
    output.show(release.model_dump(mode="json"), [f"{bundle} is withdrawn from {gone}"], json=json)


@channel.command()
def renew(folder: Place, keys: Keys = None, days: Days = 30, json: Json = False) -> None:
    """Sign timestamp and snapshot again before they expire, and what else expires soon; for a daily timer."""
    from ..release.channel.repository import Channel
    from ..release.channel.repository import renew as sign_again

    said = sign_again(Channel.open(folder, keys), days)
    output.show({"done": said}, said, json=json)


@channel.command()
def trust(
    key: Annotated[Path, typer.Argument(metavar="FILE", help="Public key of those who export (release.pub.json).")],
    folder: Folder,
    no_more: Annotated[bool, typer.Option("--no-more", help="Accept its certificates no longer.")] = False,
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Accept the parity certificates of a further key; needs the root keys."""
    from ..release.channel.repository import Channel
    from ..release.channel.repository import trust as accept
    from ..release.keys import read_public

    public = read_public(key)
    version = accept(Channel.open(folder, keys), public, no_more=no_more)
    told = f"certificates by {public['keyid'][:16]} are {'refused' if no_more else 'accepted'} from root {version} on"
    output.show({"root": version, "key": public["keyid"], "trusted": not no_more}, [told], json=json)


@channel.command()
def rotate(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="root, targets, snapshot or timestamp.")],
    folder: Folder,
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Replace a key that may have been stolen, or all root keys; needs the root keys."""
    from ..release.channel.repository import Channel, rotate_root
    from ..release.channel.repository import rotate as replace

    opened = Channel.open(folder, keys)
    version = rotate_root(opened) if role == "root" else replace(opened, role)
    output.show({"root": version, "role": role}, [f"{role} has new keys from root {version} on"], json=json)


@channel.command()
def show(folder: Place, json: Json = False) -> None:
    """Show what a channel offers and until when its metadata hold."""
    from ..release.channel.publish import show as describe
    from ..release.channel.repository import Channel

    found = describe(Channel.open(folder))
    lines = [f"{name:9} version {one['version']}, holds until {one['expires']}" for name, one in found["roles"].items()]
    for release in found["releases"]:
        for group, one in release["groups"].items():
            state = f"withdrawn {one['withdrawn']}" if one["withdrawn"] else f"{one['share']} %"
            lines.append(f"{release['bundle']}  {group}  number {one['number']}, {state}  {release['name']}")
    output.show(found, lines, json=json)
