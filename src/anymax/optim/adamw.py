"""AdamW."""

from dataclasses import KW_ONLY, dataclass

from anymax.optim.moments import Moments
from anymax.optim.optimizer import Rate


@dataclass(eq=False, repr=False)
class AdamW(Moments):
    """theta = (1 - lr decay) theta - lr m' / (sqrt(s') + eps), with Adam's m' and s'.

    The decay acts on the parameters itself, not through the gradient, so that the
    running means do not see it; where a parameter is declared `decay=False` it is left
    out. l2 of an objective is the other kind.

    Args: `lr` > 0, or a function of the number of steps taken; `decay` >= 0; `betas`,
    both in [0, 1); `eps` > 0, the published bound on the step where gradients vanish;
    `clip_norm`, `clip_value` and `average` as in every Optimizer.
    Raises ValueError for others.
    Source: Loshchilov and Hutter, ICLR 2019, arXiv:1711.05101.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0, 1.0])
    >>> decays = np.array([True, False])
    >>> am.AdamW(0.1, decay=0.5).step(theta, np.array([2.0, 2.0]), decays)
    >>> theta.round(6)
    array([0.85, 0.9 ])
    """

    lr: Rate = 1e-3
    _: KW_ONLY
    decay: float = 0.01
