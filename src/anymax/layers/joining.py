"""Add, Multiply and Join: maps of several inputs, with no parameters."""

from __future__ import annotations

import numpy as np

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.map import Arrays, Cotangent, Linearization, Map, Shape, evaluated
from anymax.types import Array


class Joining(Described, Map):
    """A map of several inputs whose derivatives are those of its linearisation."""

    coupling = "element"

    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays = (),
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        point = self.point(inputs)
        return point.value, point

    def point(self, inputs: Arrays) -> JoiningPoint:
        """The linearisation at these inputs."""
        raise TypeError(f"{self.name} joins nothing.")

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(set(inputs)) > 1:
            said = " and ".join(str(shape) for shape in inputs)
            raise ShapeError(
                f"{self.name} needs inputs of one shape; got {said}. Change the width "
                "of a layer before it."
            )
        return inputs[0]


class JoiningPoint(Linearization):
    """A joining at its inputs."""

    value: Array


class Add(Joining):
    """y = x_1 + x_2 + ...; every input gets g.

    >>> import numpy as np
    >>> Add().linearize((np.ones(2), np.ones(2)))[0]
    array([2., 2.])
    """

    def point(self, inputs: Arrays) -> JoiningPoint:
        return AddPoint(inputs)


class AddPoint(JoiningPoint):
    """A sum."""

    def __init__(self, inputs: Arrays) -> None:
        self.count, self.value = len(inputs), _total(inputs)

    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        return (evaluated(g),) * self.count, ()

    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return _total(v_inputs)

    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        return self.vjp(dg)


class Multiply(Joining):
    """y = x_1 * x_2; x_1 gets g * x_2 and x_2 gets g * x_1.

    >>> import numpy as np
    >>> Multiply().linearize((np.array([2.0]), np.array([3.0])))[0]
    array([6.])
    """

    def point(self, inputs: Arrays) -> JoiningPoint:
        return MultiplyPoint(*inputs)


class MultiplyPoint(JoiningPoint):
    """A product of two."""

    def __init__(self, one: Array, two: Array) -> None:
        self.one, self.two, self.value = one, two, one * two

    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        g = evaluated(g)
        return (g * self.two, g * self.one), ()

    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return v_inputs[0] * self.two + self.one * v_inputs[1]

    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        g, dg = evaluated(g), evaluated(dg)
        (u, v) = v_inputs
        return (dg * self.two + g * v, dg * self.one + g * u), ()


class Join(Joining):
    """y = x_1, x_2, ... side by side on the last axis; each gets its part of g.

    >>> import numpy as np
    >>> Join().linearize((np.ones(2), np.zeros(1)))[0]
    array([1., 1., 0.])
    """

    def point(self, inputs: Arrays) -> JoiningPoint:
        return JoinPoint(inputs)

    def output_shape(self, *inputs: Shape) -> Shape:
        leading = [shape[:-1] for shape in inputs]
        super().output_shape(*leading)
        return (*leading[0], sum(shape[-1] for shape in inputs))


class JoinPoint(JoiningPoint):
    """A concatenation."""

    def __init__(self, inputs: Arrays) -> None:
        self.value = np.concatenate(inputs, -1)
        self.cuts = np.cumsum([x.shape[-1] for x in inputs])[:-1]

    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        return tuple(np.split(evaluated(g), self.cuts, -1)), ()

    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return np.concatenate(v_inputs, -1)

    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        return self.vjp(dg)


def _total(arrays: Arrays) -> Array:
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total
