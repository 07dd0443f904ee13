"""Softsign."""

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.types import Array


class Softsign(Activation):
    """a = z / (1 + abs(z)); da/dz = 1 / (1 + abs(z))^2.

    Element-wise, any shape; between -1 and 1. It saturates like 1 / z, far slower than
    tanh. The second derivative jumps at 0 and is taken as 0 there.
    Source: Turian, Bergstra and Bengio, Quadratic features and deep architectures for
    chunking, NAACL 2009.

    >>> import anymax as am
    >>> am.Softsign()([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """

    range = Interval(-1, 1)

    def apply(self, z: Array) -> Array:
        return np.where(np.isinf(z), np.sign(z), z / (1 + np.abs(z)))

    def structure(self, z: Array, a: Array) -> Jacobian:
        inverse = 1 / (1 + np.abs(z))
        return Diagonal(a, factor=inverse**2, bend=-2 * np.sign(z) * inverse**3)

    def potential(self, z: Array, a: Array) -> Array:
        size = np.abs(z)
        return np.where(np.isinf(z), size, size - np.log1p(size)).sum(-1)

    def conjugate(self, y: Array) -> Array:
        size = np.abs(y)
        return np.where(size < 1, -size - np.log1p(-size), np.inf).sum(-1)
