"""SquaredError."""

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import REALS
from anymax.types import Array


class SquaredError(Loss):
    """sum (a - y)^2 over the outputs; dL/da = 2 (a - y).

    Defined on all real outputs, real targets of the outputs' shape. Convex in a. On the
    simplex it is the Brier score (see `Brier`, which takes class indices too).
    Source: Gauss, Theoria motus corporum coelestium, 1809.

    >>> import anymax as am
    >>> am.SquaredError().value([[0.5, 2.0]], [[0.0, 1.0]])
    array([1.25])
    """

    domain = REALS
    targets = REALS
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def rows(self, out: Output, y: Array) -> Array:
        return ((out.a - y) ** 2).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(2 * (out.a - y))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(2 * d.a)
