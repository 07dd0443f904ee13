"""Poisson."""

from anymax.loss import Loss
from anymax.monomial import A, Slope
from anymax.output import Output, Tangent
from anymax.sets import NOT_NEGATIVE, POSITIVE
from anymax.target import times
from anymax.types import Array


class Poisson(Loss):
    """sum a - y log a: counts y of mean a; dL/da = (a - y) / a, kept as a fraction.

    Without the constant log y!, so it may be negative. Targets >= 0, outputs > 0; log a
    is asked of the activation. Smallest at a = y; after Exp the gradient is a - y.
    Convex in a.
    Source: Nelder and Wedderburn, J. R. Stat. Soc. A 135, 1972, doi:10.2307/2344614.

    >>> import anymax as am
    >>> am.Poisson().value([[1.0, 2.0]], [[3, 0]])
    array([3.])
    """

    domain = POSITIVE
    targets = NOT_NEGATIVE
    convex = True
    rising = frozenset({"sum"})
    falling = frozenset({"log"})

    def rows(self, out: Output, y: Array) -> Array:
        return (out.a - times(y, out.log)).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(out.a - y, A)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(d.a, A)
