"""LogTaylor."""

from __future__ import annotations

from numpy.typing import ArrayLike

from anymax.loss import as_class_weight
from anymax.losses.quadratic_normalizer import QuadraticNormalizer


class LogTaylor(QuadraticNormalizer):
    """- sum y log p with p = f(a) / sum f(a), f(a) = 1 + a + a^2 / 2.

    dL/da = (p sum(y) - y) (1 + a) / f(a). Cross-entropy with exp replaced by its Taylor
    polynomial of order 2, on raw outputs: any real numbers, shapes (..., n). Targets:
    class indices, or rows of the simplex. f is smallest, 1/2, at a = -1: below that a
    class gets more likely again. A member of the spherical family: it depends on the
    target's output, the sum and the sum of squares alone.

    Args: `class_weight` (n,), multiplied into the targets, their sum dividing the mean;
    `ignore_index`, a class index that counts nowhere.
    Source: de Brebisson and Vincent, ICLR 2016, arXiv:1511.05042.

    >>> import anymax as am
    >>> am.LogTaylor().value([[0.0, 2.0]], [1]).round(4)
    array([0.1823])
    """

    shift = 1.0
    floor = 1.0

    def __init__(
        self, *, class_weight: ArrayLike | None = None, ignore_index: int | None = None
    ) -> None:
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index
