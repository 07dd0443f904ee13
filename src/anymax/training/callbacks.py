"""Callbacks: what fit calls on its way; stopping early."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from anymax.described import Described
from anymax.network import Network
from anymax.training.history import Epoch, History
from anymax.types import Array

Called: TypeAlias = Callable[[Epoch], object]


class Callback:
    """What fit calls; a subclass overrides what it needs. A function will do as well.

    >>> import anymax as am
    >>> class Lowest(am.Callback):
    ...     def on_start(self, net):
    ...         self.loss = float("inf")
    ...
    ...     def on_epoch(self, epoch):
    ...         self.loss = min(self.loss, epoch.loss)
    >>> lowest = Lowest()
    >>> net = am.Chain(am.Dense(1))
    >>> history = am.fit(
    ...     net, am.SquaredError(), [[1.0], [2.0]], [3.0, 6.0], callbacks=[lowest]
    ... )
    >>> lowest.loss == min(history["loss"])
    True
    """

    def on_start(self, net: Network) -> None:
        """Before the first step; the network is built."""

    def on_epoch(self, epoch: Epoch) -> object:
        """After each epoch; True to end the fit. A moving average, if the optimizer has
        one, is in `net.parameters` here, as in validation."""

    def on_end(self, history: History) -> None:
        """After the last epoch, whether finished, stopped or interrupted."""


class Plain(Callback):
    """A function of an Epoch, which may return True to end the fit."""

    def __init__(self, function: Called) -> None:
        self.function = function

    def on_epoch(self, epoch: Epoch) -> object:
        return self.function(epoch)


@dataclass(repr=False, kw_only=True)
class EarlyStopping(Described, Callback):
    """End after `patience` epochs, one behind the other, without improvement.

    Args: `monitor`, a column of the history, as "validation loss", "loss" or
    "validation accuracy"; `minimum_change`, by how much it must improve to count;
    `restore_best`, whether the network ends with the parameters and the state of its
    best epoch, also where the fit ended for another reason; `larger`, whether larger
    is better: by default for all columns that do not end in "loss" or "error".
    Raises ValueError for others, and where an epoch has no such column.

    >>> import anymax as am
    >>> am.EarlyStopping(patience=3)
    EarlyStopping(patience=3)
    """

    patience: int = 10
    monitor: str = "validation loss"
    restore_best: bool = True
    minimum_change: float = 0.0
    larger: bool | None = None
    best_epoch: int = field(default=0, init=False)
    best: float = field(default=math.inf, init=False)
    waited: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.patience, int | np.integer) or self.patience < 1:
            raise ValueError(
                f"EarlyStopping needs a whole patience >= 1; got {self.patience!r}."
            )
        if not 0 <= self.minimum_change < math.inf:
            raise ValueError(
                f"EarlyStopping needs minimum_change >= 0; got {self.minimum_change!r}."
            )

    def on_start(self, net: Network) -> None:
        self.net, self.waited, self.best_epoch = net, 0, 0
        self.best = -math.inf if self._larger else math.inf
        self.kept: tuple[Array, Array] | None = None

    def on_epoch(self, epoch: Epoch) -> bool:
        value = self._value(epoch)
        gain = value - self.best if self._larger else self.best - value
        if gain > self.minimum_change:
            self.best, self.best_epoch, self.waited = value, epoch.epoch, 0
            if self.restore_best:
                self.kept = self.net.parameters.copy(), self.net.kept.copy()
            return False
        self.waited += 1
        return self.waited >= self.patience

    def on_end(self, history: History) -> None:
        if self.kept is not None:
            self.net.parameters[...], self.net.kept[...] = self.kept
            self.kept = None

    @property
    def _larger(self) -> bool:
        if self.larger is not None:
            return self.larger
        return not self.monitor.endswith(("loss", "error"))

    def _value(self, epoch: Epoch) -> float:
        row = epoch.row
        if self.monitor not in row:
            raise ValueError(
                f"EarlyStopping needs {self.monitor!r} in each epoch; this fit records "
                f"{', '.join(row)}. Pass validation=0.1, or another monitor=."
            )
        return row[self.monitor]


def as_callbacks(
    given: Sequence[Callback | Called] | Callback | Called,
) -> list[Callback]:
    """Several callbacks, or one as a list of it."""
    if isinstance(given, Callback) or not isinstance(given, Iterable):
        return [as_callback(given)]
    return [as_callback(each) for each in given]


def as_callback(given: Callback | Called) -> Callback:
    """A callback, or a function as one."""
    if isinstance(given, Callback):
        return given
    if not callable(given) or isinstance(given, type):
        raise TypeError(
            f"callbacks needs functions of an Epoch, or Callback objects; got "
            f"{given!r}."
        )
    return Plain(given)


def asks_to_stop(answer: object) -> bool:
    """Whether it is True, and not just something that counts as true."""
    return isinstance(answer, bool | np.bool_) and bool(answer)
