"""Jumps: a value whose pieces do not meet, which no derivative beside them can tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from anymax.checking.check.observing import Observation
from anymax.checking.check.probing import flat
from anymax.checking.check.report import Finding
from anymax.types import Array, quiet

GRID = 97


@quiet
def jump(seen: Observation, rng: np.random.Generator) -> Finding | None:
    """A jump of the value along a line through the inputs."""
    setting, y = seen.setting, seen.y
    middle = np.zeros_like(seen.x)
    if y is not None and np.shape(y) == seen.x.shape:
        middle = np.asarray(y, np.float64)
    lines = [
        np.ones_like(seen.x),
        rng.normal(size=seen.x.shape),
        rng.normal(size=seen.x.shape),
    ]
    for direction in lines:
        # beside the origin, where a map may have its one singular point
        start = middle + 0.05 * seen.x

        def f(t: float, start: Array = start, way: Array = direction) -> Array:
            return flat(setting.value(start + t * way, y))

        found = _jump(f, float(np.max(np.abs(seen.out))))
        if found is not None:
            t, size = found
            return _jumping(seen, start + t * direction, size)
    return None


def _jump(f: Callable[[float], Array], size: float) -> tuple[float, float] | None:
    """Where f jumps and by how much: intervals that rise are halved again and again."""
    grid = np.linspace(-4.03, 4.01, GRID)
    try:
        values = np.stack([f(t) for t in grid])
    except Exception:
        return None
    rises = np.abs(np.diff(values, axis=0)).max(1)
    if not np.all(np.isfinite(rises)):
        return None
    scale = float(np.max(np.abs(values), initial=0)) + size + 1e-12
    for k in np.argsort(-rises)[:4]:
        low, high = float(grid[k]), float(grid[k + 1])
        if rises[k] < 1e-4 * scale:
            break
        found = _halved(f, low, high)
        if found[1] > 1e-5 * scale:
            return found
    return None


def _halved(
    f: Callable[[float], Array], low: float, high: float
) -> tuple[float, float]:
    below, above = f(low), f(high)
    for _ in range(36):
        middle = (low + high) / 2
        at = f(middle)
        if np.abs(at - below).max() >= np.abs(above - at).max():
            high, above = middle, at
        else:
            low, below = middle, at
    return (low + high) / 2, float(np.abs(above - below).max())


def _jumping(seen: Observation, x: Array, size: float) -> Finding:
    word = "a" if seen.setting.subject.loss else "z"
    return Finding(
        "discontinuity",
        f"The value jumps by {size:.4g} where nothing but a small step is made: its "
        "pieces do not meet, and no derivative can tell of the jump.",
        {word: flat(x)[: x.shape[-1]], "jump": size},
        "value = np.where(inside, one, other)  # one == other where they meet",
    )
