"""CategoricalHinge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.rows import largest
from anymax.sets import CLASSES, REALS, SIMPLEX
from anymax.target import times
from anymax.types import Array, add


class CategoricalHinge(Loss):
    """sum over c of y_c max(0, 1 + max over j != c of a_j - a_c).

    dL/da takes y_c from output c and gives it to its strongest rival, for each c that
    leads by less than 1. Targets: class indices, or rows of the simplex; any real
    outputs, of which one alone costs 0. Convex in a, with kinks at the margin, where
    the derivative is taken as 0, and where rivals tie, where the first one gets it all.

    Args: `class_weight` (n,), multiplied into the targets, their sum dividing the mean;
    `ignore_index`, a class index that counts nowhere.
    Source: Crammer and Singer, J. Mach. Learn. Res. 2, 2001.

    >>> import anymax as am
    >>> am.CategoricalHinge().value([[0.5, 2.0, 1.5]], [1])
    array([0.5])
    """

    domain = REALS
    targets = CLASSES | SIMPLEX
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def __init__(
        self, *, class_weight: ArrayLike | None = None, ignore_index: int | None = None
    ) -> None:
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index

    def rows(self, out: Output, y: Array) -> Array:
        return times(y, np.maximum(_rivals(out.a).excess, 0)).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        first, second, excess = _rivals(out.a)
        pulled = times(y, np.heaviside(excess, 0))
        of_first = add(np.where(first, pulled, 0))
        pushed = np.where(first, add(np.where(first, 0, pulled)), 0)
        return Slope(pushed + np.where(second, of_first, 0) - pulled)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.zeros_like(y))


class Rivals(NamedTuple):
    """Where a row's two largest outputs are, and 1 + max over j != c of a_j - a_c."""

    first: Array
    second: Array
    excess: Array


def _rivals(a: Array) -> Rivals:
    first = largest(a)
    others = np.where(first, -np.inf, a)
    second = largest(others) & ~first
    rival = np.where(first, others.max(-1, keepdims=True), a.max(-1, keepdims=True))
    return Rivals(first, second, 1 + rival - a)
