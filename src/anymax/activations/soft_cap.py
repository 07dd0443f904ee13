"""SoftCap."""

import numpy as np

from anymax.activation import Activation
from anymax.activations.arguments import positive
from anymax.activations.gate import bell
from anymax.activations.tanh import binary, log_cosh
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.types import Array


class SoftCap(Activation):
    """a = cap tanh(z / cap); da/dz = 1 - (a / cap)^2.

    Element-wise, any shape; between -cap and cap, close to z near 0. Placed before
    Softmax it bounds the logits, so that training and prediction see the same ones.
    The derivative is formed as 4 sigmoid(2 z / cap) sigmoid(-2 z / cap), which does
    not cancel.

    Args: `cap` > 0.
    Raises ValueError for a cap that is not finite and > 0.
    Source: Gemma team, Gemma 2, 2024, arXiv:2408.00118.

    >>> import anymax as am
    >>> am.SoftCap(cap=30.0)([1.0, 100.0]).round(4)
    array([ 0.9996, 29.9237])
    """

    def __init__(self, *, cap: float = 30.0) -> None:
        self.cap = positive(self.name, "cap", cap)
        self.range = Interval(-self.cap, self.cap)

    def apply(self, z: Array) -> Array:
        return self.cap * np.tanh(z / self.cap)

    def structure(self, z: Array, a: Array) -> Jacobian:
        share = z / self.cap
        slope = 4 * bell(2 * share)
        return Diagonal(a, factor=slope, bend=-2 / self.cap * np.tanh(share) * slope)

    def potential(self, z: Array, a: Array) -> Array:
        return self.cap**2 * log_cosh(z / self.cap).sum(-1)

    def conjugate(self, y: Array) -> Array:
        return self.cap**2 * binary(y / self.cap).sum(-1)
