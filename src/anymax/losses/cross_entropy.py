"""CrossEntropy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from anymax.loss import Loss, as_class_weight
from anymax.losses.smoothing import DIALECTS, Dialect, smoothed
from anymax.monomial import A, Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, NOT_NEGATIVE, POSITIVE, SIMPLEX, Set
from anymax.target import times
from anymax.types import Array, Mask


class CrossEntropy(Loss):
    """- sum y log a, plus z_loss * log_normalizer^2; dL/da = -y / a, as a fraction.

    Targets: class indices, or rows y >= 0 (distributions as a rule). Outputs > 0, meant
    for the simplex; log a is asked of the activation. After softmax the gradient is
    a sum(y) - y and the Hessian sum(y) (diag(a) - a a^T).

    Args: `label_smoothing` in [0, 1], by `dialect` "torch" (default), "keras" or
    "classic", each formula in `anymax.losses.smoothing`; `class_weight` (n,),
    multiplied into the targets, their sum dividing the mean; `ignore_index`, a class
    index that counts nowhere; `z_loss` >= 0, the weight of the squared log-normaliser.
    Raises DomainError for targets out of range, TypeError for z_loss after a map that
    has no log-normaliser.
    Sources: Good, J. R. Stat. Soc. B 14, 1952; smoothing: Szegedy et al., CVPR 2016,
    arXiv:1512.00567; z_loss: Devlin et al., ACL 2014, and PaLM, arXiv:2204.02311.

    >>> import anymax as am
    >>> pair = am.Pair(am.Softmax(), am.CrossEntropy())
    >>> pair.gradient([[1.0, 2.0]], [1]).round(4)
    array([[ 0.2689, -0.2689]])
    """

    domain = POSITIVE
    meant = SIMPLEX
    targets = CLASSES | NOT_NEGATIVE
    convex = True
    falling = frozenset({"log"})

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        class_weight: ArrayLike | None = None,
        ignore_index: int | None = None,
        z_loss: float = 0.0,
        dialect: Dialect = "torch",
    ) -> None:
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing needs 0 to 1; got {label_smoothing:g}.")
        if not z_loss >= 0:
            raise ValueError(f"z_loss needs a weight >= 0; got {z_loss:g}.")
        if dialect not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise ValueError(f"dialect needs one of {known}; got {dialect!r}.")
        self.label_smoothing, self.z_loss = float(label_smoothing), float(z_loss)
        self.dialect = dialect
        self.class_weight, self.ignore_index = (
            as_class_weight(class_weight),
            ignore_index,
        )
        self.needs = frozenset({"log_normalizer"} if z_loss else ())

    def smooth(self, y: Array, mask: Mask) -> Array:
        return smoothed(y, self.label_smoothing, self.class_weight, self.dialect, mask)

    def doubt(self, range: Set) -> str:
        if np.isinf(range.hull.high):
            return (
                "cross-entropy has no minimum after outputs without an upper bound: "
                "the target's output grows for ever; Poisson has one."
            )
        return (
            "cross-entropy after outputs that do not sum to one never pushes the other "
            "outputs down; use Softmax, or BinaryCrossEntropy."
        )

    def rows(self, out: Output, y: Array) -> Array:
        value = -times(y, out.log).sum(-1)
        if not self.z_loss:
            return value
        return value + self.z_loss * out.log_normalizer[0] ** 2

    def slope(self, out: Output, y: Array) -> Slope:
        if not self.z_loss:
            return Slope(-y, A)
        value, gradient = out.log_normalizer
        past = 2 * self.z_loss * times(gradient, value[..., None])
        return Slope(-y, A, past)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        still = np.zeros_like(y)
        if not self.z_loss:
            return Slope(still, A)
        value, gradient = out.log_normalizer
        moved, turned = d.log_normalizer
        past = times(gradient, moved[..., None]) + times(turned, value[..., None])
        return Slope(still, A, 2 * self.z_loss * past)
