"""MeanSquaredError."""

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import REALS
from anymax.types import Array


class MeanSquaredError(Loss):
    """mean (a - y)^2 over the n outputs; dL/da = 2 (a - y) / n.

    The mean squared error of PyTorch and Keras, row by row. Defined on all real
    outputs, real targets of the outputs' shape. Convex in a.
    Source: Gauss, Theoria motus corporum coelestium, 1809.

    >>> import anymax as am
    >>> am.MeanSquaredError().value([[0.5, 2.0]], [[0.0, 1.0]])
    array([0.625])
    """

    domain = REALS
    targets = REALS
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def rows(self, out: Output, y: Array) -> Array:
        return ((out.a - y) ** 2).sum(-1) / y.shape[-1]

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(2 / y.shape[-1] * (out.a - y))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(2 / y.shape[-1] * d.a)
