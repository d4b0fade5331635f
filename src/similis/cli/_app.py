"""The commands, joined; errors of the library become one line on stderr and exit status 1."""

from __future__ import annotations

import errno
import os
import signal
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from .._errors import SimilisError
from . import catalogue, completion, data, derive, doctor, fit, predict, reproduce, score, screen, transform, watch
from ._output import printable
from ._signals import stoppable

#: of click, or of the copy of it that typer holds
_UsageError: Any = typer.BadParameter.__base__


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            with stoppable(), warnings.catch_warnings():
                # columns are matched by name where they are read; blocks are arrays
                warnings.filterwarnings("ignore", "X does not have valid feature names")
                return super().invoke(ctx)
        except _UsageError as error:
            vars(error).update(message=printable(error.message))
            raise
        except SimilisError as error:
            typer.echo(printable(f"error: {error}"), err=True)
            raise typer.Exit(1) from None
        except (ValueError, TypeError, ArithmeticError, MemoryError, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:  # the reader of stdout has enough
                raise typer.Exit(1) from None
            typer.echo(printable(f"error: {type(error).__name__}: {error or 'no more is known'}"), err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt as stop:
            typer.echo("interrupted", err=True)
            raise typer.Exit(128 + getattr(stop, "number", signal.SIGINT)) from None


app = typer.Typer(
    cls=_Commands,
    help="Learning from similarities: networks with local learning rules, from streams of data.",
    epilog="Results go to stdout, progress to stderr. Exit status: 0 done, 1 the job failed, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich would double the time of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"similis {__version__}")
        raise typer.Exit


def _plain(asked: bool) -> None:
    if asked:
        os.environ["NO_COLOR"] = "1"  # read by rich, which draws the progress, and by what else is started


@app.callback()
def similis(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    no_color: Annotated[
        bool, typer.Option("--no-color", callback=_plain, is_eager=True, help="No colours, as with NO_COLOR=1.")
    ] = False,
) -> None:
    """Learning from similarities: networks with local learning rules, from streams of data."""


app.command("list")(catalogue.list_networks)
app.command("show")(catalogue.show)
app.command("derive")(derive.derive)
app.command("fit")(fit.fit)
app.command("transform")(transform.transform)
app.command("predict")(predict.predict)
app.command("score")(score.score)
app.command("screen")(screen.screen)
app.command("watch")(watch.watch)
app.command("reproduce")(reproduce.reproduce)
app.add_typer(data.app, name="data")
app.command("doctor")(doctor.doctor)
app.command("completion")(completion.completion)
