"""Lion."""

from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from anymax.optim.optimizer import MOMENT, Optimizer, Rate, checked_share
from anymax.types import Array


@dataclass(eq=False, repr=False)
class Lion(Optimizer):
    """theta = (1 - lr decay) theta - lr sign(beta1 m + (1 - beta1) g).

    Then m = beta2 m + (1 - beta2) g, which starts at 0. Each component moves by lr, so
    that lr is best a tenth of Adam's; the decay acts as AdamW's.

    Args: `lr` > 0, or a function of the number of steps taken; `decay` >= 0; `betas`,
    both in [0, 1); `clip_norm`, `clip_value` and `average` as in every Optimizer.
    Raises ValueError for others.
    Source: Chen et al., NeurIPS 2023, arXiv:2302.06675.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0, 1.0, 1.0])
    >>> am.Lion(0.1).step(theta, np.array([2.0, 0.0, -0.01]))
    >>> theta
    array([0.9, 1. , 1.1])
    """

    lr: Rate = 1e-4
    _: KW_ONLY
    decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    mean: Array = field(init=False, metadata=MOMENT)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What its kernel takes."""
        return self.betas

    def check(self) -> None:
        for beta in self.betas:
            checked_share(beta, "betas")

    def move(self, gradient: Array, rate: float) -> Array:
        one, two = self.betas
        change = rate * np.sign(one * self.mean + (1 - one) * gradient)
        self.mean += (1 - two) * (gradient - self.mean)
        return change
