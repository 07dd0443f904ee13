"""L2Normalize."""

from __future__ import annotations

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian, RankOne, Sum
from anymax.rows import shown
from anymax.sets import Ball
from anymax.types import Array, Mask, add


class L2Normalize(Activation):
    """a = z / norm(z); J = (I - a a^T) / norm(z).

    The direction of a row. Shapes (..., n). Singular at z = 0, where a and J are
    defined as 0, which is a subgradient of the norm. The norm is taken of z over its
    largest entry, so it neither overflows nor underflows.

    Args: `axis`.
    Source: the gradient of the Euclidean norm; as an output map see Blondel, Martins
    and Niculae, JMLR 21, 2020.

    >>> import anymax as am
    >>> am.L2Normalize()([3.0, 4.0])
    array([0.6, 0.8])
    """

    coupling = "row"
    range = Ball()

    def __init__(self, *, axis: int = -1) -> None:
        self.axis = axis

    def apply(self, z: Array, mask: Mask = None) -> Array:
        return direction(shown(z, mask))[0]

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        unit, inverse = direction(shown(z, mask))
        return turning(unit, inverse, mask)

    def potential(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return norm(shown(z, mask))[..., 0]

    def conjugate(self, y: Array) -> Array:
        return np.where(Ball().contains(y), 0.0, np.inf).astype(y.dtype)


def norm(z: Array) -> Array:
    """The length of a row, (..., 1)."""
    size = np.abs(z).max(-1, keepdims=True, initial=0)
    flat = size == 0
    return size * np.sqrt(add((z / np.where(flat, 1, size)) ** 2))


def direction(z: Array) -> tuple[Array, Array]:
    """z / norm(z) and 1 / norm(z), both 0 for a row of zeros."""
    length = norm(z)
    flat = length == 0
    inverse = np.where(flat, 0, 1 / np.where(flat, 1, length)).astype(z.dtype)
    size = np.abs(z).max(-1, keepdims=True, initial=0)
    share = z / np.where(flat, 1, size)
    return share / np.where(flat, 1, norm(share)), inverse


def turning(
    a: Array, inverse: Array, mask: Mask = None, scale: Array | float = 1.0
) -> Jacobian:
    """scale (I - a a^T) / r for a unit row a, r' = <a, v>: each part with its bend."""
    one = np.ones_like(a)

    def scaled_unit(c: Array) -> Diagonal:
        return Diagonal(a, factor=c * one, support=mask)

    c, square = scale * inverse * one, scale * inverse**2
    left_bend = Sum(scaled_unit(-square), RankOne(2 * square * a, a))
    unit_bend = Sum(scaled_unit(inverse), RankOne(-inverse * a, a))
    straight = Diagonal(a, factor=c, bend=RankOne(-square * one, a), support=mask)
    return Sum(straight, RankOne(-scale * inverse * a, a, left_bend, unit_bend))
