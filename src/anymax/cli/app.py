"""The program: its commands, and every failure as one sentence and an exit status."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import anymax
from anymax.cli import names
from anymax.cli.bench import bench
from anymax.cli.check import check
from anymax.cli.evaluate import evaluate
from anymax.cli.explain import explain
from anymax.cli.info import info
from anymax.cli.pairs import pairs
from anymax.cli.predict import predict
from anymax.cli.settings import command
from anymax.cli.train import train

HERE = str(Path(anymax.__file__).parent)
# What typer raises for arguments it cannot use; it exports only this one of them.
USAGE: Any = typer.BadParameter.__base__
WRONG, FAILED, STOPPED = 2, 1, 130

app = typer.Typer(
    name="anymax",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="print it and exit")
    ] = False,
) -> None:
    """Any activation with any loss, at any layer, with exact derivatives."""
    if version:
        typer.echo(f"anymax {anymax.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command()(command(train))
app.command()(predict)
app.command()(evaluate)
app.command()(info)
app.command()(check)
app.command()(explain)
app.command()(pairs)
app.command()(bench)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program: 0, or 2 for bad input and 1 for a failed check or training."""
    try:
        status = app(arguments, prog_name="anymax", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except USAGE as wrong:
        return _say(wrong.format_message(), WRONG)
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped.", STOPPED)
    except BrokenPipeError:
        # Whoever read our output has gone; let the interpreter flush into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except MemoryError as wrong:
        return _say(f"not enough memory: {wrong}", WRONG)
    except Exception as wrong:
        return _explained(wrong)


def _explained(wrong: Exception) -> int:
    """A sentence for what anymax raises and for what goes wrong in a user's file."""
    frames = traceback.extract_tb(wrong.__traceback__)
    theirs = [frame for frame in frames if frame.filename in names.loaded]
    if theirs:
        where = f"{Path(theirs[-1].filename).name}, line {theirs[-1].lineno}"
        return _say(f"{where}: {type(wrong).__name__}: {wrong}", WRONG)
    if isinstance(wrong, FloatingPointError):
        return _say(str(wrong), FAILED)
    if frames[-1].filename.startswith(HERE):
        return _say(str(wrong), WRONG)
    raise wrong


def _say(sentence: str, status: int) -> int:
    print(f"anymax: {' '.join(sentence.split())}", file=sys.stderr)
    return status
