"""RMSProp."""

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
class RMSProp(Optimizer):
    """s = rho s + (1 - rho) g^2; theta = theta - lr g / (sqrt(s) + eps).

    With momentum, u = momentum u + g / (sqrt(s) + eps) and theta = theta - lr u. If
    centered, s is the running variance of g instead, s - m^2 with m = rho m + (1 - rho)
    g, in a form that is never negative: rho s + rho (1 - rho) (g - m)^2 with the m
    before. All start at 0.

    Args: `lr` > 0, or a function of the number of steps taken; `rho` and `momentum`, in
    [0, 1); `centered`; `eps` > 0, the published bound on the step where gradients
    vanish; `clip_norm`, `clip_value` and `average` as in every Optimizer.
    Raises ValueError for others.
    Sources: Tieleman and Hinton, lecture 6.5 of Neural Networks for Machine Learning,
    2012; centered as in Graves, 2013, arXiv:1308.0850.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0])
    >>> am.RMSProp(0.1, rho=0.75).step(theta, np.array([2.0]))
    >>> theta.round(6)
    array([0.8])
    """

    lr: Rate = 1e-3
    _: KW_ONLY
    rho: float = 0.9
    momentum: float = 0.0
    centered: bool = False
    eps: float = 1e-8
    mean: Array = field(init=False, metadata=MOMENT)
    square: Array = field(init=False, metadata=MOMENT)
    velocity: Array = field(init=False, metadata=MOMENT)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What its kernel takes."""
        return self.rho, self.momentum, self.centered, self.eps

    def check(self) -> None:
        checked_share(self.rho, "rho")
        checked_share(self.momentum, "momentum")
        checked_positive(self.eps, f"{self.name} eps")

    def move(self, gradient: Array, rate: float) -> Array:
        away, share = gradient - self.mean, 1 - self.rho
        self.square *= self.rho
        self.square += (share * self.rho if self.centered else share) * away**2
        if self.centered:
            self.mean += share * away
        change = gradient / (np.sqrt(self.square) + self.eps)
        if not self.momentum:
            return rate * change
        self.velocity *= self.momentum
        self.velocity += change
        return rate * self.velocity
