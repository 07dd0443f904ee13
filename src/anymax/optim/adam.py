"""Adam."""

from dataclasses import dataclass

from anymax.optim.moments import Moments
from anymax.optim.optimizer import Rate


@dataclass(eq=False, repr=False)
class Adam(Moments):
    """theta = theta - lr m' / (sqrt(s') + eps), m and s running means of g and g^2.

    m = beta1 m + (1 - beta1) g and s = beta2 s + (1 - beta2) g^2 start at 0, and m' and
    s' are divided by 1 - beta1^t and 1 - beta2^t at step t.

    Args: `lr` > 0, or a function of the number of steps taken; `betas`, both in [0, 1);
    `eps` > 0, the published bound on the step where gradients vanish; `clip_norm`,
    `clip_value` and `average` as in every Optimizer.
    Raises ValueError for others.
    Source: Kingma and Ba, ICLR 2015, arXiv:1412.6980.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0])
    >>> am.Adam(0.1).step(theta, np.array([2.0]))
    >>> theta.round(6)
    array([0.9])
    """

    lr: Rate = 1e-3
