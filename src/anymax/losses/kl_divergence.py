"""KLDivergence."""

import numpy as np

from anymax.loss import Loss
from anymax.monomial import A, Slope
from anymax.output import Output, Tangent
from anymax.sets import POSITIVE, SIMPLEX, Set
from anymax.target import times
from anymax.types import Array


class KLDivergence(Loss):
    """sum y log(y / a), with 0 log 0 = 0; dL/da = -y / a, kept as a fraction.

    Targets: rows of the simplex. Outputs > 0, meant for the simplex, where the value is
    >= 0 and 0 at a = y alone. Cross-entropy less the entropy of the targets: the same
    gradient. Infinite where an output is 0 and its target is not.
    Source: Kullback and Leibler, Ann. Math. Stat. 22, 1951,
    doi:10.1214/aoms/1177729694.

    >>> import anymax as am
    >>> am.KLDivergence().value([[0.5, 0.5]], [[0.0, 1.0]]).round(4)
    array([0.6931])
    """

    domain = POSITIVE
    meant = SIMPLEX
    targets = SIMPLEX
    convex = True
    falling = frozenset({"log"})

    def doubt(self, range: Set) -> str:
        return (
            "the KL divergence of outputs that do not sum to one is not smallest at "
            "a = y: nothing holds the outputs down; use Softmax, or Poisson."
        )

    def rows(self, out: Output, y: Array) -> Array:
        return times(y, np.log(y) - out.log).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(-y, A)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.zeros_like(y), A)
