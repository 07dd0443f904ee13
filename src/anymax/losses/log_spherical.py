"""LogSpherical."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from anymax.loss import as_class_weight
from anymax.losses.quadratic_normalizer import QuadraticNormalizer


class LogSpherical(QuadraticNormalizer):
    """- sum y log p with p = (a^2 + eps) / sum (a^2 + eps).

    dL/da = 2 a (p sum(y) - y) / (a^2 + eps), on raw outputs: any real numbers, shapes
    (..., n). Targets: class indices, or rows of the simplex. Even in each output: its
    sign is lost, and 0 is a stationary point. `eps` is part of the model, what an
    output of 0 weighs; slopes reach 1 / sqrt(eps). A member of the spherical family.

    Args: `eps` > 0; `class_weight` (n,), multiplied into the targets, their sum
    dividing the mean; `ignore_index`, a class index that counts nowhere.
    Raises ValueError for eps <= 0.
    Source: de Brebisson and Vincent, ICLR 2016, arXiv:1511.05042.

    >>> import anymax as am
    >>> am.LogSpherical(eps=1.0).value([[0.0, 2.0]], [1]).round(4)
    array([0.1823])
    """

    shift = 0.0

    def __init__(
        self,
        *,
        eps: float = 0.01,
        class_weight: ArrayLike | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if not 0 < eps < math.inf:
            raise ValueError(f"LogSpherical needs a finite eps > 0; got {eps:g}.")
        self.eps, self.floor = float(eps), math.sqrt(eps)
        self.class_weight = as_class_weight(class_weight)
        self.ignore_index = ignore_index
