"""An explanation as text, 100 columns wide: up to the loss, then down from it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

import numpy as np

from anymax.explaining.data import Cost, Explanation, Form, Forms, Step, Value
from anymax.types import Array

Numbers: TypeAlias = Literal["rounded", "all"]
COLUMNS = 100
ROWS = 8  # entries of an array that are shown when numbers are rounded
ACROSS = 6  # and the width up to which a matrix is
NARROW = 12  # the least width of a column of numbers


def rendered(explanation: Explanation, numbers: str = "rounded") -> str:
    """The text; `numbers` is "rounded", the larger arrays cut, or "all"."""
    if numbers not in ("rounded", "all"):
        raise ValueError(f'numbers needs "rounded" or "all"; got {numbers!r}.')
    return "\n".join(_Text(numbers == "all").lines(explanation))


class _Text:
    """The lines, with all numbers or with few."""

    def __init__(self, everything: bool) -> None:
        self.everything = everything

    def lines(self, made: Explanation) -> Iterator[str]:
        yield from _wrapped(made.title, "")
        yield ""
        yield "forward"
        for value in made.inputs:
            yield from self._row(value.name, value.values)
        for step in made.steps:
            takes = f" of {', '.join(step.takes)}" if len(step.takes) > 1 else ""
            yield from self._row(step.outputs.name, step.outputs.values)
            yield from _wrapped(f"{step.map}{takes}: {step.formula}", 10 * " ")
        yield from self._loss(made.loss)
        yield ""
        end = "first weights" if len(made.steps) > 1 else "logits"
        yield f"backward, from the loss to the {end}"
        for said, sentence in made.CONVENTION:
            yield from _wrapped(f"{said}: {sentence}", "  ")
        yield from self._last(made.steps[-1], made.loss)
        for step in reversed(made.steps[:-1]):
            yield from self._step(step)
        yield ""
        for value in made.inputs:
            yield from self._columns(value)
        yield ""
        yield from self._summary(made)

    # ---- the parts

    def _loss(self, loss: Cost) -> Iterator[str]:
        yield from self._row("y", loss.target)
        yield f"L         ()        {self._said(loss.value)}"
        yield from _wrapped(f"{loss.loss}: {loss.formula}", 10 * " ")
        if loss.doubt:
            yield from _wrapped(f"note: {loss.doubt}", 10 * " ")

    def _last(self, step: Step, loss: Cost) -> Iterator[str]:
        name = step.outputs.name
        yield ""
        yield f"the loss meets {step.map}"
        if loss.over == "1":
            yield "  slope dL/da, no fraction"
        else:
            yield f"  slope dL/da = top / ({loss.over})"
            yield from self._row("top", loss.top, "  ")
        yield from self._columns(step.outputs, "dL/da")
        yield from self._jacobian(step, "da/dz")
        known = " + what the loss knows as dL/dz" if loss.past is not None else ""
        where = "" if step.takes == ("z",) else f", z being what {step.takes[0]} gives"
        yield f"  dL/dz = J^T dL/da{known}{where}"
        yield f"    row     {step.backward.row.replace(f'dL/d({name})', 'dL/da')}"
        yield f"    column  {step.backward.column.replace(f'dL/d({name})', 'dL/da')}"
        if loss.past is not None:
            yield from self._row("known", loss.past, "  ")
        yield from _wrapped(f"what cancels: {loss.cancellation}", "  ", "    ")
        if step.forms is not None:
            yield from self._forms(step.forms, "dL/dz")
        for value in step.parameters:
            yield from self._columns(value)

    def _step(self, step: Step) -> Iterator[str]:
        yield ""
        takes = ", ".join(step.takes)
        yield f"{step.outputs.name}  {step.map}"
        yield from self._columns(step.outputs)
        yield from self._jacobian(step, f"d({step.outputs.name})/d({takes})")
        yield f"    row     {step.backward.row}"
        yield f"    column  {step.backward.column}"
        if step.forms is not None:
            yield from self._forms(step.forms, f"dL/d({step.takes[0]})")
        if len(step.down) > 1:
            for to, g in step.down:
                yield from self._row(f"to {to}", g, "  ")
        for value in step.parameters:
            yield from self._columns(value)

    def _jacobian(self, step: Step, name: str) -> Iterator[str]:
        view = step.jacobian
        yield from _wrapped(f"J = {name} {view.shape} {view.structure}", "  ", "    ")
        limit = np.inf if self.everything else ACROSS
        if view.dense is not None and max(view.shape) <= limit:
            yield from self._matrix(view.dense)

    def _forms(self, forms: Forms, result: str) -> Iterator[str]:
        yield f"  {result} in equal forms, g = dL/d(output):"
        if forms.weights is not None:
            yield from self._row("w", forms.weights, "    ")
        terms = forms.terms
        if terms is not None and (self.everything or len(terms) <= ACROSS):
            yield "    terms g_i da_i/dz_j, whose columns add up:"
            yield from self._matrix(terms)
        for form in forms.equal:
            yield from self._form(form)

    def _form(self, form: Form) -> Iterator[str]:
        yield from _wrapped(f"{form.name:12} {form.formula}", "    ", 17 * " ")
        yield from self._row("", form.values, 7 * " ")

    def _summary(self, made: Explanation) -> Iterator[str]:
        """What arrived where, last column the norm."""
        yield "gradient              shape         against differences   norm"
        parameters = [v for step in reversed(made.steps) for v in step.parameters]
        for value in (*parameters, *made.inputs):
            if value.gradient is None:
                continue
            error = "none taken" if value.error is None else f"{value.error:.1e}"
            norm = f"{np.linalg.norm(value.gradient):.6g}"
            shape = str(value.shape)
            yield f"{f'dL/d({value.name})':20}  {shape:12}  {error:>19}   {norm}"

    # ---- numbers

    def _said(self, x: float) -> str:
        if self.everything:
            return repr(float(x))
        return f"{x:.4g}" if x else "0"

    def _row(self, name: str, x: Array, indent: str = "") -> Iterator[str]:
        """A name, a shape, and the numbers in as many lines as they take."""
        shown = x.ravel() if self.everything else x.ravel()[:ROWS]
        text = ", ".join(self._said(each) for each in shown)
        rest = f", ... {x.size} in all" if shown.size < x.size else ""
        head = f"{indent}{name:9} {x.shape!s:9} " if name else f"{indent}{10 * ' '}"
        yield from _wrapped(text + rest, head, len(head) * " ")

    def _columns(self, value: Value, name: str = "") -> Iterator[str]:
        """Each entry with its gradient and the finite difference beside it."""
        if value.gradient is None:
            return
        said = name or f"gradient by {value.name}"
        error = "" if value.error is None else f", at most {value.error:.1e} apart"
        yield f"  {said} {value.shape}{error}"
        size, width = value.values.size, 24 if self.everything else NARROW
        shown = size if self.everything else min(size, ROWS)
        heads = ("value", "gradient", "differences")
        yield f"    {'':10}" + "".join(f"{head:>{width}}" for head in heads)
        for i in range(shown):
            yield f"    {self._index(i, value):10}{self._cells(i, value, width)}"
        if shown < size:
            yield f"    ... {size} in all"

    def _index(self, i: int, value: Value) -> str:
        at = np.unravel_index(i, value.shape)
        return f"[{', '.join(str(k) for k in at)}]"

    def _cells(self, i: int, value: Value, width: int) -> str:
        cells = [self._said(value.values.ravel()[i])]
        for each in (value.gradient, value.differences):
            number = np.nan if each is None else each.ravel()[i]
            cells.append("-" if np.isnan(number) else self._said(number))
        return "".join(f"{cell:>{width}}" for cell in cells)

    def _matrix(self, x: Array) -> Iterator[str]:
        """A matrix, cut into blocks of columns where it is too wide."""
        cells = [[self._said(each) for each in row] for row in x]
        width = max([len(cell) for row in cells for cell in row] + [NARROW - 4]) + 2
        across = max(1, (COLUMNS - 6) // width)
        for start in range(0, x.shape[1], across):
            if start:
                yield f"      columns from {start}:"
            for row in cells:
                part = row[start : start + across]
                yield 6 * " " + "".join(f"{cell:>{width}}" for cell in part)


def _wrapped(text: str, first: str, later: str | None = None) -> list[str]:
    more = first if later is None else later
    wrap: Callable[..., list[str]] = textwrap.wrap
    lines = wrap(
        text,
        COLUMNS,
        initial_indent=first,
        subsequent_indent=more,
        break_on_hyphens=False,
    )
    return lines or [first.rstrip()]
