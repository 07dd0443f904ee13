"""ZLoss."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, REALS, SIMPLEX, Raw, Set
from anymax.target import times
from anymax.types import Array, add


class ZLoss(Loss):
    """sum y log(1 + exp(A (B - s))) / A with s = (a - mean(a)) / sd(a), row by row.

    How far the target's output stands out, in standard deviations (of n, not n - 1).
    With w = -y sigmoid(A (B - s)): dL/da = (w - mean(w) - s mean(w s)) / sd. On raw
    outputs: any real numbers, shapes (..., n); neither their level nor their size
    matters. Targets: class indices, or rows of the simplex. s reaches sqrt(n - 1) at
    most. 0/0, hence NaN, for a row of equal outputs. A member of the spherical family;
    not the z_loss of CrossEntropy, which is a penalty on the log-normaliser.

    Args: `sharpness` A > 0, how fast the loss falls off; `offset` B, the number of
    standard deviations around which it does; `class_weight` (n,), multiplied into the
    targets, their sum dividing the mean; `ignore_index`, a class index that counts
    nowhere.
    Raises ValueError for sharpness <= 0.
    Source: de Brebisson and Vincent, 2016, arXiv:1604.08859.

    >>> import anymax as am
    >>> am.ZLoss().value([[0.0, 2.0]], [1]).round(4)
    array([0.3133])
    """

    domain = REALS
    meant = Raw()
    targets = CLASSES | SIMPLEX
    rising = frozenset(
        {"unproven"}
    )  # not a sum of convex functions of what a map knows

    def __init__(
        self,
        *,
        sharpness: float = 1.0,
        offset: float = 0.0,
        class_weight: ArrayLike | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if not 0 < sharpness < math.inf:
            raise ValueError(f"ZLoss needs a finite sharpness > 0; got {sharpness:g}.")
        if not math.isfinite(offset):
            raise ValueError(f"ZLoss needs a finite offset; got {offset:g}.")
        self.sharpness, self.offset = float(sharpness), float(offset)
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index

    def doubt(self, range: Set) -> str:
        return (
            f"ZLoss standardises raw outputs itself; these are {range} already: end "
            "the network in a layer, or use CrossEntropy."
        )

    def rows(self, out: Output, y: Array) -> Array:
        behind = self.sharpness * (self.offset - _standard(out.a).s)
        return times(y, np.logaddexp(0, behind)).sum(-1) / self.sharpness

    def slope(self, out: Output, y: Array) -> Slope:
        s, sd = _standard(out.a)
        return Slope(_away(-times(y, self._share(s)), s) / sd)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        s, sd = _standard(out.a)
        share = self._share(s)
        w = -times(y, share)
        ds = _away(d.a / sd, s)
        dw = times(y, self.sharpness * share * (1 - share) * ds)
        moved = _away(dw, s) - ds * _mean(w * s) - s * _mean(w * ds)
        return Slope((moved - _away(w, s) * _mean(s * d.a / sd)) / sd)

    def _share(self, s: Array) -> Array:
        """sigmoid(A (B - s))."""
        return np.exp(-np.logaddexp(0, self.sharpness * (s - self.offset)))


class Standard(NamedTuple):
    """Standardised outputs (..., n), and the standard deviation (..., 1)."""

    s: Array
    sd: Array


def _standard(a: Array) -> Standard:
    lower = a - a.max(-1, keepdims=True)  # so that equal outputs are told exactly
    middle = lower - _mean(lower)
    largest = np.abs(middle).max(-1, keepdims=True)
    shrunk = middle / largest
    spread = np.sqrt(_mean(shrunk * shrunk))
    return Standard(shrunk / spread, largest * spread)


def _away(w: Array, s: Array) -> Array:
    """w without its parts along 1 and along s."""
    return w - _mean(w) - s * _mean(w * s)


def _mean(x: Array) -> Array:
    return add(x) / x.shape[-1]
