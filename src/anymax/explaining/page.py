"""An explanation as one HTML page: from the loss down to the first weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from anymax.explaining.markup import document, long, section, shape, table, top
from anymax.explaining.mathml import mathml, sentence
from anymax.explaining.steps import place, step_of
from anymax.explaining.values import numbers, shown

Said = dict[str, Any]
LISTED = 1_000_000  # characters of JSON that still go with the page


def page(explanation: Said) -> str:
    """The chain rule of one sample as one HTML file, from `Explanation.to_dict()`.

    Every factor with its formula, its shape and its numbers, both layouts, the equal
    forms of the product and finite differences beside each gradient. No script, and
    nothing is asked of the network.

    >>> import anymax as am
    >>> made = am.Pair(am.Softmax(), am.CrossEntropy()).explanation([0.5, -0.2], 1)
    >>> page(made.to_dict()).startswith("<!DOCTYPE html>")
    True
    """
    title = explanation["title"]
    steps = explanation["steps"]
    parts = [
        top("The chain rule, factor by factor", escape(title)),
        "<main>",
        _overview(explanation),
        _loss(explanation["loss"], steps[-1]),
        step_of(steps[-1], True, explanation["loss"]["slope"]["past"]),
        *(step_of(step) for step in reversed(steps[:-1])),
        _inputs(explanation["inputs"]),
        _everything(explanation),
        "</main>",
    ]
    return document(title, "\n".join(parts))


# ---- the way up, in a table that leads to each part


def _overview(made: Said) -> str:
    rows = [
        [_named(value["name"]), "given", shape(value["shape"]), _few(value["values"])]
        for value in made["inputs"]
    ]
    rows += [
        [
            f'<a href="#{place(step)}">{_named(step["name"])}</a>',
            f"<code>{escape(step['map'])}</code> of {escape(', '.join(step['takes']))}",
            shape(step["shape"]),
            _few(step["values"]),
        ]
        for step in made["steps"]
    ]
    loss = made["loss"]
    rows.append(
        [
            '<a href="#loss">L</a>',
            f"<code>{escape(loss['loss'])}</code>",
            "a number",
            long(loss["value"]),
        ]
    )
    said = "".join(
        f"<p><b>{name.capitalize()}</b>: {sentence(text)}.</p>"
        for name, text in made["convention"].items()
    )
    return section(
        "up",
        "The way up",
        table(
            ["value", "computed by", "shape", "numbers"],
            rows,
            "the way up",
            kind="words",
        ),
        "<h3>Two ways to write the way down</h3>",
        said,
    )


def _few(values: Any) -> str:
    flat = numbers(values)
    more = ", …" if len(flat) > 4 else ""
    return ", ".join(long(each) for each in flat[:4]) + more


# ---- the loss


def _loss(loss: Said, last: Said) -> str:
    slope, over = loss["slope"], loss["slope"]["over"]
    fraction = over != "1"
    head = (
        ["output", "y", "a"] + ["top", "dL/da"] * fraction + ["dL/da"] * (not fraction)
    )
    columns = [loss["target"], last["values"]]
    columns += [slope["top"]] * fraction + [last["gradient"]]
    if slope["past"] is not None:
        head.append("known as dL/dz")
        columns.append(slope["past"])
    if last["differences"] is not None:
        head.append("differences")
        columns.append(last["differences"])
    rows = zip(*map(numbers, columns), strict=True)
    over_said = (
        f"<p>dL/da is kept as a fraction, top over {mathml(over)}, so that it can "
        "cancel against the map’s Jacobian before it is evaluated.</p>"
        if fraction
        else ""
    )
    return section(
        "loss",
        f"L = {loss['loss']}",
        f'<div class="formula">{sentence(loss["formula"])}</div>',
        f"<p>L = <b>{long(loss['value'])}</b></p>",
        _warned(loss["doubt"]),
        over_said,
        table(
            head,
            ([str(i), *map(long, row)] for i, row in enumerate(rows, 1)),
            "the loss, output by output",
        ),
    )


def _warned(said: str | None) -> str:
    return f'<p class="note warn">{escape(said)}</p>' if said else ""


# ---- the ends


def _inputs(inputs: Sequence[Said]) -> str:
    parts: list[str] = []
    for each in inputs:
        parts += [
            f"<h3>{escape(each['name'])}, {shape(each['shape'])}</h3>",
            shown(each, f"{each['name']}, its gradient and differences"),
        ]
    return section("inputs", "What arrives at the inputs", *parts)


def _everything(made: Said) -> str:
    text = json.dumps(made, indent=1, ensure_ascii=False)
    if len(text) > LISTED:
        return (
            '<p class="soft">All numbers would be too many for this page: '
            "<code>anymax explain --json</code> prints them.</p>"
        )
    return (
        "<details><summary>All numbers, to the last digit, as JSON</summary>"
        f'<pre tabindex="0">{escape(text)}</pre></details>'
    )


def _named(name: str) -> str:
    return f"<code>{escape(name)}</code>"
