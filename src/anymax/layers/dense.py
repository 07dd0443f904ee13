"""Dense."""

from __future__ import annotations

from typing import Self

import numpy as np

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.initializers import Initializer, initializer, zeros
from anymax.map import Arrays, Cotangent, Linearization, Map, Parameter, Shape
from anymax.monomial import Slope
from anymax.types import Array, quiet


class Dense(Described, Map):
    """y = x W + b on the last axis; g J = g W^T, dL/dW = x^T g, dL/db = the sum of g.

    Shapes (..., n) to (..., units), W (n, units), b (units,); n is fixed when the
    network is built. Placed twice in a network, it is one layer with one W and b, and
    its gradients add up. Penalties skip b.

    Args: `units`, the number of outputs; `kernel`, what W starts from, a name of
    `anymax.initializers` or a function of a generator and a shape; `bias`, whether
    there is a b, which starts at 0.
    Raises ValueError for no units or an unknown name, ShapeError for inputs of another
    width than it was built for.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(2, kernel="ones")).build(3)
    >>> net([1.0, 2.0, 3.0])
    array([6., 6.], dtype=float32)
    """

    def __init__(
        self,
        units: int,
        *,
        kernel: str | Initializer = "glorot_uniform",
        bias: bool = True,
    ) -> None:
        if int(units) != units or units < 1:
            raise ValueError(f"Dense needs a whole number of units >= 1; got {units}.")
        initializer(kernel)
        self.units, self.kernel, self.bias = int(units), kernel, bias
        self.width = 0

    @classmethod
    def sample(cls) -> Self:
        return cls(4)

    @property
    def parameters(self) -> tuple[Parameter, ...]:  # type: ignore[override]
        shape = (self.width, self.units)
        weight = Parameter("weight", shape, initializer(self.kernel))
        if not self.bias:
            return (weight,)
        return weight, Parameter("bias", (self.units,), zeros, decay=False)

    def build(self, *inputs: Shape) -> None:
        (shape,) = inputs
        if not shape or shape[-1] < 1:
            raise ShapeError(
                f"{self!r} needs examples of at least one feature; got shape {shape}."
            )
        self.width = shape[-1]

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        self._check(shape, self.width)
        return (*shape[:-1], self.units)

    @quiet
    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        (x,) = inputs
        weight = parameters[0]
        self._check(x.shape, weight.shape[0])
        y = x @ weight
        if self.bias:
            y = y + parameters[1]
        return y, DenseLinearization(x, weight, self.bias)

    def _check(self, shape: Shape, width: int) -> None:
        if shape[-1:] != (width,):
            raise ShapeError(
                f"{self!r} needs inputs (..., {width}); got {shape}. "
                "Check the width of the layer before it."
            )


class DenseLinearization(Linearization):
    """x W + b at x and W: bilinear, so the second order is two more products."""

    def __init__(self, x: Array, weight: Array, bias: bool) -> None:
        self.x, self.weight, self.bias = x, weight, bias

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        g = evaluated(g)
        return (g @ self.weight.T,), self._by_parameters(transposed(self.x, g), g)

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        moved: Array = v_inputs[0] @ self.weight + self.x @ v_parameters[0]
        return moved + v_parameters[1] if self.bias else moved

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        g, dg = evaluated(g), evaluated(dg)
        by_x = dg @ self.weight.T + g @ v_parameters[0].T
        by_weight = transposed(v_inputs[0], g) + transposed(self.x, dg)
        return (by_x,), self._by_parameters(by_weight, dg)

    def _by_parameters(self, by_weight: Array, g: Array) -> Arrays:
        if not self.bias:
            return (by_weight,)
        return by_weight, g.reshape(-1, g.shape[-1]).sum(0)


def transposed(x: Array, g: Array) -> Array:
    """x^T g over all leading axes, (..., n) and (..., m) to (n, m)."""
    return x.reshape(-1, x.shape[-1]).T @ g.reshape(-1, g.shape[-1])


def evaluated(g: Cotangent) -> Array:
    """A cotangent that is an array: what comes down to a layer."""
    if not isinstance(g, Slope):
        return np.asarray(g)
    if g.settled:
        return g.top
    raise TypeError(
        "a layer needs dL/dy as an array; got an unevaluated fraction. Put Identity() "
        "between the layer and the loss."
    )
