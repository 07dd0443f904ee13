"""ThresholdedReLU."""

import numpy as np

from anymax.activation import Activation
from anymax.activations.arguments import finite
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import NOT_NEGATIVE
from anymax.types import Array


class ThresholdedReLU(Activation):
    """a = z where z > theta, else 0; da/dz = 1 or 0.

    Element-wise, any shape; >= 0. It jumps by theta at theta, which the derivative does
    not see (0 there), and which is why it has no matching loss.

    Args: `theta` >= 0; ReLU is theta = 0.
    Raises ValueError for a theta that is not finite and >= 0.
    Source: Konda, Memisevic and Krueger, ICLR 2015, arXiv:1402.3337.

    >>> import anymax as am
    >>> am.ThresholdedReLU(theta=1.0)([0.5, 2.0])
    array([0., 2.])
    """

    range = NOT_NEGATIVE
    monotone = False
    unmatched = "it jumps at theta (ReLU does not)"

    def __init__(self, *, theta: float = 1.0) -> None:
        self.theta = finite(self.name, "theta", theta)
        if self.theta < 0:
            raise ValueError(f"ThresholdedReLU needs theta >= 0; got {theta:g}.")

    def apply(self, z: Array) -> Array:
        return np.where(z <= self.theta, 0, z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        return Diagonal(a, support=~(z <= self.theta))
