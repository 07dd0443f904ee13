"""What the machine allows: bytes copied, products multiplied, in the same run."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.work import Work

SIDE = 1536  # of the matrices whose product gives the peak
SHARED = 4 << 20  # bytes from which on several threads are worth waking


class Machine(Library):
    """Not a peer but a bound: the time of the bytes or of the products alone."""

    def __init__(self) -> None:
        self.threads = int(os.environ["OMP_NUM_THREADS"])
        self.pool = ThreadPoolExecutor(self.threads)

    def operations(self, work: Work) -> dict[str, Operation]:
        found = {"copy": self.copy(work)} if work.bytes else {}
        return {**found, "products": self.products()} if work.products else found

    def products(self) -> Operation:
        """One product of large matrices on all threads; `scale` makes it the work's."""
        drawn = np.random.default_rng(0).standard_normal((2, SIDE, SIDE), np.float32)
        out = np.empty_like(drawn[0])
        return Operation(lambda: np.matmul(drawn[0], drawn[1], out=out), nothing)

    def copy(self, work: Work) -> Operation:
        """A copy that reads and writes as many bytes as the work has to move.

        Below a few megabytes one thread copies its share alone, since handing over
        would cost more than the copy.
        """
        half = max(64, work.bytes // 2)
        share = -(-half // self.threads)
        source, into = np.ones(half, np.uint8), np.ones(half, np.uint8)
        begin, end = source.ctypes.data, into.ctypes.data
        parts = [(at, min(share, half - at)) for at in range(0, half, share)]
        copy = ctypes.memmove

        def part(at: int, size: int) -> None:
            copy(end + at, begin + at, size)

        def together(keep: Any = (source, into)) -> None:
            rest = [self.pool.submit(part, *each) for each in parts[1:]]
            part(*parts[0])
            for each in rest:
                each.result()

        def own(keep: Any = (source, into)) -> None:
            copy(end, begin, share)

        return Operation(own if half < SHARED else together, nothing)


def nothing(_: Any) -> list[Any]:
    """No results: what is copied is nobody's."""
    return []


def least(work: Work, seconds: dict[str, list[float]]) -> float | None:
    """The time a piece of work needs at least: what it copies or what it multiplies,
    each at the best rate that was seen."""
    parts = {"copy": 1.0, "products": work.products / (2 * SIDE**3)}
    found = [parts[name] * min(seen) for name, seen in seconds.items() if seen]
    return max(found, default=None)
