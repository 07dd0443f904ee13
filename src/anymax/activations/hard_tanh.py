"""HardTanh."""

import numpy as np

from anymax.activation import Activation
from anymax.activations.arguments import finite
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.target import times
from anymax.types import Array


class HardTanh(Activation):
    """a = z held between min_val and max_val; da/dz = 1 strictly between them, else 0.

    Element-wise, any shape; both ends are reached. HardTanh(min_val=0, max_val=6) is
    what is known as ReLU6.

    Args: `min_val` < `max_val`, finite numbers.
    Raises ValueError where they are not in this order.
    Source: Collobert, Large scale machine learning, 2004.

    >>> import anymax as am
    >>> am.HardTanh()([-2.0, 0.5, 2.0])
    array([-1. ,  0.5,  1. ])
    """

    def __init__(self, *, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = finite(self.name, "min_val", min_val)
        self.max_val = finite(self.name, "max_val", max_val)
        if not self.min_val < self.max_val:
            raise ValueError(
                f"HardTanh needs min_val < max_val; got {min_val:g} and {max_val:g}."
            )
        self.range = Interval(self.min_val, self.max_val, "[]")

    def apply(self, z: Array) -> Array:
        return np.minimum(np.maximum(z, self.min_val), self.max_val)

    def structure(self, z: Array, a: Array) -> Jacobian:
        flat = (z <= self.min_val) | (z >= self.max_val)
        return Diagonal(a, support=~flat)

    def potential(self, z: Array, a: Array) -> Array:
        return times(a, z - a / 2).sum(-1)

    def conjugate(self, y: Array) -> Array:
        outside = (y < self.min_val) | (y > self.max_val)
        return np.where(outside, np.inf, y * y / 2).sum(-1)
