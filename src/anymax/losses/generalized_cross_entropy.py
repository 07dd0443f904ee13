"""GeneralizedCrossEntropy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.monomial import Monomial, Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, NOT_NEGATIVE, SIMPLEX, Set
from anymax.target import times
from anymax.types import Array


class GeneralizedCrossEntropy(Loss):
    """sum y (1 - a^q) / q, 0 < q <= 1; dL/da = -y / a^(1-q), kept as a fraction.

    Between cross-entropy (q to 0) and 1 - a (q = 1, half the absolute error on the
    simplex): never above 1 / q, so that wrong labels pull less. Targets: class indices,
    or rows of the simplex. Outputs >= 0, meant for the simplex; for q < 1 the slope is
    infinite at 0. For q below 0.1 an output that underflows, 1e-45 in float32, has lost
    a pull that it should still have.

    Args: `q`; `class_weight` (n,), multiplied into the targets, their sum dividing the
    mean; `ignore_index`, a class index that counts nowhere.
    Raises ValueError unless 0 < q <= 1.
    Source: Zhang and Sabuncu, NeurIPS 2018, arXiv:1805.07836.

    >>> import anymax as am
    >>> am.GeneralizedCrossEntropy(q=1.0).value([[0.1, 0.9]], [1]).round(4)
    array([0.1])
    """

    domain = NOT_NEGATIVE
    meant = SIMPLEX
    targets = CLASSES | SIMPLEX
    convex = True
    falling = frozenset({"a"})

    def __init__(
        self,
        *,
        q: float = 0.7,
        class_weight: ArrayLike | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if not 0 < q <= 1:
            raise ValueError(
                f"GeneralizedCrossEntropy needs 0 < q <= 1; got {q:g}. "
                "For q = 0 use CrossEntropy."
            )
        self.q = float(q)
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index

    def doubt(self, range: Set) -> str:
        if np.isinf(range.hull.high):
            return (
                "generalized cross-entropy has no minimum after outputs without an "
                "upper bound: the target's output grows for ever; use Softmax."
            )
        return (
            "generalized cross-entropy after outputs that do not sum to one never "
            "pushes the other outputs down; use Softmax."
        )

    def rows(self, out: Output, y: Array) -> Array:
        return -times(y, np.expm1(self.q * out.log)).sum(-1) / self.q

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(-y, Monomial(1 - self.q))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.zeros_like(y), Monomial(1 - self.q))
