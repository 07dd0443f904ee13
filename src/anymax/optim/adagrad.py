"""Adagrad."""

from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from anymax.optim.optimizer import MOMENT, Optimizer, Rate, checked_positive
from anymax.types import Array


@dataclass(eq=False, repr=False)
class Adagrad(Optimizer):
    """s = s + g^2; theta = theta - lr g / (sqrt(s) + eps).

    Args: `lr` > 0, or a function of the number of steps taken; `initial` >= 0, where s
    starts; `eps` > 0, the published bound on the step where gradients vanish;
    `clip_norm`, `clip_value` and `average` as in every Optimizer.
    Raises ValueError for others.
    Source: Duchi, Hazan and Singer, JMLR 12, 2011.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0])
    >>> am.Adagrad(0.1).step(theta, np.array([2.0]))
    >>> theta.round(6)
    array([0.9])
    """

    lr: Rate = 0.01
    _: KW_ONLY
    initial: float = 0.0
    eps: float = 1e-10
    square: Array = field(init=False, metadata=MOMENT)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What its kernel takes."""
        return self.initial, self.eps

    def check(self) -> None:
        checked_positive(self.eps, f"{self.name} eps")
        if not 0 <= self.initial < np.inf:
            raise ValueError(f"Adagrad needs initial >= 0; got {self.initial:g}.")

    def move(self, gradient: Array, rate: float) -> Array:
        self.square += gradient**2
        return rate * gradient / (np.sqrt(self.square + self.initial) + self.eps)
