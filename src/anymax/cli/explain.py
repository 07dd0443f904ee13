"""anymax explain: the chain rule of one row, or of a few logits, with all numbers."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import numpy as np
import typer

from anymax import io as files
from anymax.cli import names
from anymax.cli.evaluate import indices
from anymax.cli.options import count
from anymax.cli.predict import Custom
from anymax.cli.saved import Saved, read
from anymax.cli.saying import counted, say, writable
from anymax.data.csv_file import read_csv
from anymax.data.table import Table
from anymax.explaining import Explanation, rendered
from anymax.explaining.page import page
from anymax.pages import live_page
from anymax.pair import Pair
from anymax.training.labels import encode_labels
from anymax.types import Array

LOGITS = (1.0, 2.0, 0.5)  # where none are given


def explain(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="what train --save wrote")
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(metavar="FILE.csv", help="with the target beside the rest"),
    ] = None,
    row: Annotated[
        int,
        typer.Option(
            parser=count, metavar="N", help="which row of the file, from 1 on"
        ),
    ] = 1,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="what is right, default as in training; with --activation the target "
            "itself, as 1 or 0,1,0",
        ),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="explain this map, instead of a model,")
    ] = None,
    loss: Annotated[str | None, typer.Option(help="and this loss")] = None,
    logits: Annotated[
        str | None, typer.Option(metavar="1,2,0.5", help="at these logits")
    ] = None,
    all_numbers: Annotated[
        bool, typer.Option("--all-numbers", help="every digit of every array")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="all of it, as JSON")] = False,
    html: Annotated[
        str | None, typer.Option(metavar="FILE.html", help="write it as a page")
    ] = None,
    live: Annotated[
        str | None,
        typer.Option(metavar="FILE.html", help="write a page with logits to drag"),
    ] = None,
    custom: Custom = None,
) -> None:
    """Show the chain rule of one row, from the loss to the first weights.

    Each factor with its formula, its shape and its numbers, what cancels, and finite
    differences beside each gradient. MODEL FILE.csv for a trained network, or
    --activation softmax --loss squared_error for a pair on its own.
    """
    for path in (html, live):
        if path is not None:
            writable(path)
    if live is not None:
        files.write(live, live_page().encode())
        typer.echo(f"wrote {live}")
        return
    if activation is not None or loss is not None:
        if model is not None or activation is None or loss is None:
            raise ValueError(
                "explain needs MODEL FILE.csv, or both --activation and --loss; not "
                "some of each."
            )
        said, made = "", _of_pair(activation, loss, logits, target)
    else:
        if model is None or data is None or logits is not None:
            raise ValueError(
                "explain needs a model and a file, as explain model.safetensors "
                "FILE.csv --row 3, or --activation softmax --loss squared_error."
            )
        said, made = _of_row(read(model, custom), data, row, target)
    _show(made, said, all_numbers, as_json, html)


def _show(
    made: Explanation, said: str, everything: bool, as_json: bool, html: str | None
) -> None:
    if html is not None:
        files.write(html, page(made.to_dict()).encode())
    if as_json:
        typer.echo(json.dumps(made.to_dict(), indent=1, allow_nan=False))
        return
    if said:
        say("data", said)
    if html is not None:
        typer.echo(f"wrote {html}")
        return
    typer.echo(rendered(made, "all" if everything else "rounded"))


# ---- a pair on its own


def _of_pair(
    activation: str, loss: str, logits: str | None, target: str | None
) -> Explanation:
    pair = Pair(names.activation(activation), names.loss(loss))
    n = pair.fixed_width
    if logits is not None:
        z = _numbers(logits, "--logits")
    else:
        z = np.array(LOGITS) if n is None else np.linspace(-0.5, 0.6, n)
    if target is None:
        wanted = np.eye(len(z))[min(1, len(z) - 1)]
        return pair.explanation(z, pair.targets.indicate(wanted))
    return pair.explanation(z, _wanted(pair, _numbers(target, "--target"), len(z)))


def _wanted(pair: Pair, y: Array, n: int) -> Array:
    """Values as they are; one whole number for several outputs is a class."""
    if len(y) != 1 or n == 1:
        return y
    if y[0] not in range(n):
        raise ValueError(
            f"--target needs {n} numbers for {n} logits, or a class 0 to {n - 1}; got "
            f"{y[0]:g}."
        )
    k = int(y[0])
    return np.array(k) if pair.targets.classes else pair.targets.indicate(np.eye(n)[k])


def _numbers(text: str, option: str) -> Array:
    """The numbers in "1,2,0.5"."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [math.nan]
    if any(math.isnan(each) for each in found):
        raise ValueError(f"{option} needs numbers, as 1,2,0.5; got {text!r}.")
    return np.array(found)


# ---- a row of a file


def _of_row(
    saved: Saved, data: str, row: int, target: str | None
) -> tuple[str, Explanation]:
    """What is explained, and how."""
    table = read_csv(data)
    if row > len(table):
        raise ValueError(f"{data} has {counted(len(table), 'row')}; got --row {row}.")
    line = table.lines[row - 1]
    lone = Table(table.path, table.header, (table.rows[row - 1],), (line,))
    name = target or saved.target
    if not name or (target is None and name not in table.header):
        raise ValueError(
            f"{data} needs --target COLUMN, what is right; it has "
            f"{', '.join(each for each in table.header if each)}."
        )
    x, y = saved.inputs(lone, name), _target(saved, lone, name)
    said = f"{data}, row {row} in line {line}: {name} is {lone.labels(name)[0]}"
    taken = zip(
        saved.named(lone, name),
        saved.scaling.shift,
        saved.scaling.scale,
        strict=True,
    )
    scaled = any(shift != 0 or scale != 1 for _, shift, scale in taken)
    note = "; x are the columns as scaled in training" if scaled else ""
    return said + note, saved.objective().explanation(x[0], y)


def _target(saved: Saved, lone: Table, name: str) -> Any:
    """What is right in this row, as the loss takes it."""
    if saved.classes is None:
        if saved.outputs != 1:
            raise ValueError(
                f"explain needs one output or classes; the network has {saved.outputs} "
                "values. Explain it in Python: objective.explain(x, y)."
            )
        y = lone.numbers(name)[:, None]
        return (y if saved.units is None else saved.units.apply(y))[0]
    index, shape = indices(lone, name, saved.classes), (1, saved.outputs)
    known = saved.classes if saved.outputs == 1 else None
    given = index if known is None else known[index]
    return encode_labels(given, shape, saved.objective().pair, known).targets[0]
