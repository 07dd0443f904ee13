"""The table of every activation against every loss, each cell with its explanation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, log10
from typing import Any

import numpy as np

from anymax import activations, losses
from anymax.activation import Activation
from anymax.explaining.heat import Matrix, equation
from anymax.explaining.markup import asset, document, long, scrolled, table, top
from anymax.explaining.mathml import mathml, sentence
from anymax.explaining.values import numbers
from anymax.loss import Loss
from anymax.pair import Pair
from anymax.registry import samples
from anymax.types import quiet

Cell = dict[str, Any]
LOGITS = (0.4, 0.9, -0.6)  # the target is the first; sparsemax leaves out the last
STATUSES = {
    "fused": ("f", "the loss’s slope is a fraction, or known by z: it cancels"),
    "plain": ("p", "the slope is no fraction: nothing has to cancel"),
    "boundary": ("b", "the output may touch the edge of the loss’s domain"),
    "doubtful": ("d", "defined, but not what the loss is meant for"),
    "refused": ("·", "not defined, so a Pair refuses it"),
}


def pairs_page(cells: Sequence[Cell]) -> str:
    """The table as one HTML file, from what `anymax pairs --json` prints.

    Each cell leads to its pair at one row of logits: outputs, slope, Jacobian, gradient
    and finite differences, all of them computed here. Maps or losses that anymax does
    not hold keep their cell, without numbers.
    """
    maps = {repr(each): each for each in samples(activations).values()}
    costs = {repr(each): each for each in samples(losses).values()}
    rows = list(dict.fromkeys(cell["activation"] for cell in cells))
    columns = list(dict.fromkeys(cell["loss"] for cell in cells))
    body = [
        top("Every activation with every loss", _said(cells)),
        "<main>",
        _legend(cells),
        _grid(cells, rows, columns),
        "</main>",
        '<dialog id="pair" aria-labelledby="pair-title"><form method="dialog">'
        '<button autofocus>close</button></form><div id="pair-body"></div></dialog>',
        "<noscript><p class='note warn'>A cell shows its pair by a few lines of "
        "script; without them the table is all there is.</p></noscript>",
        *(_template(f"map {name}", _of_map(maps.get(name), name)) for name in rows),
        *(
            _template(f"loss {name}", _of_loss(costs.get(name), name))
            for name in columns
        ),
        *(_template(_place(cell), _of_pair(cell, maps, costs)) for cell in cells),
    ]
    return document(
        "Every activation with every loss",
        "\n".join(body),
        asset(__package__, "assets", "pairs.css"),
        asset(__package__, "assets", "pairs.js"),
    )


# ---- the table


def _said(cells: Sequence[Cell]) -> str:
    known = [cell for cell in cells if cell["rows"]]
    text = f"{len(cells)} pairs, {len(known)} of them defined."
    worst = [cell["gradient_error"] for cell in known]
    if worst and None not in worst:
        text += f" No gradient is further than {max(worst):.0e} from differences."
    return escape(text.replace("e-", "e−"))


def _legend(cells: Sequence[Cell]) -> str:
    counts = Counter(cell["status"] for cell in cells)
    parts = [
        f'<div><dt class="{status}">{letter}</dt><dd><b>{counts[status]} {status}</b>: '
        f"{meaning}</dd></div>"
        for status, (letter, meaning) in STATUSES.items()
    ]
    return (
        f'<dl class="legend">{"".join(parts)}</dl><p class="soft">The number is the '
        "power of ten the gradient’s error stays below. Press a cell, or walk with the "
        "arrow keys and press Enter.</p>"
    )


def _grid(cells: Sequence[Cell], rows: list[str], columns: list[str]) -> str:
    table = {(cell["activation"], cell["loss"]): cell for cell in cells}
    head = "".join(
        f'<th scope="col"><span>{_bare(name)}</span></th>' for name in columns
    )
    body = "".join(
        f'<tr><th scope="row">{_bare(row)}</th>'
        + "".join(_linked(table.get((row, column))) for column in columns)
        + "</tr>"
        for row in rows
    )
    return (
        '<div class="grid"><table><caption class="hide">activations by losses</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _linked(cell: Cell | None) -> str:
    if cell is None:
        return "<td></td>"
    status = cell["status"]
    power = _power(cell["gradient_error"]) if cell["rows"] else ""
    said = f"{_title(cell)}: {status}" + (f", error below 1e{power}" if power else "")
    names = (
        f'data-map="map {escape(cell["activation"])}" '
        f'data-loss="loss {escape(cell["loss"])}"'
    )
    return (
        f'<td class="{status}" {names}>'
        f'<a href="#{_place(cell)}" aria-label="{escape(said)}">'
        f"{STATUSES[status][0]}<small>{power}</small></a></td>"
    )


def _power(error: float | None) -> str:
    if error is None:
        return ""
    return str(max(-16, ceil(log10(error))) if error else -16).replace("-", "−")


# ---- what a cell leads to, in elements that are not shown until it is asked for


def _template(place: str, inside: str) -> str:
    return f'<template id="{escape(place)}">{inside}</template>'


def _of_map(made: Activation | None, name: str) -> str:
    if made is None:
        return f"<p>a = <code>{escape(name)}</code></p>"
    z = _logits(made.fixed_width)
    dense = made.jacobian(z).dense().tolist()
    return (
        f'<p><code>{escape(name)}</code></p><div class="formula">{_formula(made)}</div>'
        + scrolled(equation(Matrix(dense, "J = da/dz")), "the Jacobian")
    )


def _of_loss(made: Loss | None, name: str) -> str:
    formula = "" if made is None else f'<div class="formula">{_formula(made)}</div>'
    return f"<p><code>{escape(name)}</code></p>{formula}"


def _formula(made: Activation | Loss) -> str:
    """The first lines of its documentation."""
    return sentence(" ".join((made.__doc__ or "").split("\n\n")[0].split()))


def _of_pair(cell: Cell, maps: dict[str, Any], costs: dict[str, Any]) -> str:
    head = f'<h2 id="pair-title">{escape(_title(cell))}</h2>'
    kind = "said" if cell["status"] in ("fused", "plain") else "warn"
    reason = escape(cell["sentence"] or STATUSES[cell["status"]][1] + ".")
    head += f'<p class="note {kind}"><b>{cell["status"]}</b>: {reason}</p>'
    made, cost = maps.get(cell["activation"]), costs.get(cell["loss"])
    if cell["status"] == "refused" or made is None or cost is None:
        return head
    return head + "".join(_numbers(Pair(made, cost), cell))


@quiet
def _numbers(pair: Pair, cell: Cell) -> Iterator[str]:
    z = _logits(pair.fixed_width)
    y = pair.targets.indicate(np.eye(len(z))[0])
    made = pair.explanation(z, y).to_dict()
    (last,), (given,), loss = made["steps"], made["inputs"], made["loss"]
    columns = {
        "z": given["values"],
        "a": last["values"],
        "y": loss["target"],
        "dL/da": last["gradient"],
        "dL/dz": given["gradient"],
        "differences": given["differences"],
    }
    kept = {name: numbers(each) for name, each in columns.items() if each is not None}
    rows = zip(*kept.values(), strict=True)
    body = ([str(i), *map(long, row)] for i, row in enumerate(rows, 1))
    yield f"<p>L = <b>{long(loss['value'])}</b> at one row of logits:</p>"
    yield table(["", *kept], body, "the numbers of the pair")
    yield f"<p><b>What cancels</b>: {sentence(loss['cancellation'])}.</p>"
    for layout in ("column", "row"):
        yield f'<div class="formula">{mathml(last["backward"][layout])}</div>'
    yield _measured(cell)


def _measured(cell: Cell) -> str:
    errors = [cell["gradient_error"], cell["hvp_error"]]
    if None in errors:
        return ""
    gradient, hvp = (f"{error:.1e}".replace("-", "−") for error in errors)
    return (
        f'<p class="soft">At {cell["rows"]} random rows: gradient within {gradient} of '
        f"finite differences, Hessian product within {hvp}, of max(1, norm).</p>"
    )


def _logits(width: int | None) -> np.ndarray[Any, np.dtype[np.float64]]:
    if width in (None, len(LOGITS)):
        return np.array(LOGITS)
    return np.linspace(-0.5, 0.6, width)


def _bare(name: str) -> str:
    """A repr without the brackets where they are empty."""
    return escape(name.removesuffix("()"))


def _title(cell: Cell) -> str:
    return f"{_bare(cell['activation'])} with {_bare(cell['loss'])}"


def _place(cell: Cell) -> str:
    """An anchor: Softmax+CrossEntropy."""
    names = (cell["activation"], cell["loss"])
    return "+".join(re.sub(r"[^\w.=]+", "-", name).strip("-") for name in names)
