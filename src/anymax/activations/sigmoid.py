"""Sigmoid."""

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.monomial import BERNOULLI, Point
from anymax.sets import Interval
from anymax.target import times
from anymax.types import Array


class Sigmoid(Activation):
    """a = 1 / (1 + exp(-z)); da/dz = a (1 - a), cancels in binary cross-entropy.

    Element-wise, any shape; between 0 and 1. 1 - a is sigmoid(-z) and log a is
    -log(1 + exp(-z)), so neither loses its digits where a rounds to 0 or 1. It is the
    softmax of (z, 0), first entry.
    Source: Cox, J. R. Stat. Soc. B 20, 1958, doi:10.1111/j.2517-6161.1958.tb00292.x.

    >>> import anymax as am
    >>> am.Sigmoid()([0.0, 2.0]).round(4)
    array([0.5   , 0.8808])
    >>> am.Sigmoid().jacobian([0.0, 2.0]).diagonal().round(4)
    array([0.25 , 0.105])
    """

    range = Interval(0, 1)
    concave = frozenset({"log", "log_not"})

    def apply(self, z: Array) -> Array:
        return sigmoid(z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        point = Point(a, lambda: sigmoid(-z), log=lambda: -softplus(-z))
        return Diagonal(point, BERNOULLI)

    def log(self, z: Array, a: Array) -> Array:
        return -softplus(-z)

    def log_not(self, z: Array, a: Array) -> Array:
        return -softplus(z)

    def less(self, z: Array, a: Array) -> Array:
        return sigmoid(-z)

    def potential(self, z: Array, a: Array) -> Array:
        return softplus(z).sum(-1)

    def conjugate(self, y: Array) -> Array:
        return (times(y, np.log(y)) + times(1 - y, np.log1p(-y))).sum(-1)


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), exact to rounding on both sides."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def softplus(z: Array) -> Array:
    """log(1 + exp(z)), exact to rounding on both sides."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
