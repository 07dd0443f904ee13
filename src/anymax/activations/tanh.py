"""Tanh."""

import math

import numpy as np

from anymax.activation import Activation
from anymax.activations.sigmoid import sigmoid, softplus
from anymax.jacobian import Diagonal, Jacobian
from anymax.monomial import Monomial, Point
from anymax.sets import Interval
from anymax.target import times
from anymax.types import Array


class Tanh(Activation):
    """a = tanh(z); da/dz = (1 - a) (1 + a).

    Element-wise, any shape; between -1 and 1. 1 - a = 2 sigmoid(-2 z) and
    1 + a = 2 sigmoid(2 z) are formed from z, so the derivative keeps its digits where a
    rounds to -1 or 1.
    Source: LeCun, Bottou, Orr and Mueller, Efficient backprop, 1998.

    >>> import anymax as am
    >>> am.Tanh()([0.0, 2.0]).round(4)
    array([0.   , 0.964])
    >>> am.Tanh().jacobian([0.0, 2.0]).diagonal().round(4)
    array([1.    , 0.0707])
    """

    range = Interval(-1, 1)

    def apply(self, z: Array) -> Array:
        return np.tanh(z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        point = Point(a, lambda: 2 * sigmoid(-2 * z), lambda: 2 * sigmoid(2 * z))
        return Diagonal(point, Monomial(0, 1, 1))

    def log_not(self, z: Array, a: Array) -> Array:
        return np.where(z < 0.5, np.log1p(-a), math.log(2) - softplus(2 * z))

    def less(self, z: Array, a: Array) -> Array:
        return 2 * sigmoid(-2 * z)

    def potential(self, z: Array, a: Array) -> Array:
        return log_cosh(z).sum(-1)

    def conjugate(self, y: Array) -> Array:
        return binary(y).sum(-1)


def log_cosh(z: Array) -> Array:
    """log cosh z, which does not overflow."""
    size = np.abs(z)
    return size + np.log1p(np.exp(-2 * size)) - math.log(2)


def binary(y: Array) -> Array:
    """((1 + y) log(1 + y) + (1 - y) log(1 - y)) / 2, inf outside [-1, 1]."""
    both = times(1 + y, np.log1p(y)) + times(1 - y, np.log1p(-y))
    return np.where(np.abs(y) > 1, np.inf, both / 2)
