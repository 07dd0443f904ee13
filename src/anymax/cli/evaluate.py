"""anymax evaluate: how good a saved network is on the rows of a file."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from anymax.cli.predict import Custom, Model
from anymax.cli.saved import Saved, read
from anymax.cli.saying import counted, say
from anymax.cli.source import check_values, whole
from anymax.data.csv_file import read_csv
from anymax.data.table import Table, shown
from anymax.metrics import mean_absolute_error, r2
from anymax.training.labels import encode_labels
from anymax.types import Array, nearest


def evaluate(
    model: Model,
    data: Annotated[
        str, typer.Argument(metavar="FILE.csv", help="with the target beside the rest")
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="what is right; default as in training"),
    ] = None,
    custom: Custom = None,
) -> None:
    """Compare a saved network's predictions with a column of a CSV file."""
    saved, table = read(model, custom), read_csv(data)
    name = target or saved.target
    if not name or (target is None and name not in table.header):
        raise ValueError(
            f"{data} needs --target COLUMN, what to compare with; it has "
            f"{', '.join(each for each in table.header if each)}."
        )
    x = saved.inputs(table, name)
    say("data", f"{data}: {counted(len(table), 'row')}, target {name}")
    if saved.classes is None:
        _values(saved, table, name, x)
    else:
        _labels(saved, table, name, x, saved.classes)
    typer.echo(f"next: anymax info {model}")


def _values(saved: Saved, table: Table, name: str, x: Array) -> None:
    if saved.outputs != 1:
        raise ValueError(
            f"evaluate needs one output or classes; the network has {saved.outputs} "
            "values. Compare them in Python."
        )
    table.labels(name)
    y = table.numbers(name)[:, None]
    found = saved.values(np.asarray(saved.net(x)))
    typer.echo(f"mean absolute error: {mean_absolute_error(y, found):.4g}")
    typer.echo(f"R2: {r2(y, found):.4f}")
    if saved.loss is not None:
        objective = saved.objective()
        if saved.units is None:
            check_values(table, name, objective.pair)
        scaled = y if saved.units is None else saved.units.apply(y)
        typer.echo(f"loss: {float(objective.value(x, scaled)):.4g}")


def _labels(saved: Saved, table: Table, name: str, x: Array, classes: Array) -> None:
    index = indices(table, name, classes)
    found = saved.net.decide(np.asarray(saved.net(x)))
    typer.echo(f"accuracy: {np.mean(found == index):.4f}")
    if saved.loss is not None:
        objective = saved.objective()
        shape = (len(index), saved.outputs)
        known = classes if saved.outputs == 1 else None
        given = index if known is None else classes[index]
        targets = encode_labels(given, shape, objective.pair, known).targets
        typer.echo(f"loss: {float(objective.value(x, targets)):.4g}")
    for label, each in zip(classes, range(len(classes)), strict=True):
        rows = index == each
        if rows.any():
            right = np.mean(found[rows] == each)
            typer.echo(
                f"  {label}: {counted(int(rows.sum()), 'row')}, {right:.4f} right"
            )


def indices(table: Table, name: str, classes: Array) -> Array:
    """Class indices (N,) of a column of labels, all of them known."""
    known = {str(label): i for i, label in enumerate(classes)}
    found = []
    for cell, line in zip(table.labels(name), table.lines, strict=True):
        at = known.get(cell, known.get(_whole(cell)))
        if at is None:
            raise ValueError(
                f"{table.at(name, line)} holds {shown(cell)}, a class the network has "
                f"not met; {nearest(cell, list(known))}"
            )
        found.append(at)
    return np.array(found)


def _whole(cell: str) -> str:
    """A whole number as training reads it, so that 1.0 and 01 are 1."""
    value = whole(cell)
    return cell if value is None else str(value)
