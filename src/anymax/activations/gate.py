"""z times a sigmoid of z: the formula of SiLU, Swish and GELU's approximation."""

import numpy as np

from anymax.activations.sigmoid import sigmoid
from anymax.target import times
from anymax.types import Array


def gated(z: Array, w: Array) -> Array:
    """z sigmoid(w), 0 where the sigmoid is 0."""
    return times(sigmoid(w), z)


def bell(w: Array) -> Array:
    """sigmoid(w) (1 - sigmoid(w)), the derivative of the sigmoid."""
    return sigmoid(w) * sigmoid(-w)


def gate_slopes(
    z: Array, w: Array, first: Array | float, second: Array | float
) -> tuple[Array, Array]:
    """Its derivative and second derivative by z, from w' and w''.

    With s = sigmoid(w) and b = s (1 - s) they are s + z b w' and
    b (2 w' + z (w'' - tanh(w/2) w'^2)).
    """
    b = bell(w)
    slope = sigmoid(w) + times(b, times(np.asarray(first, z.dtype), z))
    turn = second - np.tanh(w / 2) * first * first
    return slope, times(b, 2 * first + times(turn, z))
