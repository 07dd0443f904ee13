"""Table: what is compared in it, against whom, and what ratio is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field

from anymax.benchmarking.environment import KEEPING, STREAMING
from anymax.benchmarking.process import Setting
from anymax.benchmarking.work import Work

LARGE = 4_000_000  # elements from which on an allocator decides
OURS = "anymax"
LIMITS = (Setting("machine"), Setting("machine", " streaming", STREAMING))

# What each task is measured against; a library that is missing is left out.
PEERS = {
    "softmax": ("torch", "jax", "onnxruntime", "numpy"),
    "softmax_vjp": ("torch", "jax", "numpy"),
    "pair": ("torch", "torch_compile", "jax", "sklearn", "numpy"),
    "sparse": ("entmax",),
    "epoch": ("torch", "torch_compile", "jax", "sklearn", "numpy"),
    "predict": ("onnxruntime", "torch", "jax", "sklearn", "numpy"),
    "alternating": ("torch", "onnxruntime"),
}
# The pairs of those that do not differentiate.
WRITTEN = {
    "sklearn": ("softmax + cross_entropy",),
    "numpy": ("softmax + cross_entropy", "softmax + squared_error"),
}
# Those that gain from an allocator that keeps what it has.
GAINING = ("torch", "torch_compile", "numpy")


@dataclass(frozen=True)
class Goal:
    """A ratio wanted of one of ours against the best of some peers.

    `against` is "best" (all there are), "installed" (no one's memory handed in, no
    allocator tuned), names with commas between them (that theirs begin with), or
    "installed:" and names.
    `ours` names the operation of ours. With `at_most` it is not a lead that is wanted:
    ours may take so many times what the other takes.
    """

    against: str = "best"
    must: float | None = None
    aim: float | None = None
    ours: str = OURS
    at_most: bool = False


@dataclass(frozen=True)
class Case:
    """A piece of work and what is wanted of it."""

    work: Work
    goals: tuple[Goal, ...] = (Goal(),)


@dataclass(frozen=True)
class Table:
    """Cases that belong together; `extra` are settings beside the task's own."""

    name: str
    title: str
    cases: tuple[Case, ...]
    extra: tuple[Setting, ...] = field(default=())
    tolerance: float = 2e-3


def peers(work: Work) -> list[str]:
    """The libraries that have something for a piece of work."""
    names = PEERS[work.task]
    if work.task != "pair":
        return list(names)
    return [n for n in names if work.option in WRITTEN.get(n, (work.option,))]


def settings(work: Work, *, compiled: bool = True) -> list[Setting]:
    """The processes that a piece of work needs, ours first."""
    names = [n for n in peers(work) if compiled or n != "torch_compile"]
    found = [Setting(OURS), *(Setting(name) for name in names)]
    if work.elements >= LARGE:
        found += [
            Setting(name, ", memory kept", KEEPING, tuned=True)
            for name in names
            if name in GAINING
        ]
    return [*found, *LIMITS]
