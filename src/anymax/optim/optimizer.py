"""Optimizer: what every step along a gradient shares; rate, bounds, average, state."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Self, TypeAlias, final

import numpy as np

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.optim.clipping import bounded
from anymax.optim.schedule import OnPlateau, Schedule
from anymax.types import Array, zeros

Rate: TypeAlias = float | Callable[[int], float]
State: TypeAlias = dict[str, Any]  # arrays and numbers by name
OF_RATE = "lr."
MOMENT = {"moment": True}  # marks the fields that are state arrays (P,)


@dataclass(eq=False, repr=False)
class Optimizer(Described, ABC):
    """Steps of one flat vector; a subclass writes `move`, the change to subtract.

    A subclass is a dataclass: its arguments are fields, and so are its state arrays,
    marked as MOMENT: they start at 0 at the first step, in the parameters' dtype. It
    has decoupled decay if `decay` is an argument of it.

    Args of all: `lr` > 0, or a function of the number of steps taken, as the schedules
    are; `clip_value`, the largest size of a component of the gradient; `clip_norm`, the
    largest length of the whole, taken after that; `average`, the share in [0, 1) that
    the moving average `averaged` keeps of itself at a step.
    """

    lr: Rate
    _: KW_ONLY
    clip_norm: float | None = None
    clip_value: float | None = None
    average: float | None = None
    decay: float = field(default=0.0, init=False)
    steps: int = field(default=0, init=False)
    smoothed: Array = field(init=False, metadata=MOMENT)

    @final
    def __post_init__(self) -> None:
        self.lr = checked_rate(self.lr, self.name)
        for bound in ("clip_norm", "clip_value"):
            if getattr(self, bound) is not None:
                checked_positive(getattr(self, bound), f"{self.name} {bound}")
        if self.average is not None:
            checked_share(self.average, "average")
        if not 0 <= self.decay < np.inf:
            raise ValueError(f"{self.name} needs decay >= 0; got {self.decay:g}.")
        self.check()

    @property
    def numbers(self) -> tuple[float, ...]:
        """What a kernel of it takes besides what every step has."""
        return ()

    @abstractmethod
    def check(self) -> None:
        """Raise ValueError for arguments of its own that do not fit."""

    @abstractmethod
    def move(self, gradient: Array, rate: float) -> Array:
        """What to subtract; `steps` already counts this step."""

    @final
    def step(
        self, parameters: Array, gradient: Array, decays: Array | None = None
    ) -> None:
        """Change the parameters (P,) in place, down a gradient (P,).

        Where `decays` (P,) holds, or everywhere, they first shrink by the share rate
        times `decay` of themselves, for optimizers that have one.
        """
        self._check_shapes(parameters, gradient, decays)
        rate = self.rate(self.steps)
        self.moments(parameters)
        self.steps += 1
        change = self.move(bounded(gradient, self.clip_value, self.clip_norm), rate)
        if self.decay:
            where = True if decays is None else decays
            np.multiply(parameters, 1 - rate * self.decay, out=parameters, where=where)
        parameters -= change
        if self.average is not None:
            share = (1 - self.average) / (1 - self.average**self.steps)
            self.smoothed += share * (parameters - self.smoothed)

    @final
    def rate(self, step: int) -> float:
        """The learning rate for the step that comes after `step` others.

        Raises ValueError where a function of the step gives no number >= 0.
        """
        given = self.lr(step) if callable(self.lr) else self.lr
        try:
            rate = float(given)
        except (TypeError, ValueError):
            rate = np.nan
        if 0 <= rate < np.inf:
            return rate
        raise ValueError(
            f"{self.name} needs a finite rate >= 0 in every step; {self.lr!r} gives "
            f"{given!r} after {step} steps. Correct that function."
        )

    @final
    def rates(self, first: int, count: int) -> Array:
        """The learning rates of so many steps, the first of them after `first`."""
        if not callable(self.lr):
            return np.full(count, self.rate(first))
        return np.array([self.rate(first + i) for i in range(count)], float)

    @final
    def moments(self, parameters: Array) -> tuple[tuple[Array, ...], Array | None]:
        """The state arrays in the order of the fields, and that of the average.

        Before the first step they are made, of zeros.
        """
        names = self._moments()
        if self.steps == 0:
            for name in names:
                setattr(self, name, zeros(parameters.shape, parameters.dtype))
        own = tuple(getattr(self, name) for name in names if name != "smoothed")
        return own, None if self.average is None else self.smoothed

    @property
    def averaged(self) -> Array:
        """The exponential moving average of the parameters after each step, (P,).

        Corrected for its start: the weights of the t steps, average^(t - i), are
        divided by their sum, so that what was before the first step has no part in it.
        """
        if self.average is None or self.steps == 0:
            raise RuntimeError(
                f"averaged needs average=0.999, or another share, and a step; "
                f"got {self!r} after {self.steps} steps."
            )
        return self.smoothed

    @final
    def report(self, loss: float) -> None:
        """Tell a schedule that waits for it what the loss of an epoch was."""
        if self._plateau is not None:
            self._plateau.report(loss)

    @final
    def fresh(self) -> Self:
        """The same optimizer before its first step."""
        made = copy.copy(self)
        made.steps = 0
        for name in self._moments():
            made.__dict__.pop(name, None)
        if isinstance(made.lr, Schedule):
            made.lr = copy.deepcopy(made.lr)
            if made._plateau is not None:
                made._plateau.restart()
        return made

    @final
    def state(self) -> State:
        """All that a later step depends on besides the arguments, copied."""
        found: State = {"steps": self.steps}
        if self.steps:
            found |= {name: getattr(self, name).copy() for name in self._moments()}
        if self._plateau is not None:
            kept = self._plateau.state()
            found |= {f"{OF_RATE}{name}": value for name, value in kept.items()}
        return found

    @final
    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state()` of an optimizer with the same arguments."""
        wanted = set(self.state()) - set(self._moments())
        wanted |= set(self._moments()) if state.get("steps") else set()
        if set(state) != wanted:
            raise ValueError(
                f"{self!r} needs a state of {', '.join(sorted(wanted))}; got "
                f"{', '.join(sorted(state))}. Load it into an optimizer made alike."
            )
        self.steps = int(state["steps"])
        for name in wanted & set(self._moments()):
            setattr(self, name, np.array(state[name]))
        if self._plateau is not None:
            at = len(OF_RATE)
            self._plateau.load_state(
                {name[at:]: state[name] for name in wanted if name.startswith(OF_RATE)}
            )

    @property
    def _plateau(self) -> OnPlateau | None:
        return self.lr.plateau if isinstance(self.lr, Schedule) else None

    def _moments(self) -> list[str]:
        """The names of the state arrays that are in use."""
        named = [each.name for each in fields(self) if each.metadata == MOMENT]
        return [n for n in named if n != "smoothed" or self.average is not None]

    def _check_shapes(
        self, parameters: Array, gradient: Array, decays: Array | None
    ) -> None:
        given = {"a gradient": gradient}
        if decays is not None:
            given["decays"] = decays
        if self.steps:
            given |= {f"a state {n}": getattr(self, n) for n in self._moments()}
        for name, array in given.items():
            if array.shape != parameters.shape:
                raise ShapeError(
                    f"step needs {name} of shape {parameters.shape}, as the "
                    f"parameters; got {array.shape}."
                )


def checked_rate(lr: Any, name: str) -> Rate:
    """A learning rate > 0, or a function that gives one."""
    if callable(lr) or (isinstance(lr, float | int | np.number) and 0 < lr < np.inf):
        rate: Rate = lr
        return rate
    raise ValueError(f"{name} needs lr > 0, or a function of the step; got {lr!r}.")


def checked_positive(value: float, name: str) -> float:
    """A finite number > 0."""
    if 0 < value < np.inf:
        return value
    raise ValueError(f"{name} needs a finite number > 0; got {value:g}.")


def checked_share(value: float, name: str) -> float:
    """A number in [0, 1)."""
    if 0 <= value < 1:
        return value
    raise ValueError(f"{name} needs a number in [0, 1); got {value:g}.")
