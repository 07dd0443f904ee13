"""ReverseKL."""

import numpy as np

from anymax.loss import Loss
from anymax.monomial import A, Slope
from anymax.output import Output, Tangent
from anymax.sets import NOT_NEGATIVE, POSITIVE, SIMPLEX, Set
from anymax.target import times
from anymax.types import Array


class ReverseKL(Loss):
    """sum a log(a / y), with 0 log 0 = 0; dL/da = log(a / y) + 1.

    Targets > 0, rows of the open simplex as a rule: infinite for one-hot ones. Outputs
    >= 0, meant for the simplex. It seeks a mode of the targets where KLDivergence
    covers them all. The slope is kept as a (log(a / y) + 1) over a, so that second
    derivatives stay finite where a underflows.
    Source: Csiszar, Ann. Probab. 3, 1975, doi:10.1214/aop/1176996454.

    >>> import anymax as am
    >>> am.ReverseKL().value([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
    array([0.6931])
    """

    domain = NOT_NEGATIVE
    meant = SIMPLEX
    targets = POSITIVE
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def doubt(self, range: Set) -> str:
        return (
            "the reverse KL divergence of outputs that do not sum to one is smallest "
            "at a = y / e, not at y; use Softmax."
        )

    def rows(self, out: Output, y: Array) -> Array:
        return times(out.a, out.log - np.log(y)).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(times(out.a, out.log - np.log(y) + 1), A)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(times(d.a, out.log - np.log(y) + 2), A)
