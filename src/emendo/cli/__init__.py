"""The command line: one table of commands, each a thin function beside the library function that does the work.

`--json` prints one JSON object on standard output and nothing else there. Exit status 0: done; 1: the thing asked
about is not so (a check failed, a gate refused); 2: bad use or bad input, with one line `error: ...` on standard
error.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

from ..errors import EmendoError
from ..models.schemes import add_scheme
from . import damage, data, develop, drift, label, loop, measure, models, regions
from .boards import compression, report
from .card import card
from .channel import channel
from .cloud import cloud
from .crops import crops
from .export import certificate, export
from .flow import flow
from .mine import mine
from .monitor import monitor
from .output import complain
from .people import people
from .pipeline import pipeline
from .probes import probe
from .registry import registry
from .release import release
from .retention import forget, retention
from .serve import api_key, serve
from .stream import stream
from .sync import sync
from .synth import synth
from .trial import trial

if TYPE_CHECKING:
    from typer._click import Command

    from ..models.bundle import Bundle

app = typer.Typer(
    name="emendo",
    help="OCR that learns from your corrections.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command()(loop.init)
app.command()(loop.read)
app.command()(loop.collect)
app.command()(loop.watch)
app.command()(loop.learn)
app.command()(label.label)
app.command()(label.effort)
app.add_typer(people, name="people")
app.command()(forget)
app.add_typer(retention, name="retention")
app.add_typer(release, name="release")
app.command()(models.train)
app.command()(models.crossval)
app.command()(measure.evaluate)
app.command()(measure.compare)
app.command()(export)
app.command()(certificate)
app.command()(card)
report.command()(damage.robustness)
app.add_typer(report, name="report")
app.add_typer(compression, name="compression")
app.add_typer(probe, name="probe")
app.command()(models.promote)
app.command()(models.rollback)
app.add_typer(registry, name="registry")
app.command("models")(models.list_models)
app.add_typer(channel, name="channel")
app.add_typer(sync, name="sync")
app.command()(models.lineage)
app.add_typer(mine, name="mine")
monitor.command()(drift.baseline)
monitor.command()(drift.drift)
app.add_typer(monitor, name="monitor")
app.add_typer(trial, name="trial")
app.add_typer(flow, name="flow")
app.command()(data.check)
data.dataset.command()(damage.balance)
data.dataset.command()(regions.regions)
app.add_typer(data.dataset, name="dataset")
app.add_typer(synth, name="synth")
app.add_typer(crops, name="crops")
app.add_typer(pipeline, name="pipeline")
app.command()(serve)
app.command("api-key")(api_key)
app.add_typer(stream, name="stream")
app.add_typer(cloud, name="cloud")
app.command()(develop.demo)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(develop.bench)


def version(value: bool) -> None:
    """Print the version and leave."""
    if value:
        from .. import __version__

        typer.echo(f"emendo {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(False, "--version", callback=version, is_eager=True, help="Show the version."),
) -> None:
    """OCR that learns from your corrections."""


def _from_s3(reference: str, workspace: Path | None) -> Bundle:
    from ..cloud.references import fetch_bundle

    return fetch_bundle(reference, workspace)


add_scheme("s3://", _from_s3)


def _absent(module: str) -> str:
    """What to do when a command needs more than this installation holds (emendo-device leaves parts out)."""
    package = module.partition(".")[0]
    if package == "emendo":
        return f"this installation is for reading crops with a bundle and has no {module}: pip install emendo"
    return f"this needs the package {package}, which is not installed: pip install emendo, or the extra that has it"


STOPPED: Final = 130
"""Exit status after Ctrl-C, as shells give it; typer returns it too."""


@cache
def _program() -> Command:
    """The table as what runs it: a tenth of a second to make."""
    return typer.main.get_command(app)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        result = _program().main(args=arguments, prog_name="emendo", standalone_mode=False)
    except EmendoError as error:
        complain(str(error))
        return error.exit_status
    except NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return 2
    except ClickException as error:
        complain(error.format_message())
        return 2
    except ModuleNotFoundError as error:
        complain(_absent(error.name or str(error)))
        return 2
    except (typer.Abort, KeyboardInterrupt):
        result = STOPPED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        complain(f"{error.filename or 'operating system'}: {error.strerror or error}")
        return 2
    if result == STOPPED:
        complain("stopped by the user; run the same command again to go on")
    return result if isinstance(result, int) else 0
