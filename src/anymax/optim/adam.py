"""Adam."""

import numpy as np

from anymax.optim.optimizer import Optimizer, Rate, checked_rate, checked_share
from anymax.types import Array


class Adam(Optimizer):
    """theta = theta - lr m' / (sqrt(s') + eps), m and s running means of g and g^2.

    m = beta1 m + (1 - beta1) g and s = beta2 s + (1 - beta2) g^2 start at 0, and m' and
    s' are divided by 1 - beta1^t and 1 - beta2^t at step t.

    Args: `lr` > 0, or a function of the number of steps taken; `betas`, both in [0, 1);
    `eps` > 0, the published bound on the step where gradients vanish.
    Raises ValueError for others.
    Source: Kingma and Ba, ICLR 2015, arXiv:1412.6980.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0])
    >>> am.Adam(0.1).step(theta, np.array([2.0]))
    >>> theta.round(6)
    array([0.9])
    """

    def __init__(
        self,
        lr: Rate = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.lr = checked_rate(lr, "Adam")
        for beta in betas:
            checked_share(beta, "betas")
        if not eps > 0:
            raise ValueError(f"Adam needs eps > 0; got {eps:g}.")
        self.betas, self.eps = betas, eps

    def start(self, parameters: Array) -> None:
        self.mean, self.square = np.zeros_like(parameters), np.zeros_like(parameters)

    def move(self, gradient: Array, rate: float) -> Array:
        one, two = self.betas
        self.mean += (1 - one) * (gradient - self.mean)
        self.square += (1 - two) * (gradient**2 - self.square)
        mean = self.mean / (1 - one**self.steps)
        return rate * mean / (np.sqrt(self.square / (1 - two**self.steps)) + self.eps)
