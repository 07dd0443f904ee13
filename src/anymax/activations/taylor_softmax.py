"""TaylorSoftmax."""

from __future__ import annotations

from math import factorial

import numpy as np

from anymax.activations.separable import Separable
from anymax.jacobian import Diagonal
from anymax.types import Array


class TaylorSoftmax(Separable):
    """a = h(z) / sum h(z), h the Taylor polynomial of exp at 0, of even order k.

    Order 2: h = 1 + z + z^2 / 2. J = (diag(a) - a a^T) diag(h' / h), not symmetric.
    Shapes (..., n). Not shift-invariant, and h has a minimum (at z = -1 for order 2):
    an input far below it counts for more again. A temperature is not offered, since
    the polynomial is tied to the origin.

    Args: `order` an even number >= 2; `axis`.
    Raises ValueError for an odd order: those polynomials have a real root, so h would
    be negative and a no distribution.
    Source: Vincent, de Brebisson and Bouthillier, NIPS 2015, arXiv:1412.7091.

    >>> import anymax as am
    >>> am.TaylorSoftmax()([0.0, 1.0]).round(4)
    array([0.2857, 0.7143])
    """

    def __init__(self, *, order: int = 2, axis: int = -1) -> None:
        if isinstance(order, bool) or not isinstance(order, int) or order < 1:
            raise ValueError(f"TaylorSoftmax needs a whole order >= 2; got {order!r}.")
        if order % 2:
            raise ValueError(
                f"TaylorSoftmax needs an even order; got {order}: the Taylor "
                "polynomial of exp has a real root for every odd order, so it goes "
                f"negative and does not normalise. Use {order - 1 or 2} or {order + 1}."
            )
        self.order, self.axis = order, axis

    def numerator(self, z: Array) -> Array:
        """h(z) / s^k with s the row's largest |z|, at least 1: it never overflows."""
        s = np.maximum(np.abs(z).max(-1, keepdims=True, initial=1), 1)
        total = np.full_like(z, 1 / factorial(self.order))
        share = 1 / s
        down = np.ones_like(s)
        total = total * (z / s) ** self.order
        for j in range(self.order - 1, -1, -1):
            down = down * share
            total = total + (z / s) ** j * down / factorial(j)
        return total

    def log_numerator(self, z: Array) -> Array:
        wide = np.abs(z) > 1
        x = np.where(wide, 1 / np.where(wide, z, 1), z)
        inside = _horner([1 / factorial(j) for j in range(self.order + 1)], x)
        outside = _horner(
            [1 / factorial(self.order - j) for j in range(self.order + 1)], x
        )
        size = np.where(wide, np.log(np.abs(np.where(wide, z, 1))), 0)
        return np.where(wide, self.order * size + np.log(outside), np.log(inside))

    def log_structure(self, z: Array) -> Diagonal:
        """h'/h and (h'/h)' = h''/h - (h'/h)^2, by 1 / z where |z| > 1."""
        first, second = self._ratio(z, 1), self._ratio(z, 2)
        return Diagonal(np.ones_like(z), factor=first, bend=second - first**2)

    def _ratio(self, z: Array, m: int) -> Array:
        """The m-th derivative of h over h."""
        k = self.order
        wide = np.abs(z) > 1
        x = np.where(wide, 1 / np.where(wide, z, 1), z)
        h = [1 / factorial(j) for j in range(k + 1)]
        inside = _horner(h[: k + 1 - m], x) / _horner(h, x)
        high = [1 / factorial(k - m - j) for j in range(k + 1 - m)]
        outside = x**m * _horner(high, x) / _horner(h[::-1], x)
        return np.where(wide, outside, inside)


def _horner(coefficients: list[float], x: Array) -> Array:
    """c_0 + c_1 x + ... for c_0 first."""
    total = np.zeros_like(x)
    for c in reversed(coefficients):
        total = total * x + c
    return total
