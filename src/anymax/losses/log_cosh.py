"""LogCosh."""

import math

import numpy as np

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import REALS
from anymax.types import Array


class LogCosh(Loss):
    """sum log cosh(a - y) over the outputs; dL/da = tanh(a - y).

    Half the squared error for small residuals, the absolute error less log 2 for large
    ones, and smooth in between. Defined on all real outputs, real targets of the
    outputs' shape. Convex in a. Nothing overflows: with r = a - y it is log(1 + 2
    sinh(r / 2)^2) for abs(r) < 1, else abs(r) + log(1 + exp(-2 abs(r))) - log 2.
    Source: Green, IEEE Trans. Med. Imaging 9, 1990, doi:10.1109/42.52985.

    >>> import anymax as am
    >>> am.LogCosh().value([[1.0, 100.0]], [[0.0, 0.0]]).round(4)
    array([99.7406])
    """

    domain = REALS
    targets = REALS
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def rows(self, out: Output, y: Array) -> Array:
        size = np.abs(out.a - y)
        half = np.sinh(size / 2)
        far = size + np.log1p(np.exp(-2 * size)) - math.log(2)
        return np.where(size < 1, np.log1p(2 * half * half), far).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(np.tanh(out.a - y))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        e = np.exp(-2 * np.abs(out.a - y))
        return Slope(d.a * (4 * e / (1 + e) ** 2))
