"""Entmax."""

from __future__ import annotations

from typing import Any

from anymax.activations.arguments import finite
from anymax.activations.entmax_alpha import AlphaTrained
from anymax.activations.entmax_rows import entmax, log_entmax, tsallis
from anymax.activations.sparsemax import supported
from anymax.activations.tempered import Tempered
from anymax.jacobian import Centering, Jacobian
from anymax.linearized import ActivationLinearization, Fixed
from anymax.monomial import Monomial
from anymax.sets import Simplex
from anymax.target import times
from anymax.trainable import Reached, Trainable
from anymax.types import Array, Mask


class Entmax(Tempered):
    """a = max((alpha - 1) z / T - tau, 0)^(1 / (alpha - 1)), tau so that a sums to 1.

    Between softmax (alpha = 1, the limit) and sparsemax (alpha = 2); sparse above 1.
    J is the centering of weight a^(2 - alpha) / T on the support. Shapes (..., n).
    Sorted in closed form at alpha = 1.5 and 2, else the threshold is found to rounding
    by Newton steps kept inside a bracket. Kinks where an output enters the support.
    Derivatives by alpha keep their digits as alpha tends to 1, where they are those of
    softmax's limit.

    Args: `alpha` >= 1, a number or a Trainable (give it lower=1, so that it stays
    above); `temperature` T > 0 likewise, but only one of the two; `axis`.
    Raises ValueError for alpha < 1, a Trainable alpha without a lower bound >= 1, or a
    temperature <= 0.
    Sources: Peters, Niculae and Martins, ACL 2019, arXiv:1905.05702; in alpha: Correia,
    Niculae and Martins, EMNLP 2019, arXiv:1909.00015.

    >>> import anymax as am
    >>> am.Entmax(alpha=1.5)([1.0, 0.5, -2.0]).round(4)
    array([0.674, 0.326, 0.   ])
    """

    range = Simplex()
    convex = frozenset({"sum"})
    alpha: Any

    def __init__(
        self,
        *,
        alpha: float | Trainable = 1.5,
        temperature: float | Trainable = 1.0,
        axis: int = -1,
    ) -> None:
        if isinstance(alpha, Trainable):
            if alpha.lower is None or alpha.lower < 1:
                raise ValueError(
                    "Entmax needs a trainable alpha that stays above 1; got no such "
                    "lower bound. Write Trainable(1.5, lower=1)."
                )
            self.alpha = self.declare("alpha", alpha)
        else:
            self.alpha = finite(self.name, "alpha", alpha)
        if not self.alpha >= 1:
            raise ValueError(f"Entmax needs alpha >= 1; got {self.alpha:g}.")
        self.temperature = self.heat(temperature)
        self.axis = axis

    def apply(self, z: Array, mask: Mask = None) -> Array:
        return entmax(z / self.temperature, float(self.alpha), mask)

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        weight = Monomial(2 - float(self.alpha))
        return Centering(a, weight, 1 / self.temperature, support=supported(a))

    def log(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return log_entmax(z / self.temperature, float(self.alpha), mask)

    def potential(self, z: Array, a: Array, mask: Mask = None) -> Array:
        entropy = self.temperature * tsallis(a, float(self.alpha))
        return times(a, z).sum(-1) + entropy

    def conjugate(self, y: Array) -> Array:
        return -self.temperature * tsallis(y, float(self.alpha))

    def train(
        self, fixed: Fixed, reached: Reached, theta: Array
    ) -> ActivationLinearization:
        if "alpha" in self.trainables:
            return AlphaTrained(fixed, reached, ())
        return super().train(fixed, reached, theta)
