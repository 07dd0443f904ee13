"""Poly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.monomial import A, Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, POSITIVE, SIMPLEX, Set
from anymax.target import times
from anymax.types import Array


class Poly(Loss):
    """sum y (epsilon (1-a) - log a); dL/da = -y (1 + epsilon a) / a, as a fraction.

    Cross-entropy with the first coefficient of its expansion in 1 - a moved by
    epsilon. Targets: class indices, or rows of the simplex. Outputs > 0, meant for the
    simplex. log a and 1 - a are asked of the activation.

    Args: `epsilon` >= -1, 0 being cross-entropy; `class_weight` (n,), multiplied into
    the targets, their sum dividing the mean; `ignore_index`, a class index that counts
    nowhere.
    Raises ValueError for epsilon < -1, where the loss would rise as a does.
    Source: Leng et al., ICLR 2022, arXiv:2204.12511.

    >>> import anymax as am
    >>> am.Poly(epsilon=1.0).value([[0.1, 0.9]], [1]).round(4)
    array([0.2054])
    """

    domain = POSITIVE
    meant = SIMPLEX
    targets = CLASSES | SIMPLEX
    convex = True
    falling = frozenset({"a"})

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        class_weight: ArrayLike | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if not -1 <= epsilon < np.inf:
            raise ValueError(f"Poly needs a finite epsilon >= -1; got {epsilon:g}.")
        self.epsilon = float(epsilon)
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index
        if epsilon < 0:  # beyond a = -1 / epsilon it rises again
            self.rising = frozenset({"a"})

    def doubt(self, range: Set) -> str:
        if np.isinf(range.hull.high):
            return (
                "the poly loss has no minimum in [0, 1] after outputs without an upper "
                "bound; use Softmax."
            )
        return (
            "the poly loss after outputs that do not sum to one never pushes the other "
            "outputs down; use Softmax."
        )

    def rows(self, out: Output, y: Array) -> Array:
        return times(y, self.epsilon * out.less - out.log).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(-times(y, 1 + self.epsilon * out.a), A)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(-self.epsilon * times(y, d.a), A)
