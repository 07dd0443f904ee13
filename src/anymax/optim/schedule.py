"""Schedule: a learning rate by steps; and the one that waits for losses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from anymax.described import Described

Numbers: TypeAlias = dict[str, float]


class Schedule(Described, ABC):
    """The learning rate for the step that comes after `step` others."""

    @property
    def plateau(self) -> OnPlateau | None:
        """The part of it that waits for losses, if there is one."""
        return None

    @abstractmethod
    def __call__(self, step: int) -> float:
        """The rate, >= 0."""


@dataclass(repr=False)
class OnPlateau(Schedule):
    """rate factor^k after k waits in vain, at least minimum.

    A wait in vain is `patience` epochs, one behind the other, none with a loss below
    the lowest before. `fit` reports each epoch's loss: of validation, if there is one.

    Args: `rate` > 0; `factor` in (0, 1]; `patience`, a number of epochs; `minimum` in
    [0, rate].
    Raises ValueError for others.

    >>> import anymax as am
    >>> rate = am.OnPlateau(1.0, factor=0.5, patience=2)
    >>> for loss in (3.0, 2.0, 2.5, 2.1):
    ...     rate.report(loss)
    >>> rate(0)
    0.5
    """

    rate: float
    factor: float = field(default=0.1, kw_only=True)
    patience: int = field(default=10, kw_only=True)
    minimum: float = field(default=0.0, kw_only=True)
    best: float = field(default=math.inf, init=False)
    waited: int = field(default=0, init=False)
    cuts: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        check_positive(self, "rate")
        check_share(self, "factor")
        check_whole(self, "patience")
        check_minimum(self, self.minimum, self.rate)

    @classmethod
    def sample(cls) -> OnPlateau:
        return cls(0.1)

    @property
    def plateau(self) -> OnPlateau:
        return self

    def __call__(self, step: int) -> float:
        return max(self.rate * self.factor**self.cuts, self.minimum)

    def report(self, loss: float) -> None:
        """The loss of one more epoch; one that is no number counts as waiting."""
        if loss < self.best:
            self.best, self.waited = float(loss), 0
            return
        self.waited += 1
        if self.waited == self.patience:
            self.cuts, self.waited = self.cuts + 1, 0

    def restart(self) -> None:
        """Forget what was reported."""
        self.best, self.waited, self.cuts = math.inf, 0, 0

    def state(self) -> Numbers:
        """What was reported, in three numbers."""
        return {"best": self.best, "waited": self.waited, "cuts": self.cuts}

    def load_state(self, state: Mapping[str, float]) -> None:
        """Go on from a `state()`."""
        self.best = float(state["best"])
        self.waited, self.cuts = int(state["waited"]), int(state["cuts"])


def check_positive(schedule: Schedule, name: str) -> None:
    """Raise ValueError unless this argument is a finite number > 0."""
    value = getattr(schedule, name)
    if not (isinstance(value, float | int) and 0 < value < math.inf):
        raise ValueError(f"{schedule.name} needs {name} > 0; got {value!r}.")


def check_share(schedule: Schedule, name: str) -> None:
    """Raise ValueError unless this argument is in (0, 1]."""
    value = getattr(schedule, name)
    if not 0 < value <= 1:
        raise ValueError(f"{schedule.name} needs {name} in (0, 1]; got {value:g}.")


def check_whole(schedule: Schedule, name: str) -> None:
    """Raise ValueError unless this argument is a whole number >= 1."""
    value = getattr(schedule, name)
    if value < 1 or int(value) != value:
        raise ValueError(
            f"{schedule.name} needs a whole number {name} >= 1; got {value:g}."
        )


def check_minimum(schedule: Schedule, minimum: float, rate: float) -> None:
    """Raise ValueError unless the lowest rate is in [0, rate]."""
    if not 0 <= minimum <= rate:
        raise ValueError(
            f"{schedule.name} needs minimum in [0, rate], here [0, {rate:g}]; got "
            f"{minimum:g}."
        )
