"""anymax predict: what a saved network says about the rows of a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from anymax import io as files
from anymax.cli.saved import Saved, read
from anymax.cli.saying import counted, writable
from anymax.data.csv_file import read_csv
from anymax.sets import LogSimplex, Simplex
from anymax.sets.interval import UNIT
from anymax.types import Array

Model = Annotated[str, typer.Argument(metavar="MODEL", help="what train --save wrote")]
Custom = Annotated[
    str | None,
    typer.Option(metavar="FILE.py", help="your classes that the network is made of"),
]


def predict(
    model: Model,
    data: Annotated[
        str, typer.Argument(metavar="FILE.csv", help="with the columns it learned from")
    ],
    output: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv", help="write here; default standard output"),
    ] = None,
    probabilities: Annotated[
        bool, typer.Option(help="a column for each class beside the prediction")
    ] = False,
    custom: Custom = None,
) -> None:
    """Predict each row of a CSV file with a saved network, as CSV."""
    if output is not None:
        _check_output(output, model, data)
    saved, table = read(model, custom), read_csv(data)
    text = _written(*predicted(saved, saved.inputs(table), probabilities))
    target = saved.target or "COLUMN"
    following = f"next: anymax evaluate {model} {data} --target {target}"
    if output is None:
        typer.echo(text, nl=False)
        # what reads the predictions should not read this
        typer.echo(following, err=True)
        return
    files.write(output, text.encode())
    typer.echo(f"wrote {counted(len(table), 'prediction')} to {output}")
    typer.echo(following)


def predicted(
    saved: Saved, x: Array, probabilities: bool
) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of the predictions for rows x (N, n)."""
    net, classes = saved.net, saved.classes
    outputs = np.asarray(net(x))
    shares = _probabilities(saved, outputs) if probabilities else None
    if classes is None:
        values = saved.values(outputs)
        several = [f"prediction_{i}" for i in range(1, saved.outputs + 1)]
        header = several if saved.outputs > 1 else ["prediction"]
        return header, [[f"{v:.9g}" for v in row] for row in values]
    rows = [[str(label)] for label in classes[net.decide(outputs)]]
    if shares is None:
        return ["prediction"], rows
    header = ["prediction", *(f"p_{label}" for label in classes)]
    return header, [
        [*row, *(f"{p:.6g}" for p in each)]
        for row, each in zip(rows, shares, strict=True)
    ]


def _probabilities(saved: Saved, outputs: Array) -> Array:
    """One number in [0, 1] for each class, (N, classes)."""
    last = saved.net.split()[1]
    if saved.classes is None:
        raise ValueError("--probabilities needs classes; this network predicts values.")
    if isinstance(last.range, LogSimplex):
        return np.exp(outputs)
    if not (isinstance(last.range, Simplex) or UNIT.holds(last.range)):
        raise ValueError(
            f"--probabilities needs outputs in [0, 1]; those of {last.name} are "
            f"{last.range}. Train with --output Softmax."
        )
    if saved.outputs == 1:
        return np.concatenate([1 - outputs, outputs], -1)
    return outputs


def _check_output(output: str, model: str, data: str) -> None:
    writable(output)
    for given in (model, data):
        if Path(given).exists() and Path(given).resolve() == Path(output).resolve():
            raise ValueError(
                f"--output {output} would overwrite {given}; name another."
            )


def _written(header: list[str], rows: list[list[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([header, *rows])
    return lines.getvalue()
