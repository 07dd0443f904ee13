"""NegativeLogLikelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, REALS, SIMPLEX, LogSimplex, Set
from anymax.target import times
from anymax.types import Array


class NegativeLogLikelihood(Loss):
    """- sum y a, the outputs being log-probabilities; dL/da = -y.

    Targets: class indices, or rows of the simplex. Any real outputs, meant for
    logarithms of the simplex. After LogSoftmax it is the same computation as softmax
    before cross-entropy: the gradient is sum(y) softmax(z) - y.

    Args: `class_weight` (n,), multiplied into the targets, their sum dividing the mean;
    `ignore_index`, a class index that counts nowhere.
    Raises DomainError for targets out of range.
    Source: Fisher, Philos. Trans. R. Soc. A 222, 1922, doi:10.1098/rsta.1922.0009.

    >>> import numpy as np
    >>> import anymax as am
    >>> am.NegativeLogLikelihood().value(np.log([[0.25, 0.75]]), [1]).round(4)
    array([0.2877])
    """

    domain = REALS
    meant = LogSimplex()
    targets = CLASSES | SIMPLEX
    convex = True
    falling = frozenset({"a"})

    def __init__(
        self, *, class_weight: ArrayLike | None = None, ignore_index: int | None = None
    ) -> None:
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index

    def doubt(self, range: Set) -> str:
        if range == REALS:
            return (
                "the negative log-likelihood takes log-probabilities: right where the "
                "outputs are that already, else use LogSoftmax."
            )
        return (
            f"the negative log-likelihood takes log-probabilities; these are {range}: "
            "use LogSoftmax, or CrossEntropy on probabilities."
        )

    def rows(self, out: Output, y: Array) -> Array:
        return -times(y, out.a).sum(-1)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(-y)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.zeros_like(y))
