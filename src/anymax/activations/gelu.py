"""GELU."""

from __future__ import annotations

import math
from typing import Literal

from anymax.activation import Activation
from anymax.activations.gate import gate_slopes, gated
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.special import normal_cdf, normal_density
from anymax.target import times
from anymax.types import Array

# the minima, at z = -0.75179152469356446 and z = -0.75246142207101626
LOWEST = {"none": -0.16997120747990367, "tanh": -0.17004075057125405}
STEEP = 2 * math.sqrt(2 / math.pi)
CUBIC = 0.044715


class GELU(Activation):
    """a = z Phi(z), Phi the normal distribution function; da/dz = Phi(z) + z phi(z).

    Element-wise, any shape; from its minimum -0.16997... at z = -0.75179... up. With
    approximate="tanh" it is z sigmoid(2 sqrt(2 / pi) (z + 0.044715 z^3)), the same as
    z (1 + tanh(...)) / 2 but exact where tanh rounds to -1; minimum -0.17004... Both
    derivatives are those of the formula used. Falling below the minimum, so it has no
    matching loss.

    Args: `approximate`, "none" or "tanh".
    Raises ValueError for another `approximate`.
    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016, arXiv:1606.08415.

    >>> import anymax as am
    >>> am.GELU()([-1.0, 2.0]).round(4)
    array([-0.1587,  1.9545])
    >>> am.GELU(approximate="tanh")([-1.0, 2.0]).round(4)
    array([-0.1588,  1.9546])
    """

    monotone = False
    unmatched = "it falls where z < -0.75"

    def __init__(self, *, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in LOWEST:
            raise ValueError(
                f'GELU needs approximate="none" or "tanh"; got {approximate!r}.'
            )
        self.approximate = approximate
        self.range = Interval(LOWEST[approximate], ends="[)")

    @property
    def numbers(self) -> tuple[float]:
        """What native kernels know `approximate` by."""
        return (float(self.approximate == "tanh"),)

    def apply(self, z: Array) -> Array:
        if self.approximate == "tanh":
            return gated(z, STEEP * z * (1 + CUBIC * z * z))
        return times(normal_cdf(z), z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        slope, bend = self._tanh_slopes(z) if self.approximate == "tanh" else _slopes(z)
        return Diagonal(a, factor=slope, bend=bend)

    def _tanh_slopes(self, z: Array) -> tuple[Array, Array]:
        w = STEEP * z * (1 + CUBIC * z * z)
        return gate_slopes(z, w, STEEP * (1 + 3 * CUBIC * z * z), 6 * STEEP * CUBIC * z)


def _slopes(z: Array) -> tuple[Array, Array]:
    density = normal_density(z)
    return normal_cdf(z) + times(density, z), times(density, 2 - z * z)
