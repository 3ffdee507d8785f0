"""Commands about the registry: push, list, show, pull, promote, rollback, ui."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .context import Context, Json, open_context

if TYPE_CHECKING:
    from ..models.registry import Entry, Registry
    from ..release.runs import LiveRun
    from ..workspace.folder import Reads

registry = typer.Typer(
    help="Models under names, in the workspace or in MLflow (setting registry.uri).", no_args_is_help=True
)

Workspace = Annotated[Path, typer.Option(metavar="DIR", help="Workspace whose settings and names are used.")]
Reference = Annotated[str, typer.Argument(metavar="NAME[@ALIAS|/VERSION]", help="With or without models:/ before it.")]


@registry.command()
def push(
    model: Annotated[str, typer.Argument(metavar="RUN_OR_BUNDLE", help="Run folder, bundle or other model reference.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Name under which it is registered.")],
    alias: Annotated[str, typer.Option(metavar="ALIAS", help="Let this alias mean it, as challenger.")] = "",
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Register a model as the next version of a name, with lineage, figures, certificate and the run that made it.

    What is in use stays in use. A model that was trained as an adapter gets two versions: the adapter, then the whole.
    """
    from ..models.references import load_bundle
    from ..release.registry import figures
    from ..release.registry import push as push_model

    context, opened = _opened(workspace)
    bundle = load_bundle(model, workspace=context.root)
    entries = push_model(opened, bundle, name, alias, workspace=context.workspace)
    if json:
        output.print_json({**figures(entries[-1]), "versions": [figures(one) for one in entries]})
        return
    for entry in entries:
        output.note(_sentence(entry))


@registry.command("list")
def list_versions(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Only this name. [default: all]")] = "",
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """List the versions of every name, or of one."""
    from ..release.registry import figures

    _, opened = _opened(workspace)
    entries = opened.entries(name)
    if json:
        output.print_json({"registry": opened.place, "versions": [figures(one) for one in entries]})
        return
    for entry in entries:
        typer.echo(_sentence(entry))
    if not entries:
        output.note(f"nothing is registered at {opened.place}")


@registry.command()
def show(reference: Reference, workspace: Workspace = Path(), json: Json = False) -> None:
    """Tell all that is known of a version: what it was made of, how well it reads, and whether it is certified."""
    from ..release.registry import figures

    _, opened = _opened(workspace)
    entry = opened.find(reference)
    told = figures(entry) | {"metrics": opened.measured(entry)}
    if json:
        output.print_json(told)
        return
    typer.echo(_sentence(entry))
    for key, value in {**entry.tags, **told["metrics"]}.items():
        typer.echo(f"  {key}: {value:.6g}" if isinstance(value, float) else f"  {key}: {value}")


@registry.command()
def pull(
    reference: Reference,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the bundle.")],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Fetch the bundle of a version, the same bytes that were registered."""
    from ..release.registry import figures
    from ..release.registry import pull as pull_model

    _, opened = _opened(workspace)
    entry = pull_model(opened, reference, out)
    output.show({**figures(entry), "folder": str(out)}, [f"{out}: {_sentence(entry)}"], json=json)


@registry.command()
def promote(
    name: Reference,
    version: Annotated[int | None, typer.Option(metavar="N", min=1, help="Version, if not in the name.")] = None,
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Move the alias champion of a name to a version, and keep the one before as `previous`.

    For names that no workspace stands behind. What is in use in a workspace moves by `emendo promote`, past the gate.
    """
    from ..release.registry import figures, promote_version

    context, opened = _opened(workspace)
    entry = promote_version(opened, f"{name}/{version}" if version else name, workspace=context.workspace)
    output.show(figures(entry), [_sentence(entry)], json=json)


@registry.command()
def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name in the registry.")],
    workspace: Workspace = Path(),
    json: Json = False,
) -> None:
    """Move the alias champion of a name back to the version before."""
    from ..release.registry import figures, rollback_version

    context, opened = _opened(workspace)
    entry = rollback_version(opened, name, workspace=context.workspace)
    output.show(figures(entry), [_sentence(entry)], json=json)


@registry.command()
def ui(workspace: Workspace = Path()) -> None:
    """Print the command that shows runs and models in the browser."""
    from ..errors import UsageError
    from ..models.registry import MlflowRegistry

    _, opened = _opened(workspace)
    if not isinstance(opened, MlflowRegistry):
        raise UsageError("the names of a workspace have no page", remedy="set registry.uri; see also `emendo label`")
    if opened.uri.startswith("http"):
        typer.echo(opened.place)
    else:
        typer.echo(f"mlflow ui --backend-store-uri {opened.uri}")


class Registering:
    """What `emendo train` does with the registry: tell the run, and register the model where that is asked for.

    Raises before the training what can be known to be wrong: UsageError for a name that cannot be, or without any
    registry to register in. A registry that does not answer makes a sentence of the report, not a fault.
    """

    def __init__(self, context: Context, name: str | None, out: Path) -> None:
        from ..models.registry import open_registry
        from ..release.registry import check_place

        self._context, self._name, self._out = context, name, out
        self._live: LiveRun | None = None
        self._registry: Registry | None = None
        if name is not None or context.settings.registry.uri:
            self._registry = open_registry(context.settings.registry, context.workspace)
        if name is not None and self._registry is not None:
            check_place(name, "", self._registry, context.workspace)

    def watched(self, bar: output.Bar) -> output.Bar:
        """The progress, with the registry watching."""
        from ..release.runs import LiveRun

        if self._registry is None:
            return bar
        self._live = LiveRun(self._registry, self._out, bar)
        return self._live

    def end(self, bundle: Path) -> tuple[dict[str, Any], list[str]]:
        """What to add to the report, and to say."""
        from dataclasses import asdict

        from ..errors import EmendoError
        from ..models.bundle import read_bundle
        from ..release.registry import figures
        from ..release.registry import push as push_model

        told = self._live.end() if self._live else None
        report: dict[str, Any] = {"registry": asdict(told)} if told else {}
        sentences = [told.sentence()] if told else []
        if self._name is None or self._registry is None:
            return report, sentences
        try:
            made = push_model(self._registry, read_bundle(bundle), self._name, workspace=self._context.workspace)
        except EmendoError as error:
            return {**report, "registered": {"fault": str(error)}}, [*sentences, f"not registered: {error}"]
        return {**report, "registered": figures(made[-1])}, [*sentences, *map(_sentence, made)]


def registry_state(context: Context) -> tuple[dict[str, Any], list[str]]:
    """How the registry stands to what is in use: for `--json`, and as a sentence; nothing where none is set."""
    from dataclasses import asdict

    from ..release.follow import following

    if context.workspace is None:
        return {}, []
    named: tuple[tuple[str, Reads], ...] = (("registry", "lines"), ("registry_fields", "fields"))
    states = {name: state for name, kind in named if (state := following(context.workspace, kind)) is not None}
    return {name: asdict(state) for name, state in states.items()}, [state.sentence() for state in states.values()]


def _opened(place: Path) -> tuple[Context, Registry]:
    """The settings, and the registry that they name, told what is in use in the workspace."""
    from ..models.registry import open_registry
    from ..release.registry import catch_up

    context = open_context(place)
    opened = open_registry(context.settings.registry, context.workspace)
    catch_up(context.workspace)
    state, sentences = registry_state(context)
    for one, sentence in zip(state.values(), sentences, strict=True):
        if one["fault"]:
            output.note(sentence)
    return context, opened


def _sentence(entry: Entry) -> str:
    aliases = "".join(f" @{alias}" for alias in entry.aliases)
    form = f", {entry.form}" if entry.form else ""
    certified = ", certified" if entry.tags.get("certified") == "true" else ""
    return f"models:/{entry.name}/{entry.version}{aliases}  {entry.model}  {entry.since[:16]}{form}{certified}"
