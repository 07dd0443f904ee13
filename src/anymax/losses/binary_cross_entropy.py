"""BinaryCrossEntropy."""

from __future__ import annotations

from numpy.typing import ArrayLike

from anymax.loss import Loss
from anymax.losses.scaling import as_scaling, scaled
from anymax.monomial import BERNOULLI, Slope
from anymax.output import Output, Tangent
from anymax.sets import UNIT, Interval
from anymax.target import times
from anymax.types import Array


class BinaryCrossEntropy(Loss):
    """- sum [p y log a + (1-y) log(1-a)]; dL/da = (a (1-y) - p y (1-a)) / (a (1-a)).

    p is `pos_weight`, 1 by default; then the slope is (a - y) / (a (1-a)), and after
    sigmoid the gradient a - y. Each output is a yes-or-no question of its own: targets
    in [0, 1], outputs in (0, 1), the edges included for maps that reach them. The
    numerator is written with 1 - a as the activation answers it, since a - y has no
    digit left where a rounds to y. Summed over the outputs: divide by n for a mean.

    Args: `pos_weight`, a number or (n,), >= 0: what a yes counts for against a no.
    Raises ValueError for a negative pos_weight, DomainError for targets out of range.
    Source: Cox, J. R. Stat. Soc. B 20, 1958, doi:10.1111/j.2517-6161.1958.tb00292.x.

    >>> import anymax as am
    >>> pair = am.Pair(am.Sigmoid(), am.BinaryCrossEntropy())
    >>> pair.gradient([[0.0, 2.0]], [[0, 1]]).round(4)
    array([[ 0.5   , -0.1192]])
    """

    domain = Interval(0, 1)
    targets = UNIT
    convex = True
    falling = frozenset({"log", "log_not"})

    def __init__(self, *, pos_weight: ArrayLike | None = None) -> None:
        self.pos_weight = as_scaling(pos_weight, "pos_weight")

    def rows(self, out: Output, y: Array) -> Array:
        yes = scaled(y, self.pos_weight, "pos_weight")
        return -(times(yes, out.log) + times(1 - y, out.log_not)).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        yes = scaled(y, self.pos_weight, "pos_weight")
        return Slope(out.a * (1 - y) - yes * out.less, BERNOULLI)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        yes = scaled(y, self.pos_weight, "pos_weight")
        return Slope(d.a * (1 - y + yes), BERNOULLI)
