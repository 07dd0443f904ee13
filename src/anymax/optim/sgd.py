"""SGD."""

from dataclasses import KW_ONLY, dataclass, field

from anymax.optim.optimizer import MOMENT, Optimizer, Rate, checked_share
from anymax.types import Array


@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """u = momentum u + g; theta = theta - lr u, or with nesterov - lr (g + momentum u).

    PyTorch's form: the rate stays outside the velocity u, which starts at 0.

    Args: `lr` > 0, or a function of the number of steps taken; `momentum` in [0, 1);
    `nesterov`, to look ahead by the momentum, which then must not be 0; `clip_norm`,
    `clip_value` and `average` as in every Optimizer.
    Raises ValueError for others.
    Sources: Polyak, 1964, doi:10.1016/0041-5553(64)90137-5; nesterov as in Sutskever
    et al., ICML 2013.

    >>> import numpy as np, anymax as am
    >>> theta = np.array([1.0])
    >>> am.SGD(0.1).step(theta, np.array([2.0]))
    >>> theta
    array([0.8])
    """

    lr: Rate = 0.01
    _: KW_ONLY
    momentum: float = 0.0
    nesterov: bool = False
    velocity: Array = field(init=False, metadata=MOMENT)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What its kernel takes."""
        return self.momentum, self.nesterov

    def check(self) -> None:
        checked_share(self.momentum, "momentum")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs momentum > 0; got 0. Pass momentum=0.9.")

    def move(self, gradient: Array, rate: float) -> Array:
        if not self.momentum:
            return rate * gradient
        self.velocity *= self.momentum
        self.velocity += gradient
        if not self.nesterov:
            return rate * self.velocity
        return rate * (gradient + self.momentum * self.velocity)
