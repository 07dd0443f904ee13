"""Swish."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymax.activation import Activation
from anymax.activations.arguments import finite
from anymax.activations.gate import bell, gate_slopes, gated
from anymax.activations.silu import LOWEST
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import REALS, Interval, Set
from anymax.target import times
from anymax.trainable import Trainable
from anymax.types import Array


class Swish(Activation):
    """a = z sigmoid(beta z); da/dz = s + beta z s (1 - s), s = sigmoid(beta z).

    Element-wise, any shape. The range follows beta: from the minimum -0.27846... / beta
    up for beta > 0, from the maximum -0.27846... / beta down for beta < 0, and all real
    numbers for beta = 0, where a = z / 2. A trained beta can reach any minimum, so its
    range is all real numbers; with a lower bound > 0 it is what that bound allows.

    Args: `beta`, a finite number or a Trainable.
    Raises ValueError for a beta that is not finite.
    Source: Ramachandran, Zoph and Le, Searching for activation functions, 2017,
    arXiv:1710.05941.

    >>> import anymax as am
    >>> am.Swish(beta=2.0)([-1.0, 2.0]).round(4)
    array([-0.1192,  1.964 ])
    >>> am.Swish(beta=am.Trainable(1.0))
    Swish(beta=Trainable(1.0))
    """

    monotone = False
    unmatched = "it turns at its extremum"
    beta: Any

    def __init__(self, *, beta: float | Trainable = 1.0) -> None:
        if isinstance(beta, Trainable):
            self.range = _reached(beta)
            self.beta = self.declare("beta", beta)
        else:
            self.beta = finite(self.name, "beta", beta)
            self.range = _range(self.beta)

    def apply(self, z: Array) -> Array:
        return gated(z, self._inner(z))

    def structure(self, z: Array, a: Array) -> Jacobian:
        slope, bend = gate_slopes(z, self._inner(z), self._beta(z), 0.0)
        return Diagonal(a, factor=slope, bend=bend)

    def parameter_slopes(self, z: Array, a: Array) -> tuple[Array, Array, Array]:
        w = self._inner(z)
        b, turn = bell(w), np.tanh(w / 2)
        by_both = times(b, z * (2 - w * turn))
        return times(b, z * z), by_both, times(b, -z * z * z * turn)

    def _beta(self, z: Array) -> Array:
        return np.asarray(self.beta, z.dtype)

    def _inner(self, z: Array) -> Array:
        return times(self._beta(z), z)


def _range(beta: float) -> Set:
    if beta == 0:
        return REALS
    turn = LOWEST / beta
    return Interval(turn, ends="[)") if beta > 0 else Interval(high=turn, ends="(]")


def _reached(beta: Trainable) -> Set:
    bounded = beta.lower is not None and beta.lower > 0
    return (
        Interval(LOWEST / beta.lower) if beta.lower is not None and bounded else REALS
    )
