"""Dense."""

from __future__ import annotations

from typing import Any, Self

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.initializers import Initializer, described, initializer
from anymax.layers.linear import total
from anymax.map import (
    Arrays,
    Cotangent,
    Linearization,
    Map,
    Parameter,
    Shape,
    evaluated,
)
from anymax.tying import Tied
from anymax.types import Array, quiet


class Dense(Described, Map):
    """y = x W + b on the last axis; g J = g W^T, dL/dW = x^T g, dL/db = the sum of g.

    Shapes (..., n) to (..., units), W (n, units), b (units,); n is fixed when the
    network is built. Placed twice in a network, it is one layer with one W and b, and
    its gradients add up. With `weight=other.weight` or `weight=other.weight.T` only b
    is its own: W is the other layer's, which learns from both. Penalties skip b.

    Args: `units`, the number of outputs, not needed with `weight`; `kernel` and
    `bias_init`, what W and b start from, a name of `anymax.initializers` or a function
    of a generator and a shape; `bias`, whether there is a b; `weight`, the W of
    another Dense or Embedding.
    Raises ValueError for no units, an unknown name, or a kernel beside a weight;
    ShapeError for inputs of another width than it was built for.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(2, kernel="ones", bias_init="ones")).build(3)
    >>> net([1.0, 2.0, 3.0])
    array([7., 7.], dtype=float32)
    >>> encoder = am.Dense(2)
    >>> net = am.Chain(encoder, am.Tanh(), am.Dense(weight=encoder.weight.T)).build(5)
    >>> list(net.named_parameters())
    ['0.weight', '0.bias', '2.bias']
    """

    def __init__(
        self,
        units: int | None = None,
        *,
        kernel: str | Initializer = "glorot_uniform",
        bias: bool = True,
        bias_init: str | Initializer = "zeros",
        weight: Tied | None = None,
    ) -> None:
        _check_weight(weight, kernel)
        if units is None and weight is None:
            raise ValueError("Dense needs its number of units, as Dense(32); got none.")
        if units is not None and (int(units) != units or units < 1):
            raise ValueError(f"Dense needs a whole number of units >= 1; got {units}.")
        self.units = None if units is None else int(units)
        self.kernel, self.bias_init = described(kernel), described(bias_init)
        self.bias, self.tied = bias, weight
        self.width = 0

    @classmethod
    def sample(cls) -> Self:
        return cls(4)

    @property
    def weight(self) -> Tied:
        """W, for another layer to use: `Dense(weight=layer.weight.T)`."""
        return Tied(self, "weight") if self.tied is None else self.tied

    def config(self) -> dict[str, Any]:
        """The constructor's arguments that differ from their defaults."""
        said = super().config()
        return said if self.tied else {k: v for k, v in said.items() if k != "weight"}

    @property
    def parameters(self) -> tuple[Parameter, ...]:  # type: ignore[override]
        weight = self._own() if self.tied is None else self.tied.parameter
        if not self.bias:
            return (weight,)
        init, units = initializer(self.bias_init), self._shape[1]
        return weight, Parameter("bias", (units,), init, decay=False)

    def _own(self) -> Parameter:
        return Parameter("weight", self._shape, initializer(self.kernel))

    @property
    def _shape(self) -> Shape:
        """That of W as used, (n, units)."""
        return (self.width, self.units or 0) if self.tied is None else self.tied.shape

    def build(self, *inputs: Shape) -> None:
        (shape,) = inputs
        if not shape or shape[-1] < 1:
            raise ShapeError(
                f"{self!r} needs examples of at least one feature; got shape {shape}."
            )
        self.width = shape[-1]
        if self.tied is None:
            return
        if 0 in self.tied.shape:
            raise ShapeError(
                f"{self!r} needs the layer whose weight it uses to come before it; got "
                "one that is not built. Change their places, or whose weight it is."
            )
        if self._shape != (self.width, self.units or self._shape[1]):
            raise ShapeError(
                f"{self!r} needs a weight of {self.width} by {self.units or 'any'}; "
                f"got {self._shape}. Transpose it with .T, or change the widths."
            )

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        width, units = self._shape
        self._check(shape, width)
        return (*shape[:-1], units)

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
        point = DenseLinearization(x, parameters[0], self.bias, self.weight)
        self._check(x.shape, point.weight.shape[0])
        y = x @ point.weight
        if self.bias:
            y = y + parameters[1]
        return y, point

    def _check(self, shape: Shape, width: int) -> None:
        if shape[-1:] != (width,):
            raise ShapeError(
                f"{self!r} needs inputs (..., {width}); got {shape}. "
                "Check the width of the layer before it."
            )


class DenseLinearization(Linearization):
    """x W + b at x and W: bilinear, so the second order is two more products."""

    def __init__(self, x: Array, weight: Array, bias: bool, tied: Tied) -> None:
        self.x, self.bias, self.tied = x, bias, tied
        self.weight = tied.turned(weight)

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        g = evaluated(g)
        return (g @ self.weight.T,), self._by_parameters(transposed(self.x, g), g)

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        v_weight = self.tied.turned(v_parameters[0])
        moved: Array = v_inputs[0] @ self.weight + self.x @ v_weight
        return moved + v_parameters[1] if self.bias else moved

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        g, dg = evaluated(g), evaluated(dg)
        by_x = dg @ self.weight.T + g @ self.tied.turned(v_parameters[0]).T
        by_weight = transposed(v_inputs[0], g) + transposed(self.x, dg)
        return (by_x,), self._by_parameters(by_weight, dg)

    def _by_parameters(self, by_weight: Array, g: Array) -> Arrays:
        by_weight = self.tied.turned(by_weight)
        return (by_weight, total(g)) if self.bias else (by_weight,)


def transposed(x: Array, g: Array) -> Array:
    """x^T g over all leading axes, (..., n) and (..., m) to (n, m)."""
    return x.reshape(-1, x.shape[-1]).T @ g.reshape(-1, g.shape[-1])


def _check_weight(weight: object, kernel: object) -> None:
    if weight is None:
        return
    if not isinstance(weight, Tied):
        raise TypeError(
            "Dense needs the weight of another layer, as weight=layer.weight.T; got "
            f"{weight!r}. For numbers to start from, use kernel."
        )
    if kernel != "glorot_uniform":
        raise ValueError(
            f"Dense with another layer's weight needs no kernel; got {kernel!r}. "
            "Leave it out, or give it to the other layer."
        )
