"""What Adam and AdamW share: two running means, corrected for their start."""

from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from anymax.optim.optimizer import (
    MOMENT,
    Optimizer,
    checked_positive,
    checked_share,
)
from anymax.types import Array


@dataclass(eq=False, repr=False)
class Moments(Optimizer):
    """lr m' / (sqrt(s') + eps), m and s running means of g and g^2.

    m = beta1 m + (1 - beta1) g and s = beta2 s + (1 - beta2) g^2 start at 0, and m' and
    s' are divided by 1 - beta1^t and 1 - beta2^t at step t.
    """

    _: KW_ONLY
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    mean: Array = field(init=False, metadata=MOMENT)
    square: Array = field(init=False, metadata=MOMENT)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What its kernel takes."""
        return *self.betas, self.eps

    def check(self) -> None:
        for beta in self.betas:
            checked_share(beta, "betas")
        checked_positive(self.eps, f"{self.name} eps")

    def move(self, gradient: Array, rate: float) -> Array:
        one, two = self.betas
        self.mean += (1 - one) * (gradient - self.mean)
        self.square += (1 - two) * (gradient**2 - self.square)
        mean = self.mean / (1 - one**self.steps)
        return rate * mean / (np.sqrt(self.square / (1 - two**self.steps)) + self.eps)
