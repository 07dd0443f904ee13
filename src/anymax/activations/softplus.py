"""Softplus."""

from __future__ import annotations

import math

import numpy as np

from anymax.activation import Activation
from anymax.activations.arguments import positive
from anymax.activations.sigmoid import sigmoid, softplus
from anymax.jacobian import Diagonal
from anymax.monomial import A
from anymax.sets import POSITIVE
from anymax.types import Array

# x / log(1 + x) = 1 + sum of GREGORY_k x^k
GREGORY = (
    *(1 / 2, -1 / 12, 1 / 24, -19 / 720),
    *(3 / 160, -863 / 60480, 275 / 24192, -33953 / 3628800),
)


class Softplus(Activation):
    """a = log(1 + exp(beta z)) / beta; da/dz = sigmoid(beta z), stated as (f'/f) a.

    Element-wise, any shape; positive. The weight being relative to a, a slope over a
    (Poisson, cross-entropy) cancels and stays exact where a underflows to 0: f'/f goes
    to beta there. log a is asked of z, so it is finite for every finite z.

    Args: `beta` > 0; large values come close to ReLU.
    Raises ValueError for a beta that is not finite and > 0.
    Source: Dugas, Bengio, Belisle, Nadeau and Garcia, Incorporating second-order
    functional knowledge for better option pricing, NIPS 2000.

    >>> import anymax as am
    >>> am.Softplus()([-1.0, 2.0]).round(4)
    array([0.3133, 2.1269])
    >>> am.Softplus().jacobian([-1.0, 2.0]).diagonal().round(4)
    array([0.2689, 0.8808])
    """

    range = POSITIVE
    convex = frozenset({"a", "sum"})
    concave = frozenset({"log"})
    unmatched = "its potential is a dilogarithm"

    def __init__(self, *, beta: float = 1.0) -> None:
        self.beta = positive(self.name, "beta", beta)

    def apply(self, z: Array) -> Array:
        return np.maximum(z, 0) + np.log1p(self._small(z)) / self.beta

    def structure(self, z: Array, a: Array) -> Diagonal:
        finite = np.minimum(
            a, np.finfo(a.dtype).max
        )  # at z = inf too, f'/f times a is 1
        factor, bend = self._rate(z, finite)
        return Diagonal(finite, A, factor, bend)

    def log(self, z: Array, a: Array) -> Array:
        w = self.beta * z
        # log log(1 + x) is log x - x/2 to rounding where x < eps
        tail = w - np.exp(np.minimum(w, 0)) / 2
        far = w < math.log(np.finfo(z.dtype).eps)
        return np.where(far, tail, np.log(softplus(w))) - math.log(self.beta)

    def _small(self, z: Array) -> Array:
        return np.exp(-np.abs(self.beta * z))

    def _rate(self, z: Array, a: Array) -> tuple[Array, Array]:
        """k = f'/f and k' = k (beta (1 - sigmoid(beta z)) - k)."""
        x, w = self._small(z), self.beta * z
        excess = _excess(x)
        below = self.beta * sigmoid(-w) * (1 + excess)
        k = np.where(z > 0, sigmoid(w) / a, below)
        falling = self.beta * sigmoid(-w)
        return k, k * np.where(z > 0, falling - k, -falling * excess)


def _excess(x: Array) -> Array:
    """x / log(1 + x) - 1 for 0 <= x <= 1, by its series where the quotient cancels."""
    series = np.zeros_like(x)
    for coefficient in reversed(GREGORY):
        series = (series + coefficient) * x
    return np.where(x < 1 / 32, series, x / np.log1p(x) - 1)
