"""HardSwish."""

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.target import times
from anymax.types import Array

LOWEST = -0.375  # at z = -3/2


class HardSwish(Activation):
    """a = z h(z), h = z / 6 + 1/2 held between 0 and 1; da/dz = (2 z + 3) / 6 inside.

    Element-wise, any shape; from its minimum -3/8 at z = -3/2 up. The derivative is 0
    where z <= -3 and 1 where z >= 3. It falls below the minimum, so it has no matching
    loss.
    Source: Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv:1905.02244.

    >>> import anymax as am
    >>> am.HardSwish()([-1.5, 2.0, 4.0]).round(4)
    array([-0.375 ,  1.6667,  4.    ])
    """

    range = Interval(LOWEST, ends="[)")
    monotone = False
    unmatched = "it falls where -3 < z < -1.5"

    def apply(self, z: Array) -> Array:
        share = np.minimum(np.maximum(z + 3, 0), 6) / 6
        return times(share, z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        factor = np.where(z >= 3, 1, (2 * z + 3) / 6)
        bend = np.where(z >= 3, 0, np.full_like(z, 1 / 3))
        return Diagonal(a, factor=factor, bend=bend, support=~(z <= -3))
