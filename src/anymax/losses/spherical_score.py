"""SphericalScore."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.monomial import A, Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, NOT_NEGATIVE, SIMPLEX
from anymax.target import times
from anymax.types import Array, add


class SphericalScore(Loss):
    """- sum y u with u = a / norm(a); dL/da = (u <y, u> - y) / norm(a).

    A proper score between -1 and 0 for class targets: on the simplex smallest on
    average where a is the distribution of the targets. Targets: class indices, or rows
    of the simplex. Outputs >= 0, their size of no matter; a row of zeros costs 0 with
    slope 0. The slope is kept as u (u <y, u> - y) over a, which is bounded, and rows
    are divided by their largest output first, so that nothing overflows.

    Args: `class_weight` (n,), multiplied into the targets, their sum dividing the mean;
    `ignore_index`, a class index that counts nowhere.
    Source: Gneiting and Raftery, J. Am. Stat. Assoc. 102, 2007,
    doi:10.1198/016214506000001437.

    >>> import anymax as am
    >>> am.SphericalScore().value([[3.0, 4.0]], [1])
    array([-0.8])
    """

    domain = NOT_NEGATIVE
    targets = CLASSES | SIMPLEX
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def __init__(
        self, *, class_weight: ArrayLike | None = None, ignore_index: int | None = None
    ) -> None:
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index

    def rows(self, out: Output, y: Array) -> Array:
        return -times(y, _direction(out.a).unit).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        u = _direction(out.a).unit
        return Slope(u * (u * add(y * u) - y), A)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        u, largest, norm = _direction(out.a)
        turned = d.a / largest / norm
        du = turned - u * add(u * turned)
        moved = du * (2 * u * add(y * u) - y) + u * u * add(y * du)
        return Slope(moved, A)


class Direction(NamedTuple):
    """a = largest * norm * unit; 0 = 1 * 1 * 0 for a row of zeros."""

    unit: Array
    largest: Array
    norm: Array


def _direction(a: Array) -> Direction:
    largest = a.max(-1, keepdims=True)
    largest = np.where(largest == 0, 1, largest)
    shrunk = a / largest
    norm = np.sqrt(add(shrunk * shrunk))
    norm = np.where(norm == 0, 1, norm)
    return Direction(shrunk / norm, largest, norm)
