"""JensenShannon."""

import math

import numpy as np

from anymax.loss import Loss
from anymax.monomial import A, Slope
from anymax.output import Output, Tangent
from anymax.sets import NOT_NEGATIVE, SIMPLEX
from anymax.target import times
from anymax.types import Array

LOG_2 = math.log(2)


class JensenShannon(Loss):
    """(KL(y, m) + KL(a, m)) / 2 with m = (a + y) / 2; dL/da = log(a / m) / 2.

    Targets: rows of the simplex. Outputs >= 0; on the simplex the value lies between 0,
    at a = y, and log 2, one-hot targets included, which makes it mild on wrong labels.
    log(a / m) is log 2 - log(1 + y / a), taken from the logs; where y = 0 it is log 2
    whatever a. The slope is kept over a, so that second derivatives stay finite where a
    underflows.
    Source: Lin, IEEE Trans. Inf. Theory 37, 1991, doi:10.1109/18.61115.

    >>> import anymax as am
    >>> am.JensenShannon().value([[1.0, 0.0]], [[0.0, 1.0]]).round(4)
    array([0.6931])
    """

    domain = NOT_NEGATIVE
    targets = SIMPLEX
    convex = True
    rising = frozenset({"a"})
    falling = frozenset({"a"})

    def rows(self, out: Output, y: Array) -> Array:
        of_y = times(y, LOG_2 - np.logaddexp(0, out.log - np.log(y)))
        of_a = times(out.a, _log_share(out, y))
        return (of_y + of_a).sum(-1) / 2

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(times(out.a, _log_share(out, y)) / 2, A)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        share = times(y, 1 / (out.a + y))
        return Slope(times(d.a, _log_share(out, y) + share) / 2, A)


def _log_share(out: Output, y: Array) -> Array:
    """log(a / m), m = (a + y) / 2."""
    return np.where(y == 0, LOG_2, LOG_2 - np.logaddexp(0, np.log(y) - out.log))
