"""Focal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.losses.scaling import as_scaling, scaled
from anymax.monomial import Monomial, Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, SIMPLEX, Interval, Set
from anymax.target import times
from anymax.types import Array


class Focal(Loss):
    """- sum alpha y (1-a)^gamma log a: cross-entropy that cares less for easy examples.

    dL/da = -alpha y (1 - a - gamma a log a) / (a (1-a)^(1-gamma)), kept as a fraction.
    Targets: class indices, or rows of the simplex. 0 < a <= 1, meant for the simplex;
    for gamma < 1 the second derivative is singular at a = 1. 1 - a and log a are asked
    of the activation.

    Args: `gamma` >= 0, 0 being cross-entropy; `alpha`, a number or (n,), >= 0, which
    scales the loss and not the divisor of a mean; `class_weight` (n,), which does both;
    `ignore_index`, a class index that counts nowhere.
    Raises ValueError for a negative gamma or alpha.
    Source: Lin et al., ICCV 2017, arXiv:1708.02002.

    >>> import anymax as am
    >>> am.Focal(gamma=2.0).value([[0.1, 0.9]], [1]).round(6)
    array([0.001054])
    """

    domain = Interval(0, 1, "(]")
    meant = SIMPLEX
    targets = CLASSES | SIMPLEX
    convex = True
    falling = frozenset({"a"})

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        alpha: ArrayLike | None = None,
        class_weight: ArrayLike | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if not 0 <= gamma < np.inf:
            raise ValueError(f"Focal needs a finite gamma >= 0; got {gamma:g}.")
        self.gamma, self.alpha = float(gamma), as_scaling(alpha, "alpha")
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index

    def doubt(self, range: Set) -> str:
        return (
            "the focal loss after outputs that do not sum to one never pushes the "
            "other outputs down; use Softmax."
        )

    def rows(self, out: Output, y: Array) -> Array:
        y = scaled(y, self.alpha, "alpha")
        return -times(y, out.less**self.gamma * _log(out)).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        y = scaled(y, self.alpha, "alpha")
        top = out.less - self.gamma * times(out.a, _log(out))
        return Slope(-times(y, top), self._over)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        y = scaled(y, self.alpha, "alpha")
        moved = times(d.a, 1 + self.gamma + self.gamma * _log(out))
        return Slope(times(y, moved), self._over)

    @property
    def _over(self) -> Monomial:
        return Monomial(1, 1 - self.gamma)


def _log(out: Output) -> Array:
    """log a; from 1 - a where that has more digits, since the two must vanish alike."""
    return np.where(out.a > 0.5, np.log1p(-out.less), out.log)
