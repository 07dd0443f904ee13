"""Exp."""

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.monomial import A
from anymax.sets import POSITIVE
from anymax.target import times
from anymax.types import Array


class Exp(Activation):
    """a = exp(z); da/dz = a, so it cancels against the Poisson loss, leaving a - y.

    Element-wise, any shape; positive, and inf where exp overflows (z > 709 in float64,
    z > 88 in float32). log a is z itself.
    Source: Nelder and Wedderburn, J. R. Stat. Soc. A 135, 1972, doi:10.2307/2344614.

    >>> import anymax as am
    >>> am.Exp()([0.0, 1.0]).round(4)
    array([1.    , 2.7183])
    """

    range = POSITIVE
    convex = frozenset({"a", "sum"})
    concave = frozenset({"log"})

    def apply(self, z: Array) -> Array:
        return np.exp(z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        return Diagonal(a, A)

    def log(self, z: Array, a: Array) -> Array:
        return z

    def potential(self, z: Array, a: Array) -> Array:
        return a.sum(-1)

    def conjugate(self, y: Array) -> Array:
        return np.where(y < 0, np.inf, times(y, np.log(y)) - y).sum(-1)
