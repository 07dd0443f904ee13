"""Schedules: learning rates as functions of the number of steps taken."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from anymax.optim.schedule import (
    OnPlateau,
    Schedule,
    check_minimum,
    check_positive,
    check_share,
    check_whole,
)


@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    """The same rate at every step.

    >>> import anymax as am
    >>> am.Constant(0.1)(1000)
    0.1
    """

    rate: float

    def __post_init__(self) -> None:
        check_positive(self, "rate")

    @classmethod
    def sample(cls) -> Constant:
        return cls(0.1)

    def __call__(self, step: int) -> float:
        return self.rate


@dataclass(frozen=True, repr=False)
class StepDecay(Schedule):
    """rate factor^k after k times `every` steps.

    Args: `rate` > 0; `every`, a number of steps; `factor` in (0, 1].
    Raises ValueError for others.

    >>> import anymax as am
    >>> am.StepDecay(1.0, 10, factor=0.5)(25)
    0.25
    """

    rate: float
    every: int
    factor: float = field(default=0.1, kw_only=True)

    def __post_init__(self) -> None:
        check_positive(self, "rate")
        check_whole(self, "every")
        check_share(self, "factor")

    @classmethod
    def sample(cls) -> StepDecay:
        return cls(0.1, 100)

    def __call__(self, step: int) -> float:
        return self.rate * self.factor ** (step // self.every)


@dataclass(frozen=True, repr=False)
class Cosine(Schedule):
    """minimum + (rate - minimum) (1 + cos(pi t)) / 2, t = step / steps, at most 1.

    Args: `rate` > 0, where it starts; `steps`, after which it stays at `minimum`, in
    [0, rate].
    Raises ValueError for others.
    Source: Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983, without restarts.

    >>> import anymax as am
    >>> round(am.Cosine(1.0, 100)(50), 6)
    0.5
    """

    rate: float
    steps: int
    minimum: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_positive(self, "rate")
        check_whole(self, "steps")
        check_minimum(self, self.minimum, self.rate)

    @classmethod
    def sample(cls) -> Cosine:
        return cls(0.1, 1000)

    def __call__(self, step: int) -> float:
        return _eased(self.rate, self.minimum, step / self.steps)


@dataclass(frozen=True, repr=False)
class Warmup(Schedule):
    """(step + 1) / steps of the first rate of `after`, then `after` from its start.

    Args: `after`, a rate > 0 or another schedule; `steps`, how long the rise takes.
    Raises ValueError for others.
    Source: Goyal et al., 2017, arXiv:1706.02677.

    >>> import anymax as am
    >>> rate = am.Warmup(am.Cosine(1.0, 100), 4)
    >>> [round(rate(step), 6) for step in (0, 1, 2, 3, 4, 54)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.5]
    """

    after: float | Schedule
    steps: int

    def __post_init__(self) -> None:
        check_whole(self, "steps")
        if not isinstance(self.after, Schedule):
            check_positive(self, "after")

    @classmethod
    def sample(cls) -> Warmup:
        return cls(0.1, 100)

    @property
    def plateau(self) -> OnPlateau | None:
        return self.after.plateau if isinstance(self.after, Schedule) else None

    def __call__(self, step: int) -> float:
        later = max(step - self.steps, 0)
        rate = self.after(later) if isinstance(self.after, Schedule) else self.after
        return rate * min((step + 1) / self.steps, 1.0)


@dataclass(frozen=True, repr=False)
class OneCycle(Schedule):
    """Up a cosine from start * rate to rate, and down another to end * rate.

    The rise takes the share `rise` of the steps, the fall the rest; then it stays.

    Args: `rate` > 0, the highest; `steps`, the length of the cycle; `rise` in (0, 1);
    `start` and `end`, in (0, 1].
    Raises ValueError for others.
    Source: Smith and Topin, 2017, arXiv:1708.07120, eased as fast.ai does.

    >>> import anymax as am
    >>> rate = am.OneCycle(1.0, 100, start=0.04, end=0.0001)
    >>> [round(rate(step), 6) for step in (0, 15, 30, 65, 100)]
    [0.04, 0.52, 1.0, 0.50005, 0.0001]
    """

    rate: float
    steps: int
    rise: float = field(default=0.3, kw_only=True)
    start: float = field(default=0.04, kw_only=True)
    end: float = field(default=4e-6, kw_only=True)

    def __post_init__(self) -> None:
        check_positive(self, "rate")
        check_whole(self, "steps")
        check_share(self, "start")
        check_share(self, "end")
        if not 0 < self.rise < 1:
            raise ValueError(f"OneCycle needs rise in (0, 1); got {self.rise:g}.")

    @classmethod
    def sample(cls) -> OneCycle:
        return cls(0.1, 1000)

    def __call__(self, step: int) -> float:
        top = self.rise * self.steps
        if step < top:
            return _eased(self.start * self.rate, self.rate, step / top)
        fallen = (step - top) / (self.steps - top)
        return _eased(self.rate, self.end * self.rate, fallen)


def _eased(start: float, end: float, share: float) -> float:
    """Half a cosine wave from start to end, as the share goes from 0 to 1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(share, 1.0)))
