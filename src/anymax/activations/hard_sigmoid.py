"""HardSigmoid."""

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.monomial import Point
from anymax.sets import UNIT
from anymax.types import Array


class HardSigmoid(Activation):
    """a = z / 6 + 1/2 held between 0 and 1; da/dz = 1/6 where -3 < z < 3, else 0.

    Element-wise, any shape; PyTorch's form, where older Keras had slope 1/5. It
    reaches 0 and 1: a log loss whose target asks for the other end is inf there, with
    gradient 0. 1 - a = (3 - z) / 6 is formed from z, and so are both logs.
    Source: Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv:1905.02244.

    >>> import anymax as am
    >>> am.HardSigmoid()([-4.0, 0.0, 1.5])
    array([0.  , 0.5 , 0.75])
    """

    range = UNIT

    def apply(self, z: Array) -> Array:
        return _ramp(z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        point = Point(a, lambda: _ramp(-z))
        return Diagonal(point, factor=1 / 6, support=~(np.abs(z) >= 3))

    def log(self, z: Array, a: Array) -> Array:
        return np.where(z > 0, np.log1p(-_ramp(-z)), np.log(a))

    def log_not(self, z: Array, a: Array) -> Array:
        return self.log(-z, _ramp(-z))

    def less(self, z: Array, a: Array) -> Array:
        return _ramp(-z)

    def potential(self, z: Array, a: Array) -> Array:
        rise = np.maximum(z + 3, 0)
        return np.where(z > 3, z, rise * rise / 12).sum(-1)

    def conjugate(self, y: Array) -> Array:
        return np.where((y < 0) | (y > 1), np.inf, 3 * y * (y - 1)).sum(-1)


def _ramp(z: Array) -> Array:
    # z + 3 has no rounding where it is small, z / 6 + 1/2 has
    return np.minimum(np.maximum((z + 3) / 6, 0), 1)
