"""Brier."""

from __future__ import annotations

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, REALS, UNIT, Set
from anymax.types import Array


class Brier(Loss):
    """sum (a - y)^2 over the outputs, for class targets; dL/da = 2 (a - y).

    The squared error under its classification name: a proper score between 0 and 2 on
    the simplex. Targets: class indices, or probabilities in [0, 1]; any real outputs,
    meant for probabilities. Convex in a. A wrong class costs a^2 too, so a class cannot
    be weighted through its target: there is no class_weight, use sample_weight.

    Args: `ignore_index`, a class index whose rows count nowhere.
    Source: Brier, Mon. Weather Rev. 78, 1950.

    >>> import anymax as am
    >>> am.Brier().value([[0.25, 0.75]], [1])
    array([0.125])
    """

    domain = REALS
    meant = UNIT
    targets = CLASSES | UNIT
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def __init__(self, *, ignore_index: int | None = None) -> None:
        self.ignore_index = ignore_index

    def doubt(self, range: Set) -> str:
        return (
            "the Brier score is for probabilities; after other outputs it is the "
            "squared error to 0 and 1: use Softmax or Sigmoid, or SquaredError."
        )

    def rows(self, out: Output, y: Array) -> Array:
        return ((out.a - y) ** 2).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(2 * (out.a - y))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(2 * d.a)
