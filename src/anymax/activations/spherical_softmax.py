"""SphericalSoftmax."""

from __future__ import annotations

import numpy as np

from anymax.activations.arguments import positive
from anymax.activations.separable import Separable
from anymax.jacobian import Diagonal
from anymax.types import Array


class SphericalSoftmax(Separable):
    """a = (z^2 + eps) / sum (z^2 + eps); J = (diag(a) - a a^T) diag(2 z / (z^2 + eps)).

    Shapes (..., n). Even in z: the sign of an input is lost, and the derivative is 0 at
    z = 0. `eps` is part of the model: it is the weight of an input at 0.

    Args: `eps` > 0; `axis`.
    Raises ValueError for eps <= 0.
    Source: de Brebisson and Vincent, ICLR 2016, arXiv:1511.05042.

    >>> import anymax as am
    >>> am.SphericalSoftmax(eps=1.0)([0.0, 1.0]).round(4)
    array([0.3333, 0.6667])
    """

    def __init__(self, *, eps: float = 0.01, axis: int = -1) -> None:
        self.eps, self.axis = positive(self.name, "eps", eps), axis

    def numerator(self, z: Array) -> Array:
        """Over the square of the row's largest |z|, at least 1: it never overflows."""
        s = np.maximum(np.abs(z).max(-1, keepdims=True, initial=1), 1)
        return (z / s) ** 2 + self.eps / s / s

    def log_numerator(self, z: Array) -> Array:
        """2 log hypot(z, sqrt(eps))."""
        return 2 * np.log(np.hypot(z, np.sqrt(np.asarray(self.eps, z.dtype))))

    def log_structure(self, z: Array) -> Diagonal:
        """h'/h = 2 z / (z^2 + eps), its derivative 2 (eps - z^2) / (z^2 + eps)^2."""
        root = np.sqrt(np.asarray(self.eps, z.dtype))
        size = np.hypot(z, root)
        first = 2 * (z / size) / size
        away = (root - z) / size * ((root + z) / size)
        return Diagonal(np.ones_like(z), factor=first, bend=2 * away / size / size)
