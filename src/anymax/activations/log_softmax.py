"""LogSoftmax."""

from __future__ import annotations

from anymax.activations.softmax import log_softmax, softmax
from anymax.activations.tempered import Tempered
from anymax.jacobian import Centering, Jacobian, Log
from anymax.monomial import A
from anymax.rows import kept
from anymax.sets import LogSimplex
from anymax.trainable import Trainable
from anymax.types import Array, Mask


class LogSoftmax(Tempered):
    """a = z / T - log sum exp(z / T); J = (I - 1 p^T) / T with p = exp(a).

    The logarithm of softmax, computed from z. Shapes (..., n); masked entries are -inf.
    Before the negative log-likelihood it is the same computation as softmax before
    cross-entropy, to the last digit of gradient and Hessian product.

    Args: `temperature` T > 0, a number or a Trainable; `axis`.
    Raises ValueError for a temperature <= 0.

    >>> import anymax as am
    >>> am.LogSoftmax()([1.0, 2.0])
    array([-1.31326169, -0.31326169])
    """

    range = LogSimplex()
    concave = frozenset({"a"})
    monotone = False
    unmatched = "its Jacobian is not symmetric"

    def __init__(self, *, temperature: float | Trainable = 1.0, axis: int = -1) -> None:
        self.temperature = self.heat(temperature)
        self.axis = axis

    def apply(self, z: Array, mask: Mask = None) -> Array:
        return log_softmax(z / self.temperature, mask)

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        scaled = kept(z / self.temperature, mask)
        factor = 1 / self.temperature
        p = softmax(scaled, mask)
        return Log(Centering(p, A, factor, support=mask, logits=scaled))
