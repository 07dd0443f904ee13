"""anymax bench: its speed beside the libraries that are installed."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from anymax.benchmarking.environment import THREADS, machine, ours, versions
from anymax.benchmarking.report import console, record, shown
from anymax.benchmarking.running import Runner
from anymax.benchmarking.short import SHORT
from anymax.types import nearest

SECONDS, PAUSE = 0.03, 0.03  # of a block of calls, and before it


def bench(
    as_json: Annotated[
        bool, typer.Option("--json", help="times in seconds a call, as JSON")
    ] = False,
    only: Annotated[
        str | None, typer.Option(metavar="TABLE", help="this table alone")
    ] = None,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="how often everybody has a turn")
    ] = 3,
) -> None:
    """Time anymax and every other library that is installed on the same work.

    In turn, in one process each, with two threads, after a look whether they compute
    the same. The ratio is how many times longer the best of the others takes; they are
    torch, jax with optax, onnxruntime with onnx, scikit-learn and entmax.
    """
    names = [table.name for table in SHORT]
    if only is not None and only not in names:
        raise ValueError(f"there is no table {only!r}; {nearest(only, names)}")
    out = console()
    found = {}
    with (
        Console(stderr=True).status("starting") as status,
        Runner(
            rounds=rounds,
            seconds=SECONDS,
            pause=PAUSE,
            compiled=False,
            say=status.update,
        ) as runner,
    ):
        for table in SHORT:
            if only in (None, table.name):
                found[table.name] = [record(row) for row in runner.run(table)]
                if not as_json:
                    out.print(shown(table.title, found[table.name], goals=False))
                    out.print()
    if as_json:
        facts = {
            "machine": machine(),
            "kernels": ours(),
            "threads": THREADS,
            "versions": versions(),
        }
        typer.echo(json.dumps({**facts, "tables": found}, indent=1))
        return
    out.print(f"{machine()}; {THREADS} threads; {ours()}", style="dim")
