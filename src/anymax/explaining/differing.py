"""Finite differences with the step that agrees best with its own half."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from anymax.differences import COEFFICIENTS
from anymax.errors import DomainError
from anymax.types import Array

MOST = 1000  # entries of one array that are varied, spread evenly
CHUNK = 2**18  # numbers handed over at once
STEPS = (1e-3, 1e-4, 1e-5)
ENOUGH = 1e-10  # a step that agrees with its half so well is not bettered

Batched = Callable[[Array], Array]  # (E, *shape) to (E,)


def gradient(f: Batched, x: Array, reach: Array | float = 1.0) -> Array:
    """The gradient of f at x, of its shape: of fourth order, NaN where none was taken.

    A step is at most 1e-3 of `reach`, how far an entry may move; of three steps each
    entry has the one whose result changes least when it is halved.
    """
    entries = np.linspace(0, x.size - 1, min(x.size, MOST)).astype(int)
    room = np.broadcast_to(np.minimum(reach, 1.0), x.shape).ravel()[entries]
    found = np.full(entries.size, np.nan)
    best = np.full(entries.size, np.inf)
    for step in STEPS:
        wide = _taken(f, x, entries, step * room)
        apart = np.abs(wide - _taken(f, x, entries, step * room / 2))
        better = np.isfinite(apart) & (apart < best)
        found, best = np.where(better, wide, found), np.where(better, apart, best)
        if np.all(best <= ENOUGH * (1 + np.abs(found))):
            break
    total = np.full(x.size, np.nan)
    total[entries] = found
    return total.reshape(x.shape)


def _taken(f: Batched, x: Array, entries: Array, steps: Array) -> Array:
    """The derivative by each entry, with a step of its own."""
    size = max(1, CHUNK // (len(COEFFICIENTS) * max(1, x.size)))
    parts = [slice(i, i + size) for i in range(0, entries.size, size)]
    found = [_part(f, x, entries[part], steps[part]) for part in parts]
    return np.concatenate([np.zeros(0), *found])


def _part(f: Batched, x: Array, entries: Array, steps: Array) -> Array:
    moved = np.repeat(x.ravel()[None], len(COEFFICIENTS) * entries.size, 0)
    stencil = moved.reshape(len(COEFFICIENTS), entries.size, x.size)
    for places, (k, _) in zip(stencil, COEFFICIENTS, strict=True):
        places[np.arange(entries.size), entries] += k * steps
    try:
        values = f(moved.reshape(-1, *x.shape)).reshape(len(COEFFICIENTS), -1)
    except DomainError:
        return np.full(entries.size, np.nan)  # as indices, which cannot be varied
    total = sum(c * v for (_, c), v in zip(COEFFICIENTS, values, strict=True))
    return np.asarray(total / (12 * steps))
