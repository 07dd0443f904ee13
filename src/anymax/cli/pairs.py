"""anymax pairs: every activation against every loss, measured."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from anymax import activations, losses
from anymax import io as files
from anymax.activation import Activation
from anymax.checking.cells import Cell, measure
from anymax.cli.names import activation as named_activation
from anymax.cli.names import loss as named_loss
from anymax.cli.saying import writable
from anymax.loss import Loss
from anymax.pages import pairs_page
from anymax.registry import samples

STATUSES = {
    "fused": (
        "f",
        "green",
        "the loss's slope is a fraction, or known by z: it cancels",
    ),
    "plain": ("p", "", "the slope is no fraction: nothing has to cancel"),
    "boundary": ("b", "yellow", "the output may touch the edge of the loss's domain"),
    "doubtful": ("d", "magenta", "defined, but not what the loss is meant for"),
    "refused": (".", "dim", "not defined, so a Pair refuses it"),
}
CELL = 5  # characters of a column: "f-11 "


def pairs(
    as_json: Annotated[
        bool, typer.Option("--json", help="all fields, as JSON")
    ] = False,
    activation: Annotated[
        str | None, typer.Option(help="this activation alone, with sentences")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="this loss alone, with sentences")
    ] = None,
    html: Annotated[
        str | None, typer.Option(metavar="FILE.html", help="write it as a page")
    ] = None,
) -> None:
    """Measure every activation against every loss.

    Whether their product cancels, is doubtful or refused, and how far its gradient is
    from finite differences.
    """
    if html is not None:
        writable(html)
    maps = (
        [named_activation(activation)]
        if activation
        else [*samples(activations).values()]
    )
    costs = [named_loss(loss)] if loss else [*samples(losses).values()]
    cells = measured(maps, costs)
    console = Console(highlight=False)
    if html is not None:
        files.write(html, pairs_page([fields(cell) for cell in cells]).encode())
        typer.echo(f"wrote {html}")
    elif as_json:
        typer.echo(
            json.dumps([fields(cell) for cell in cells], indent=1, allow_nan=False)
        )
    elif activation or loss:
        for line in listed(cells, console.width):
            console.print(line, soft_wrap=True)
    else:
        for line in tabled(cells, console.width):
            console.print(line, soft_wrap=True)


def measured(maps: list[Activation], costs: list[Loss]) -> list[Cell]:
    """The cells, row by row; a bar on stderr where that is a terminal."""
    console = Console(stderr=True)
    with Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("measuring", total=len(maps) * len(costs))
        cells = []
        for made in maps:
            for cost in costs:
                bar.update(task, description=f"{made.name} + {cost.name}")
                cells.append(measure(made, cost))
                bar.advance(task)
        return cells


def fields(cell: Cell) -> dict[str, Any]:
    """A cell for JSON, which has no NaN and no inf: they become null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(cell).items()
    }


# ---- the table


def tabled(cells: list[Cell], width: int) -> Iterator[Text]:
    """One row an activation, one column a loss, in blocks that fit the width."""
    rows = list(dict.fromkeys(_short(cell.activation) for cell in cells))
    columns = list(dict.fromkeys(_short(cell.loss) for cell in cells))
    table = {(_short(cell.activation), _short(cell.loss)): cell for cell in cells}
    heads = headers(columns)
    label = max(map(len, rows)) + 2
    for block in _blocks(columns, max(1, (width - label) // CELL)):
        yield Text(
            " " * label + "".join(f"{heads[each]:{CELL}}" for each in block), "bold"
        )
        for row in rows:
            line = Text(f"{row:{label}}")
            for column in block:
                line.append_text(_cell(table[row, column]))
            yield line
        yield Text()
    yield from _legend(cells, heads, width)


def headers(names: list[str]) -> dict[str, str]:
    """Capitals, or the first letters of a single word; longer where two would be alike.

    >>> headers(["CrossEntropy", "Poly", "Poisson"])
    {'CrossEntropy': 'CE', 'Poly': 'Poly', 'Poisson': 'Pois'}
    """
    found: dict[str, str] = {}
    for name in names:
        capitals = re.sub("[^A-Z]", "", name)
        tries = [
            name[:4],
            name[:3] + name[-1:],
            *(f"{name[:2]}{i}" for i in range(100)),
        ]
        if len(capitals) > 1:
            tries.insert(0, capitals[:4])
        found[name] = next(each for each in tries if each not in found.values())
    return found


def _cell(cell: Cell) -> Text:
    symbol, style, _ = STATUSES[cell.status]
    return Text(f"{symbol}{_exponent(cell.gradient_error)}".ljust(CELL), style)


def _exponent(error: float) -> str:
    """The power of ten that the error stays below; nothing for nan."""
    if math.isnan(error):
        return ""
    if math.isinf(error):
        return "inf"
    return f"{max(-16, math.ceil(math.log10(error))) if error else -16}"


def _legend(cells: list[Cell], heads: dict[str, str], width: int) -> Iterator[Text]:
    counts = Counter(cell.status for cell in cells)
    for status, (symbol, style, meaning) in STATUSES.items():
        line = Text(symbol, style)
        yield line.append(f"  {counts[status]:4} {status:9} {meaning}", "not dim")
    yield Text(
        "f-11: the gradient is within 1e-11 of finite differences, of max(1, norm)"
    )
    yield Text(f"{len(cells)} pairs; {_worst(cells)}")
    short = [f"{head} {name}" for name, head in heads.items() if head != name]
    joined = "   ".join(each.replace(" ", "\0") for each in short)
    for names in textwrap.wrap(joined, min(width, 100)):
        yield Text(names.replace("\0", " "), "dim")
    yield Text("why, for one loss: anymax pairs --loss CrossEntropy")


def _worst(cells: list[Cell]) -> str:
    """The largest measured errors."""
    known = [cell for cell in cells if cell.rows]
    if not known:
        return "none of them is defined"
    gradient = max(cell.gradient_error for cell in known)
    hvp = max(cell.hvp_error for cell in known)
    return f"largest error {gradient:.1e} of a gradient, {hvp:.1e} of a Hessian product"


# ---- the list


def listed(cells: list[Cell], width: int) -> Iterator[Text]:
    """One line a pair with both errors, and below it the sentence, if there is one."""
    named = [f"{_short(cell.activation)} + {_short(cell.loss)}" for cell in cells]
    column = max(map(len, named))
    yield Text(f"{'pair':{column}}  {'status':8}  gradient  Hessian product", "bold")
    for name, cell in zip(named, cells, strict=True):
        line = Text(f"{name:{column}}  ").append(cell.status, STATUSES[cell.status][1])
        if cell.rows:
            gap = " " * (10 - len(cell.status))
            line.append(f"{gap}{cell.gradient_error:8.1e}  {cell.hvp_error:.1e}")
        yield line
        for each in textwrap.wrap(cell.sentence, max(40, min(width, 100) - 4)):
            yield Text(f"    {each}", "dim")


def _short(text: str) -> str:
    """A repr without the brackets where they are empty."""
    return text.removesuffix("()")


def _blocks(names: list[str], size: int) -> Iterator[list[str]]:
    """Of one size as nearly as can be, so that no block is a rest."""
    count = -(-len(names) // size)
    each = iter(names)
    for k in range(count):
        yield list(islice(each, -(-(len(names) - k) // count)))
