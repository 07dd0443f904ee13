"""LeakyReLU."""

import numpy as np

from anymax.activation import Activation
from anymax.activations.arguments import finite
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import NOT_NEGATIVE, REALS
from anymax.target import times
from anymax.types import Array


class LeakyReLU(Activation):
    """a = z where z > 0, else k z with k = negative_slope; da/dz is 1 or k, k at 0.

    Element-wise, any shape. All real numbers for k > 0, else >= 0. Convex for k <= 1,
    concave for k >= 1. Its matching loss needs k > 0.

    Args: `negative_slope` k, any finite number.
    Raises ValueError for an infinite or NaN slope.
    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network
    acoustic models, ICML 2013 workshop.

    >>> import anymax as am
    >>> am.LeakyReLU(negative_slope=0.1)([-1.0, 2.0])
    array([-0.1,  2. ])
    """

    unmatched = "it needs negative_slope > 0 (for 0 there is ReLU)"

    def __init__(self, *, negative_slope: float = 0.01) -> None:
        k = finite(self.name, "negative_slope", negative_slope)
        self.negative_slope = k
        self.range = REALS if k > 0 else NOT_NEGATIVE
        self.monotone = k > 0
        self.convex = frozenset({"a", "sum"} if k <= 1 else ())
        self.concave = frozenset({"a", "sum"} if k >= 1 else ())

    def apply(self, z: Array) -> Array:
        return leak(z, self.negative_slope)

    def structure(self, z: Array, a: Array) -> Jacobian:
        factor = np.where(z > 0, np.ones_like(z), self.negative_slope)
        flat = self.negative_slope == 0
        return Diagonal(a, factor=factor, support=~(z <= 0) if flat else None)

    def potential(self, z: Array, a: Array) -> Array:
        return (a * z / 2).sum(-1)

    def conjugate(self, y: Array) -> Array:
        half = y * y / 2
        return np.where(y < 0, half / self.negative_slope, half).sum(-1)


def leak(z: Array, slope: Array | float) -> Array:
    """z above 0, slope z below; with a slope of 0 it is 0 at -inf too."""
    return np.maximum(z, 0) + times(np.asarray(slope, z.dtype), np.minimum(z, 0))
