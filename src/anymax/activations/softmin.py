"""Softmin."""

from __future__ import annotations

from anymax.activations.softmax import log_softmax, log_total, softmax
from anymax.activations.tempered import Tempered
from anymax.jacobian import Centering, Jacobian
from anymax.monomial import A
from anymax.rows import kept
from anymax.sets import Simplex
from anymax.trainable import Trainable
from anymax.types import Array, Mask


class Softmin(Tempered):
    """a = exp(-z / T) / sum exp(-z / T); J = -(diag(a) - a a^T) / T.

    The softmax of -z: the smallest input gets the largest output. The Jacobian is a
    centering with a negative factor, so there is no matching loss. Shapes (..., n).

    Args: `temperature` T > 0, a number or a Trainable; `axis`.
    Raises ValueError for a temperature <= 0.

    >>> import anymax as am
    >>> am.Softmin()([1.0, 2.0])
    array([0.73105858, 0.26894142])
    """

    range = Simplex(closed=False)
    convex = frozenset({"sum"})
    concave = frozenset({"log"})
    monotone = False
    unmatched = "its Jacobian is negative semi-definite"

    def __init__(self, *, temperature: float | Trainable = 1.0, axis: int = -1) -> None:
        self.temperature = self.heat(temperature)
        self.axis = axis

    def apply(self, z: Array, mask: Mask = None) -> Array:
        return softmax(-z / self.temperature, mask)

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        scaled = kept(-z / self.temperature, mask)
        return Centering(a, A, -1 / self.temperature, support=mask, logits=scaled)

    def log(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return log_softmax(-z / self.temperature, mask)

    def log_normalizer(
        self, z: Array, a: Array, mask: Mask = None
    ) -> tuple[Array, Array]:
        value = log_total(-z / self.temperature, mask)
        return value, -a / self.temperature

    def log_normalizer_derivative(
        self, z: Array, a: Array, v: Array, mask: Mask = None
    ) -> Array:
        return -self.structure(z, a, mask).jvp(v) / self.temperature
