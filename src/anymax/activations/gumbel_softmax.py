"""GumbelSoftmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymax.activations.softmax import log_softmax, log_total, softmax
from anymax.activations.tempered import Tempered
from anymax.jacobian import Centering, Jacobian
from anymax.monomial import A
from anymax.noise import Key
from anymax.rows import kept, largest
from anymax.sets import Simplex
from anymax.target import times
from anymax.trainable import Trainable
from anymax.types import Array, Mask


class GumbelSoftmax(Tempered):
    """a = softmax((z + G) / T), G independent standard Gumbel noise; J at z + G.

    A sample of the relaxed categorical distribution with logits z. With a key the noise
    is added to z once, before anything else sees it, and is the same for the same key;
    without a key there is none and the map is softmax. Shapes (..., n).

    Args: `temperature` T > 0, a number or a Trainable; `hard` gives one-hot rows
    forward and the derivative of the soft ones (straight-through, so `exact` is False
    and no derivative test applies); `axis`.
    Raises ValueError for a temperature <= 0.
    Sources: Jang, Gu and Poole, ICLR 2017, arXiv:1611.01144; Maddison, Mnih and Teh,
    ICLR 2017, arXiv:1611.00712.

    >>> import anymax as am
    >>> am.GumbelSoftmax()([1.0, 2.0])
    array([0.26894142, 0.73105858])
    >>> noisy = am.GumbelSoftmax()([1.0, 2.0], key=am.Key(seed=0))
    >>> bool(abs(noisy.sum() - 1) < 1e-12)
    True
    """

    range = Simplex(closed=False)
    convex = frozenset({"sum"})
    concave = frozenset({"log"})

    def __init__(
        self,
        *,
        temperature: float | Trainable = 1.0,
        hard: bool = False,
        axis: int = -1,
    ) -> None:
        self.temperature = self.heat(temperature)
        self.hard, self.axis = hard, axis
        if hard:
            self.exact, self.range = False, Simplex()

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """What its kernel takes, a softmax's; there is none for one-hot rows."""
        return None if self.hard else (self.temperature,)

    def perturb(self, z: Array, *, key: Any = None) -> Array:
        if key is None:
            return z
        if not isinstance(key, Key):
            raise TypeError(f"key needs am.Key(seed=0) or None; got {key!r}.")
        u = key.uniform(z.shape, z.dtype)
        return z - np.log(-np.log(u))

    def apply(self, z: Array, mask: Mask = None) -> Array:
        soft = softmax(z / self.temperature, mask)
        return self._hardened(soft) if self.hard else soft

    def _hardened(self, soft: Array) -> Array:
        return np.where(soft > 0, largest(soft), soft * 0).astype(soft.dtype)

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        scaled = kept(z / self.temperature, mask)
        soft = softmax(scaled, mask) if self.hard else a
        return Centering(soft, A, 1 / self.temperature, support=mask, logits=scaled)

    def log(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return np.log(a) if self.hard else log_softmax(z / self.temperature, mask)

    def log_normalizer(
        self, z: Array, a: Array, mask: Mask = None
    ) -> tuple[Array, Array]:
        scaled = kept(z / self.temperature, mask)
        return log_total(scaled, mask), softmax(scaled, mask) / self.temperature

    def log_normalizer_derivative(
        self, z: Array, a: Array, v: Array, mask: Mask = None
    ) -> Array:
        return self.structure(z, a, mask).jvp(v) / self.temperature

    def potential(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return self.temperature * log_total(z / self.temperature, mask)

    def conjugate(self, y: Array) -> Array:
        return self.temperature * times(y, np.log(y)).sum(-1)
