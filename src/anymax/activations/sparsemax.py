"""Sparsemax."""

from __future__ import annotations

import numpy as np

from anymax.activations.tempered import Tempered
from anymax.jacobian import Centering, Jacobian
from anymax.monomial import ONE
from anymax.rows import kept
from anymax.sets import Simplex
from anymax.target import times
from anymax.trainable import Trainable
from anymax.types import Array, Mask, add


class Sparsemax(Tempered):
    """a = max(z / T - tau, 0), tau such that the row sums to one.

    The point of the simplex nearest to z / T; many outputs are exactly 0. J = (diag(s)
    - s s^T / |s|) / T with s = 1 on the support. Shapes (..., n). Kinks where an output
    enters the support. Its `Matching` loss has the gradient a - y and is 0 once the
    target's logit leads by T.

    Args: `temperature` T > 0, a number or a Trainable; `axis`.
    Raises ValueError for a temperature <= 0.
    Source: Martins and Astudillo, ICML 2016, arXiv:1602.02068.

    >>> import anymax as am
    >>> am.Sparsemax()([1.0, 0.5, -1.0])
    array([0.75, 0.25, 0.  ])
    """

    range = Simplex()
    convex = frozenset({"sum"})

    def __init__(self, *, temperature: float | Trainable = 1.0, axis: int = -1) -> None:
        self.temperature = self.heat(temperature)
        self.axis = axis

    def apply(self, z: Array, mask: Mask = None) -> Array:
        return sparsemax(z / self.temperature, mask)

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        return Centering(a, ONE, 1 / self.temperature, support=supported(a))

    def potential(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return times(a, z).sum(-1) + self.temperature * half_gini(a)

    def conjugate(self, y: Array) -> Array:
        return -self.temperature * half_gini(y)


def half_gini(p: Array) -> Array:
    """The entropy (1 - sum p^2) / 2 of a distribution."""
    return (p * (1 - p)).sum(-1) / 2


def supported(a: Array) -> Array:
    """Where a sparse map moves: outputs strictly between 0 and 1; NaN stays NaN."""
    return ((a > 0) & (a < 1)) | np.isnan(a)


def sparsemax(z: Array, mask: Mask = None) -> Array:
    """The Euclidean projection of rows to the simplex; zeros for what is masked off."""
    z = kept(z, mask)
    n = z.shape[-1]
    if n == 0:
        return z
    z = centred(z, mask)
    falling = -np.sort(-z, -1)
    k = np.arange(1, n + 1, dtype=z.dtype)
    above = np.cumsum(np.where(np.isneginf(falling), 0, falling), -1) - 1
    inside = np.where(np.isneginf(falling), False, k * falling > above)
    size = np.maximum(add(inside), 1)
    tau = np.take_along_axis(above, size - 1, -1) / size.astype(z.dtype)
    a = np.maximum(z - tau, 0)
    return a if mask is None else np.where(mask, a, 0)


def centred(z: Array, mask: Mask) -> Array:
    """z minus its row's largest; rows a mask empties stay -inf instead of NaN."""
    best = z.max(-1, keepdims=True)
    if mask is not None:
        best = np.where(mask.any(-1, keepdims=True), best, 0)
    return z - best
