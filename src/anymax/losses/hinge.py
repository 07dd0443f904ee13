"""Hinge."""

import numpy as np

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import REALS, Signs
from anymax.types import Array


class Hinge(Loss):
    """sum max(0, 1 - y a) over the outputs; dL/da = -y where y a < 1, else 0.

    Targets -1 and +1, each output a yes-or-no question of its own; any real outputs.
    Convex in a, with a kink at the margin y a = 1, where the derivative is taken as 0.
    Source: Cortes and Vapnik, Mach. Learn. 20, 1995, doi:10.1007/BF00994018.

    >>> import anymax as am
    >>> am.Hinge().value([[0.5, 2.0]], [[-1, 1]])
    array([1.5])
    """

    domain = REALS
    targets = Signs()
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def rows(self, out: Output, y: Array) -> Array:
        return np.maximum(1 - y * out.a, 0).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(-y * np.heaviside(1 - y * out.a, 0))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.zeros_like(d.a))
