"""QuadraticNormalizer: what the spherical losses with a normaliser of squares share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, REALS, SIMPLEX, Raw, Set
from anymax.target import times
from anymax.types import Array, add


class QuadraticNormalizer(Loss):
    """- sum y log p with p = h / sum(h), h = (a + shift)^2 + floor^2, on raw outputs.

    With e = h'/h = 2 (a + shift) / h the slope is e (p sum(y) - y), and e' = 2/h - e^2.
    Everything is taken from the root of h by `hypot`, so that no square overflows.
    """

    domain = REALS
    meant = Raw()
    targets = CLASSES | SIMPLEX
    rising = frozenset(
        {"unproven"}
    )  # not a sum of convex functions of what a map knows
    shift: float
    floor: float

    def doubt(self, range: Set) -> str:
        return (
            f"{self.name} normalises raw outputs itself; these are {range} already: "
            "end the network in a layer, or use CrossEntropy."
        )

    def rows(self, out: Output, y: Array) -> Array:
        root = self._shares(out.a).root
        ratio = root / root.max(-1, keepdims=True)
        total = np.log(add(ratio * ratio))
        return times(y, total - 2 * np.log(ratio)).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        p, e, _ = self._shares(out.a)
        return Slope(e * (p * add(y) - y))

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        p, e, root = self._shares(out.a)
        rate = e * d.a
        bent = 2 * (d.a / root / root) - e * rate
        return Slope(bent * (p * add(y) - y) + e * p * (rate - add(p * rate)) * add(y))

    def _shares(self, a: Array) -> Shares:
        moved = a + self.shift
        root = np.hypot(moved, self.floor)
        ratio = root / root.max(-1, keepdims=True)
        square = ratio * ratio
        return Shares(square / add(square), 2 * (moved / root / root), root)


class Shares(NamedTuple):
    """p = h / sum(h), e = h'/h and the root of h, each (..., n)."""

    p: Array
    e: Array
    root: Array
