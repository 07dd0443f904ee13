"""An explanation as one HTML page: from the loss down to the first weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from anymax.explaining.heat import Matrix, column, equation, line, transposed
from anymax.explaining.markup import document, long, number, scrolled, shape, table, top
from anymax.explaining.mathml import mathml, sentence
from anymax.explaining.values import numbers, shown

Said = dict[str, Any]
ACROSS = 8  # the width up to which a product is drawn in both layouts
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
        _step(steps[-1], True, explanation["loss"]["slope"]["past"]),
        *(_step(step) for step in reversed(steps[:-1])),
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
            f'<a href="#{_place(step)}">{_named(step["name"])}</a>',
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
    return _section(
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
    return _section(
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


# ---- a step


def _step(step: Said, last: bool = False, past: list[Any] | None = None) -> str:
    J = step["jacobian"]
    return _section(
        _place(step),
        f"{step['name']} = {step['map']}",
        f'<div class="formula">{sentence(step["formula"])}</div>',
        *([] if last else [shown(step, f"{step['name']} and what comes down to it")]),
        "<h3>Its Jacobian</h3>",
        f"<p>{escape(_begun(J['structure']))}. Outputs × inputs: "
        f"{shape(J['shape'])}.</p>",
        *_products(step, past),
        _cancelled(J["cancelled"]),
        *_forms(step["forms"]),
        *_parameters(step["parameters"]),
    )


def _products(step: Said, past: list[Any] | None) -> Iterator[str]:
    """The step's product in both layouts: as formulas, and drawn where it is narrow."""
    dense, down = step["jacobian"]["dense"], step["down"]
    layouts = step["backward"]
    g = step["gradient"]
    drawn = dense is not None and g is not None and Matrix(dense).fits
    result = [v for part in down for v in numbers(part["values"])]
    arriving = f"dL/d{step['name']}"
    leaving = ", ".join(f"dL/d{part['to']}" for part in down)
    by_columns = by_rows = ""
    if drawn and max(step["jacobian"]["shape"]) <= ACROSS:
        flat = numbers(g)
        plus: list[Matrix | str] = ["+", column(past, "known")] if past else []
        by_columns = equation(
            column(result, leaving),
            "=",
            Matrix(transposed(dense), "Jᵀ"),
            column(flat, arriving),
            *plus,
        )
        plus = ["+", line(past, "known")] if past else []
        by_rows = equation(
            line(result, leaving), "=", line(flat, arriving), Matrix(dense, "J"), *plus
        )
    elif drawn:
        by_columns = equation(Matrix(dense, "J"))
    yield _layout("columns", layouts["column"], by_columns)
    yield _layout("rows", layouts["row"], by_rows)


def _layout(name: str, formula: str, picture: str) -> str:
    drawn = scrolled(picture, f"the product, gradients as {name}") if picture else ""
    return (
        f"<h3>Gradients as {name}</h3>"
        f'<div class="formula">{mathml(formula)}</div>{drawn}'
    )


def _cancelled(said: str | None) -> str:
    if not said:
        return ""
    return f'<p class="note said"><b>What cancels:</b> {escape(said)}.</p>'


def _warned(said: str | None) -> str:
    return f'<p class="note warn">{escape(said)}</p>' if said else ""


def _forms(forms: Said | None) -> Iterator[str]:
    """The equal forms side by side, and the terms of the double sum."""
    if forms is None:
        return
    equal = forms["equal"]
    names = [
        [escape(form["name"]), sentence(form["formula"]), escape(form["cost"])]
        for form in equal
    ]
    yield "<h3>One product, written in equal forms</h3>"
    label = "the equal forms"
    yield table(["form", "formula", "cost"], names, label, kind="words")
    rows = zip(*(numbers(form["values"]) for form in equal), strict=True)
    head = ["input j", *(escape(form["name"]) for form in equal)]
    body = ([str(j), *map(long, row)] for j, row in enumerate(rows, 1))
    yield '<div class="pair"><div><h3>What each of them gives</h3>'
    yield table(head, body, "what each form gives") + "</div>"
    terms = forms["terms"]
    if terms and Matrix(terms).fits and len(terms[0]) <= ACROSS:
        sums = [_total(each) for each in transposed(terms)]
        drawn = equation(Matrix(terms, "gᵢ ∂aᵢ/∂zⱼ", "row i, column j"))
        label = "the terms of the double sum, and below them the sums of their columns"
        yield "<div><h3>The double sum, term by term: add up each column</h3>"
        yield scrolled(drawn + equation(line(sums, "sum over i")), label) + "</div>"
    yield "</div>"


def _total(terms: Sequence[Any]) -> Any:
    """A sum in JSON's words."""
    total = sum(map(number, terms))
    return total if abs(total) < float("inf") else str(total)


def _parameters(parameters: Sequence[Said]) -> Iterator[str]:
    for each in parameters:
        yield f"<h3>{escape(each['name'])}, {shape(each['shape'])}</h3>"
        yield shown(each, f"{each['name']}, its gradient and differences")


# ---- the ends


def _inputs(inputs: Sequence[Said]) -> str:
    parts: list[str] = []
    for each in inputs:
        parts += [
            f"<h3>{escape(each['name'])}, {shape(each['shape'])}</h3>",
            shown(each, f"{each['name']}, its gradient and differences"),
        ]
    return _section("inputs", "What arrives at the inputs", *parts)


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


def _section(place: str, title: str, *parts: str) -> str:
    return (
        f'<section class="card" id="{place}" aria-labelledby="{place}-title">'
        f'<h2 id="{place}-title">{escape(title)}</h2>{"".join(parts)}</section>'
    )


def _place(step: Said) -> str:
    """An anchor: its name has no spaces, and may begin with a digit."""
    return "step-" + escape(step["name"].replace(" ", "-"))


def _begun(words: str) -> str:
    """As a sentence begins."""
    return words[:1].upper() + words[1:]


def _named(name: str) -> str:
    return f"<code>{escape(name)}</code>"
