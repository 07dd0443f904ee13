"""Mish."""

import numpy as np

from anymax.activation import Activation
from anymax.activations.sigmoid import sigmoid
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.target import times
from anymax.types import Array

LOWEST = -0.30884341301725041  # at z = -1.1924312145154952


class Mish(Activation):
    """a = z t, t = tanh(softplus(z)); da/dz = t + z (1 - t^2) sigmoid(z).

    Element-wise, any shape; from its minimum -0.30884... at z = -1.19243... up. It
    falls below the minimum, so it has no matching loss. t and its derivatives are
    rational in exp(-abs(z)), so nothing overflows or cancels.
    Source: Misra, BMVC 2020, arXiv:1908.08681.

    >>> import anymax as am
    >>> am.Mish()([-1.0, 2.0]).round(4)
    array([-0.3034,  1.944 ])
    """

    range = Interval(LOWEST, ends="[)")
    monotone = False
    unmatched = "it falls where z < -1.19"

    def apply(self, z: Array) -> Array:
        return times(_gate(z), z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        first, rate = _gate_slopes(z)
        slope = _gate(z) + times(first, z)
        return Diagonal(a, factor=slope, bend=times(first, 2 + z * rate))


def _gate(z: Array) -> Array:
    """t = (q - 1) / (q + 1) with q = (1 + exp(z))^2."""
    e = np.exp(-np.abs(z))
    return np.where(z > 0, 1 + 2 * e, e * (2 + e)) / _whole(z, e)


def _gate_slopes(z: Array) -> tuple[Array, Array]:
    """t' and t'' / t'."""
    e = np.exp(-np.abs(z))
    whole = _whole(z, e)
    first = 4 * (1 + e) * np.where(z > 0, e * e, e) / whole**2
    rate = 1 + sigmoid(z) - 4 * (1 + e) * np.where(z > 0, 1, e) / whole
    return first, rate


def _whole(z: Array, e: Array) -> Array:
    """q + 1, for z > 0 times exp(-2 z)."""
    return np.where(z > 0, 1 + 2 * e + 2 * e * e, 2 + 2 * e + e * e)
