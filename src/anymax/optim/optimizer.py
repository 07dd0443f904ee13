"""Optimizer: what every step along a gradient shares; rate, state and checks."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self, TypeAlias, final

import numpy as np

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.types import Array

Rate: TypeAlias = float | Callable[[int], float]


class Optimizer(Described, ABC):
    """Steps of one flat vector; a subclass writes `move`, the change to subtract.

    `lr` is a number, or a function of the number of steps taken. State arrays are made
    at the first step, in the dtype of the parameters.
    """

    lr: Rate
    steps: int = 0

    @abstractmethod
    def start(self, parameters: Array) -> None:
        """Make the state arrays."""

    @abstractmethod
    def move(self, gradient: Array, rate: float) -> Array:
        """What to subtract; `steps` already counts this step."""

    @final
    def step(self, parameters: Array, gradient: Array) -> None:
        """Change the parameters (P,) in place, down a gradient (P,)."""
        if parameters.shape != gradient.shape:
            raise ShapeError(
                f"step needs a gradient of shape {parameters.shape}; got "
                f"{gradient.shape}."
            )
        rate = float(self.lr(self.steps) if callable(self.lr) else self.lr)
        if self.steps == 0:
            self.start(parameters)
        self.steps += 1
        parameters -= self.move(gradient, rate)

    @final
    def fresh(self) -> Self:
        """The same optimizer before its first step."""
        made = copy.copy(self)
        made.steps = 0
        return made


def checked_rate(lr: Any, name: str) -> Rate:
    """A learning rate > 0, or a function that gives one."""
    if callable(lr) or (isinstance(lr, float | int | np.number) and 0 < lr < np.inf):
        rate: Rate = lr
        return rate
    raise ValueError(f"{name} needs lr > 0, or a function of the step; got {lr!r}.")


def checked_share(value: float, name: str) -> float:
    """A number in [0, 1)."""
    if 0 <= value < 1:
        return value
    raise ValueError(f"{name} needs a number in [0, 1); got {value:g}.")
