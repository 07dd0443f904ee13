"""AbsoluteError."""

import numpy as np

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import REALS
from anymax.types import Array


class AbsoluteError(Loss):
    """sum abs(a - y) over the outputs; dL/da = sign(a - y).

    Defined on all real outputs, real targets of the outputs' shape. Convex in a, with a
    kink at a = y, where the derivative is taken as 0. Its best constant is the median.
    Source: Laplace, Theorie analytique des probabilites, 1812.

    >>> import anymax as am
    >>> am.AbsoluteError().value([[0.5, 2.0]], [[0.0, 1.0]])
    array([1.5])
    """

    domain = REALS
    targets = REALS
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def rows(self, out: Output, y: Array) -> Array:
        return np.abs(out.a - y).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(np.sign(out.a - y))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.zeros_like(d.a))
