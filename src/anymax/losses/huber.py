"""Huber."""

from __future__ import annotations

import numpy as np

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import REALS
from anymax.types import Array


class Huber(Loss):
    """sum of r^2 / 2 where abs(r) <= delta, else delta (abs(r) - delta / 2); r = a - y.

    dL/da = r held between -delta and delta. Defined on all real outputs, real targets
    of the outputs' shape. Convex in a; the second derivative jumps at abs(r) = delta.

    Args: `delta` > 0, the residual from which on it is linear; inf for half the squared
    error.
    Raises ValueError for delta <= 0.
    Source: Huber, Ann. Math. Stat. 35, 1964, doi:10.1214/aoms/1177703732.

    >>> import anymax as am
    >>> am.Huber(delta=1.0).value([[0.5, 3.0]], [[0.0, 0.0]])
    array([2.625])
    """

    domain = REALS
    targets = REALS
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def __init__(self, *, delta: float = 1.0) -> None:
        if not delta > 0:
            raise ValueError(f"Huber needs delta > 0; got {delta:g}.")
        self.delta = float(delta)

    def rows(self, out: Output, y: Array) -> Array:
        r = out.a - y
        size, delta = np.abs(r), self.delta
        return np.where(size <= delta, r * r / 2, delta * (size - delta / 2)).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        held = np.minimum(np.maximum(out.a - y, -self.delta), self.delta)
        return Slope(held)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.where(np.abs(out.a - y) <= self.delta, d.a, 0))
