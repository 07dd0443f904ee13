"""Standardize."""

from __future__ import annotations

import numpy as np

from anymax.activation import Activation
from anymax.activations.l2_normalize import direction, norm, turning
from anymax.jacobian import Centering, Jacobian, Product
from anymax.monomial import ONE
from anymax.rows import shown
from anymax.sets import Ball
from anymax.types import Array, Mask, add


class Standardize(Activation):
    """a = (z - mean(z)) / sd(z); J = (I - 1 1^T / n - a a^T / n) / sd(z).

    Mean 0 and variance 1 along a row, sd with divisor n. Shapes (..., n). Singular on a
    constant row, where a and J are defined as 0. It is sqrt(n) times the direction of
    the centred row, and its Jacobian that product.

    Args: `axis`.
    Source: layer normalisation without its gain and bias, Ba, Kiros and Hinton 2016,
    arXiv:1607.06450.

    >>> import anymax as am
    >>> am.Standardize()([1.0, 2.0, 3.0]).round(4)
    array([-1.2247,  0.    ,  1.2247])
    """

    coupling = "row"
    range = Ball(centred=True)

    def __init__(self, *, axis: int = -1) -> None:
        self.axis = axis

    def apply(self, z: Array, mask: Mask = None) -> Array:
        level, n = centre(z, mask)
        return np.sqrt(n) * direction(level)[0]

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        level, n = centre(z, mask)
        unit, inverse = direction(level)
        ones = Centering(np.ones_like(z), ONE, support=mask)
        return Product(turning(unit, inverse, mask, np.sqrt(n)), ones)

    def potential(self, z: Array, a: Array, mask: Mask = None) -> Array:
        level, n = centre(z, mask)
        return (np.sqrt(n) * norm(level))[..., 0]

    def conjugate(self, y: Array) -> Array:
        return np.where(Ball(centred=True).contains(y), 0.0, np.inf).astype(y.dtype)


def centre(z: Array, mask: Mask) -> tuple[Array, Array]:
    """z minus the mean of what is kept, 0 elsewhere; and how many are kept."""
    keep = np.ones(z.shape, bool) if mask is None else mask
    n = np.maximum(add(keep), 1).astype(z.dtype)
    level = shown(z, mask)
    even = np.isfinite(z) & (_farthest(z, keep) == 0)  # whose mean must not round
    return shown(np.where(even, 0, level - add(level / n)), mask), n


def _farthest(z: Array, keep: Array) -> Array:
    """The largest of what is kept less the smallest, (..., 1)."""
    high = np.max(z, -1, keepdims=True, initial=-np.inf, where=keep)
    return high - np.min(z, -1, keepdims=True, initial=np.inf, where=keep)
