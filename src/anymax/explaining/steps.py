"""One step of an explanation: a map, its Jacobian, and the product that leads down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from anymax.explaining.heat import Matrix, column, equation, line, transposed
from anymax.explaining.markup import long, number, scrolled, section, shape, table
from anymax.explaining.mathml import mathml, sentence
from anymax.explaining.values import numbers, shown

Said = dict[str, Any]
ACROSS = 8  # the width up to which a product is drawn in both layouts


def step_of(step: Said, last: bool = False, past: list[Any] | None = None) -> str:
    """A step as a part of the page; the last one meets the loss, `past` added."""
    J = step["jacobian"]
    return section(
        place(step),
        f"{step['name']}: {step['map']}",
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
    arriving = _rate(step["name"])
    leaving = ", ".join(_rate(part["to"]) for part in down)
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
    return f'<p class="note said"><b>What cancels:</b> {sentence(said)}.</p>'


def _forms(forms: Said | None) -> Iterator[str]:
    """The equal forms side by side, and the terms of the double sum."""
    if forms is None:
        return
    equal = forms["equal"]
    names = [
        [escape(form["name"]), sentence(form["formula"]), sentence(form["cost"])]
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


def place(step: Said) -> str:
    """An anchor: its name has no spaces, and may begin with a digit."""
    return "step-" + escape(step["name"].replace(" ", "-"))


def _begun(words: str) -> str:
    """As a sentence begins."""
    return words[:1].upper() + words[1:]


def _rate(name: str) -> str:
    """dL/da; dL/d(2) for a value that is called by a number."""
    return f"dL/d{name}" if name.isidentifier() else f"dL/d({name})"
