"""Softmax."""

from __future__ import annotations

import numpy as np

from anymax.activations.tempered import Tempered
from anymax.jacobian import Centering, Jacobian
from anymax.monomial import A
from anymax.rows import kept, largest, logsumexp
from anymax.sets import Simplex
from anymax.target import times
from anymax.trainable import Trainable
from anymax.types import Array, Mask, add


class Softmax(Tempered):
    """a = exp(z / T) / sum exp(z / T); J = (diag(a) - a a^T) / T.

    A centering of weight a / T, so it cancels against every loss whose slope is over a
    power of a: before cross-entropy the gradient is a sum(y) - y. Shapes (..., n) to
    (..., n); a row of all -inf is NaN without a mask, and zeros where a mask keeps
    nothing. The largest logit is subtracted first, so nothing overflows.

    Args: `temperature` T > 0, a number or a Trainable; `axis`.
    Raises ValueError for a temperature <= 0.
    Source: Bridle, Neurocomputing, 1990, doi:10.1007/978-3-642-76153-9_28.

    >>> import anymax as am
    >>> am.Softmax()([1.0, 2.0])
    array([0.26894142, 0.73105858])
    >>> am.Softmax().jacobian([1.0, 2.0]).dense().round(8)
    array([[ 0.19661193, -0.19661193],
           [-0.19661193,  0.19661193]])
    """

    range = Simplex(closed=False)
    convex = frozenset({"sum"})
    concave = frozenset({"log"})

    def __init__(self, *, temperature: float | Trainable = 1.0, axis: int = -1) -> None:
        self.temperature = self.heat(temperature)
        self.axis = axis

    def apply(self, z: Array, mask: Mask = None) -> Array:
        return softmax(z / self.temperature, mask)

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        scaled = kept(z / self.temperature, mask)
        return Centering(a, A, 1 / self.temperature, support=mask, logits=scaled)

    def log(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return log_softmax(z / self.temperature, mask)

    def log_normalizer(
        self, z: Array, a: Array, mask: Mask = None
    ) -> tuple[Array, Array]:
        value = log_total(z / self.temperature, mask)
        return value, a / self.temperature

    def log_normalizer_derivative(
        self, z: Array, a: Array, v: Array, mask: Mask = None
    ) -> Array:
        return self.structure(z, a, mask).jvp(v) / self.temperature

    def potential(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return self.temperature * log_total(z / self.temperature, mask)

    def conjugate(self, y: Array) -> Array:
        return self.temperature * times(y, np.log(y)).sum(-1)


def softmax(z: Array, mask: Mask = None) -> Array:
    """exp(z - max) over its sum on the last axis; zeros for what is masked off."""
    z = kept(z, mask)
    if z.shape[-1] == 0:
        return z
    best = z.max(-1, keepdims=True)
    if mask is not None:
        best = np.where(mask.any(-1, keepdims=True), best, 0)
    e = np.exp(z - best)
    total = add(e)
    return e / (
        total if mask is None else np.where(mask.any(-1, keepdims=True), total, 1)
    )


def log_softmax(z: Array, mask: Mask = None) -> Array:
    """z - max - log1p(sum of the others' exp(z - max)); -inf for what is masked off.

    The largest is left out of the sum, so that its logarithm keeps its digits near 0.
    """
    z = kept(z, mask)
    if z.shape[-1] == 0:
        return z
    best = z.max(-1, keepdims=True)
    if mask is not None:
        best = np.where(mask.any(-1, keepdims=True), best, 0)
    shifted = z - best
    others = add(np.where(largest(shifted), 0, np.exp(shifted)))
    return shifted - np.log1p(others)


def log_total(z: Array, mask: Mask = None) -> Array:
    """log sum exp of what is kept, (...); 0 where a mask keeps nothing."""
    total = logsumexp(kept(z, mask))[..., 0]
    return total if mask is None else np.where(mask.any(-1), total, 0)
