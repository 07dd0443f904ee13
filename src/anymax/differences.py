"""Finite differences of fourth order: an independent witness for every derivative."""

from collections.abc import Callable

import numpy as np

from anymax.types import Array

COEFFICIENTS = ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0))


def along(f: Callable[[Array], Array], x: Array, v: Array, step: float) -> Array:
    """The derivative of f at x along v, with an error of order step^4."""
    total = sum(
        c * np.asarray(f(x + k * step * v), np.float64) for k, c in COEFFICIENTS
    )
    return np.asarray(total) / (12 * step)


def by_each(f: Callable[[Array], Array], x: Array, step: float) -> Array:
    """The gradient by the last axis of x (..., n) of a function with row values."""
    columns = []
    for j in range(x.shape[-1]):
        unit = np.zeros(x.shape[-1])
        unit[j] = 1
        columns.append(along(f, x, unit, step))
    return np.stack(columns, -1) if columns else np.zeros(x.shape)


def relative(found: Array, expected: Array) -> float:
    """The largest difference over max(1, norm of what was expected)."""
    if not np.size(expected):
        return 0.0
    size = max(1.0, float(np.linalg.norm(np.ravel(expected))))
    return float(np.max(np.abs(found - expected)) / size)
