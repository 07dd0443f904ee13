"""The method: everyone in turn, several rounds, medians, ratios within a round."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import monotonic
from typing import Protocol

PAUSE = 0.06  # seconds for the threads of the one before to fall asleep
PATIENCE, FEWEST = 20.0, 3
OUT = 2.5  # so many times the best of the first round, and a peer has to sit out


class Contestant(Protocol):
    """Whatever can be timed: a name, whether it is ours, and blocks of calls."""

    name: str
    stays: bool  # ours, and what is no peer: in every round

    def block(self, seconds: float) -> list[float]:
        """Seconds a call, of several samples."""


@dataclass
class Times:
    """What one contestant took: the samples of each round it was in."""

    rounds: list[list[float]] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Over all samples of all rounds."""
        return median(sample for block in self.rounds for sample in block)

    @property
    def least(self) -> float:
        """The shortest sample."""
        return min(sample for block in self.rounds for sample in block)

    @property
    def medians(self) -> list[float]:
        """Of each round."""
        return [median(block) for block in self.rounds]


@dataclass(frozen=True)
class Ratio:
    """How many times longer a peer takes: the median over rounds, and their range."""

    median: float
    low: float
    high: float


def compete(
    contestants: Sequence[Contestant],
    rounds: int,
    seconds: float,
    groups: Sequence[Collection[str]],
    *,
    pause: Callable[[], None],
    out: float = OUT,
    patience: float = PATIENCE,
) -> dict[str, Times]:
    """Blocks of calls in the order A B C A B C.

    After the first round a peer sits out whose shortest sample is `out` times that of
    the fastest of every group it is in: nobody's ratio to a best one depends on it.
    Once there are three rounds, no other begins after `patience` seconds.
    """
    found = {each.name: Times() for each in contestants}
    playing, begin = list(contestants), monotonic()
    for turn in range(rounds):
        if turn >= FEWEST and monotonic() - begin > patience:
            break
        for each in playing:
            pause()
            found[each.name].rounds.append(each.block(seconds))
        if turn == 0:
            playing = _hopeful(playing, found, groups, out)
    return found


def _hopeful(
    playing: list[Contestant],
    found: dict[str, Times],
    groups: Sequence[Collection[str]],
    out: float,
) -> list[Contestant]:
    kept = {each.name for each in playing if each.stays}
    for group in groups:
        took = {name: found[name].least for name in group}
        limit = out * min(took.values(), default=0)
        kept |= {name for name, least in took.items() if least <= limit}
    return [each for each in playing if each.name in kept]


def ratio(own: Times, other: Times) -> Ratio:
    """Round by round, so that what drifts between rounds cancels.

    >>> ratio(Times([[1.0], [2.0], [4.0]]), Times([[2.0], [6.0], [8.0]]))
    Ratio(median=2.0, low=2.0, high=3.0)
    """
    each = [b / a for a, b in zip(own.medians, other.medians, strict=False)]
    return Ratio(median(each), min(each), max(each))


def best(times: dict[str, Times]) -> str:
    """The name of the one with the smallest median."""
    return min(times, key=lambda name: times[name].median)
