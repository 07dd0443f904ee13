"""Operation: something to call again and again, timed in blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anymax.benchmarking.work import Work

SAMPLE = 200e-6  # seconds that one reading of the clock should cover
SLOW = 2.0  # a call longer than this is not warmed up again in every block


@dataclass
class Operation:
    """A call without arguments, its results as arrays, and what goes before it.

    `before` runs ahead of every single call, outside the clock. `tuned` says that the
    caller did something a plain user does not, as to hand in the output's memory.
    """

    call: Callable[[], Any]
    results: Callable[[Any], Sequence[ArrayLike]]
    before: Callable[[], Any] | None = None
    tuned: bool = False
    calls: int = 1

    def prepare(self, seconds: float = 0.05) -> list[float]:
        """Call it, look at what it gives, and find how many calls make a sample."""
        found = fingerprint(self.results(self._once()[1]))
        took, until = [self._once()[0]], perf_counter() + seconds
        while perf_counter() < until:
            took.append(self._once()[0])
        if self.before is None:
            self.calls = max(1, round(SAMPLE / min(took)))
        return found

    def block(self, seconds: float) -> list[float]:
        """Seconds a call, as several samples; the first is thrown away."""
        first = self._sample()
        if first * self.calls > SLOW:
            return [first]
        took: list[float] = []
        until = perf_counter() + seconds
        while not took or perf_counter() < until:
            took.append(self._sample())
        return took

    def _sample(self) -> float:
        if self.before is not None:
            return self._once()[0]
        call = self.call
        start = perf_counter()
        for _ in repeat(None, self.calls):
            call()
        return (perf_counter() - start) / self.calls

    def _once(self) -> tuple[float, Any]:
        if self.before is not None:
            self.before()
        start = perf_counter()
        result = self.call()
        return perf_counter() - start, result


class Library(ABC):
    """What a process has loaded, and the operations it offers for a piece of work."""

    @abstractmethod
    def operations(self, work: Work) -> dict[str, Operation]:
        """By name, beginning with the library's own; none for a task it lacks."""

    def release(self) -> None:
        """Give back memory between two pieces of work."""
        return


def fingerprint(results: Sequence[ArrayLike]) -> list[float]:
    """The norm of each array, and of every third element, which tells of order."""
    found = []
    for each in results:
        x = np.asarray(each).ravel()
        found += [float(np.linalg.norm(x)), float(np.linalg.norm(x[::3]))]
    return found
