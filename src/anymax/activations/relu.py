"""ReLU."""

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import NOT_NEGATIVE
from anymax.types import Array


class ReLU(Activation):
    """a = max(z, 0); da/dz = 1 where z > 0, else 0, at the kink too.

    Element-wise, any shape. Where z <= 0 the product with the Jacobian is 0 whatever
    the slope is, inf included.
    Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann
    machines, ICML 2010.

    >>> import anymax as am
    >>> am.ReLU()([-1.0, 2.0])
    array([0., 2.])
    >>> am.ReLU().jacobian([-1.0, 2.0]).diagonal()
    array([0., 1.])
    """

    range = NOT_NEGATIVE
    convex = frozenset({"a", "sum"})

    def apply(self, z: Array) -> Array:
        return np.maximum(z, 0)

    def structure(self, z: Array, a: Array) -> Jacobian:
        # "not <= 0", so that NaN in gives NaN out
        return Diagonal(a, support=~(z <= 0))

    def potential(self, z: Array, a: Array) -> Array:
        return (a * a / 2).sum(-1)

    def conjugate(self, y: Array) -> Array:
        return np.where(y < 0, np.inf, y * y / 2).sum(-1)
