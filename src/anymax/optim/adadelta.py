"""AdaDelta."""

from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from anymax.optim.optimizer import (
    MOMENT,
    Optimizer,
    Rate,
    checked_positive,
    checked_share,
)
from anymax.types import Array


@dataclass(eq=False, repr=False)
class AdaDelta(Optimizer):
    """d = sqrt(u + eps) / sqrt(s + eps) g; theta = theta - lr d.

    s = rho s + (1 - rho) g^2 before, u = rho u + (1 - rho) d^2 after; both start at 0,
    so that eps sets the size of the first steps.

    Args: `lr` > 0, or a function of the number of steps taken, 1 as published; `rho` in
    [0, 1); `eps` > 0; `clip_norm`, `clip_value` and `average` as in every Optimizer.
    Raises ValueError for others.
    Source: Zeiler, 2012, arXiv:1212.5701.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0])
    >>> am.AdaDelta(rho=0.75, eps=1.0).step(theta, np.array([2.0]))
    >>> theta.round(6)
    array([-0.414214])
    """

    lr: Rate = 1.0
    _: KW_ONLY
    rho: float = 0.95
    eps: float = 1e-6
    square: Array = field(init=False, metadata=MOMENT)
    moved: Array = field(init=False, metadata=MOMENT)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What its kernel takes."""
        return self.rho, self.eps

    def check(self) -> None:
        checked_share(self.rho, "rho")
        checked_positive(self.eps, f"{self.name} eps")

    def move(self, gradient: Array, rate: float) -> Array:
        self.square += (1 - self.rho) * (gradient**2 - self.square)
        change = np.sqrt((self.moved + self.eps) / (self.square + self.eps)) * gradient
        self.moved += (1 - self.rho) * (change**2 - self.moved)
        return rate * change
