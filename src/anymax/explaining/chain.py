"""From a network at one sample to its explanation: down from the loss, step by step."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np

from anymax.explaining import differing
from anymax.explaining.data import Backward, Cost, Explanation, Forms, Step, Value, View
from anymax.explaining.forms import cancelled, forms
from anymax.explaining.link import End, Line, Link
from anymax.explaining.viewing import by_products, structure_of, structured
from anymax.loss import Loss
from anymax.map import Arrays, Map, Shape
from anymax.meeting import Meeting
from anymax.output import Given
from anymax.types import Array, quiet


@quiet
def explanation(
    title: str, inputs: dict[str, Array], links: tuple[Link, ...], end: End, last: int
) -> Explanation:
    """One sample, its values numbered as in `Line`; float64 arrays without a batch."""
    return Walk(title, inputs, links, end, last).explanation()


class Walk:
    """The way up, kept; then the way down, each map's step made as it is passed."""

    def __init__(
        self,
        title: str,
        inputs: dict[str, Array],
        links: tuple[Link, ...],
        end: End,
        last: int,
    ) -> None:
        self.title, self.inputs, self.points = title, inputs, []
        values = dict(enumerate(inputs.values()))
        for link in links:
            taken = tuple(values[i] for i in link.takes)
            values[link.gives], point = link.run(taken, link.parameters)
            self.points.append(point)
        self.line = Line(links, end, values, last)
        self.names = dict(enumerate(inputs)) | {x.gives: x.name for x in links}
        self.met = end.at(values[last])
        self.covectors: dict[int, Array] = {}

    def explanation(self) -> Explanation:
        """All of it."""
        steps = [self._last()]
        for k in reversed(range(len(self.points))):
            steps.append(self._step(k))
        inputs = tuple(self._value(i) for i in range(len(self.inputs)))
        cost = _cost(self.line.end, self.met)
        return Explanation(self.title, inputs, tuple(reversed(steps)), cost)

    def _value(self, number: int) -> Value:
        """A value with what has come down to it, and its differences."""
        x = self.line.values[number]
        slow = differing.gradient(partial(self.line.losses, number), x)
        gradient = self.covectors.get(number)
        return Value(self.names[number], x, gradient, slow)

    def _add(self, numbers: tuple[int, ...], covectors: Arrays) -> None:
        for number, g in zip(numbers, covectors, strict=True):
            before = self.covectors.get(number)
            self.covectors[number] = g if before is None else before + g

    # ---- the pair

    def _last(self) -> Step:
        line, end, met = self.line, self.line.end, self.met
        fixed = met.point.fixed
        slope = met.slope.resolve(fixed.place())
        by_z, by_parameters = met.gradient()
        self._add((line.last,), (by_z,))
        view = structured(fixed.jacobian, end.activation)
        found = forms(fixed.jacobian, slope.top, slope.past)
        equal = (*found.equal, cancelled(met, by_z))
        outputs = Value(end.name, met.point.output.a, slope.top, _by_outputs(end, met))
        parameters = []
        for i, (name, array) in enumerate(zip(end.names, end.parameters, strict=True)):
            slow = differing.gradient(partial(line.losses_by_last, i), array)
            parameters.append(Value(name, array, by_parameters[i], slow))
        to = self.names[line.last]
        return Step(
            outputs,
            repr(end.activation),
            formula(end.activation),
            (to,),
            View(view.structure, view.shape, view.coupled, view.dense, why(met)),
            backward(end.name, (to,), view.shape, met.slope.past is not None),
            ((to, by_z),),
            tuple(parameters),
            Forms(found.g, found.weights, equal, found.terms),
        )

    # ---- the maps before it

    def _step(self, k: int) -> Step:
        link, point = self.line.links[k], self.points[k]
        outputs = self._value(link.gives)
        assert outputs.gradient is not None, "a value that nothing takes"
        by_inputs, by_parameters = point.vjp(outputs.gradient)
        self._add(link.takes, by_inputs)
        taken = tuple(self.line.values[i] for i in link.takes)
        J = structure_of(point, outputs.values)
        if J is None:
            arrays = (link.names, link.parameters)
            view = by_products(link.map, point, taken, outputs.values, *arrays)
        else:
            view = structured(J, link.map)
        to = tuple(self.names[i] for i in link.takes)
        coupled = J is not None and J.coupled
        return Step(
            outputs,
            repr(link.map),
            formula(link.map),
            to,
            view,
            backward(link.name, to, view.shape),
            tuple(zip(to, by_inputs, strict=True)),
            self._parameters(k, by_parameters),
            forms(J, outputs.gradient) if J is not None and coupled else None,
        )

    def _parameters(self, k: int, gradients: Arrays) -> tuple[Value, ...]:
        link, found = self.line.links[k], []
        arrays = zip(link.names, link.parameters, gradients, strict=True)
        for i, (name, array, gradient) in enumerate(arrays):
            f = partial(self.line.losses_by_parameter, k, i)
            found.append(Value(name, array, gradient, differing.gradient(f, array)))
        return tuple(found)


def _by_outputs(end: End, met: Meeting) -> Array | None:
    """dL/da by differences of the loss's own formula; None where it needs more."""
    a, low_high = met.point.output.a, end.loss.domain.hull
    reach = np.minimum(a - low_high.low, low_high.high - a)

    def losses(moved: Array) -> Array:
        target = np.broadcast_to(met.target.values, moved.shape)
        rows = end.loss.rows(Given().output(moved), target)
        return np.where(met.scale == 0, 0, rows * met.scale)

    try:
        return differing.gradient(losses, a, np.where(reach > 0, reach, np.nan))
    except TypeError:
        return None  # it asks the activation, as Matching and z_loss do


def _cost(end: End, met: Meeting) -> Cost:
    slope = met.slope
    return Cost(
        repr(end.loss),
        formula(end.loss),
        float(met.value),
        met.target.values,
        slope.top,
        str(slope.over),
        slope.past,
        why(met),
        end.doubt,
    )


def why(met: Meeting) -> str:
    """What cancels, and what that is good for."""
    said = met.cancellation
    if not met.cancels:
        return said
    weight, over = met.point.fixed.jacobian.monomial, met.slope.over
    assert weight is not None
    over_both = weight / over
    if over_both == weight:
        return said
    return (
        f"{said}: exponents are subtracted before anything is evaluated, so that "
        f"nothing is lost where {over} rounds to 0"
    )


def backward(
    name: str, takes: tuple[str, ...], shape: Shape, past: bool = False
) -> Backward:
    """The product of a step with the shape of each factor, as a row and as a column."""
    m, n = shape
    to = ", ".join(f"dL/d({each})" for each in takes)
    to = f"({to})" if len(takes) > 1 else to
    g, rest = f"dL/d({name})", " + what the loss knows" if past else ""
    return Backward(
        f"{to} (1, {n}) = {g} (1, {m}) J ({m}, {n}){rest}",
        f"{to} ({n}, 1) = J^T ({n}, {m}) {g} ({m}, 1){rest}",
    )


def formula(part: Map | Loss) -> str:
    """What a map or a loss computes: the first lines of its own documentation."""
    text = type(part).__doc__
    if not text:
        return repr(part)
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())
