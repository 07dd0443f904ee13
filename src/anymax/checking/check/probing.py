"""What the numbers say: a Jacobian by differences, with how far it can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anymax.types import Array

STEP = 2e-4
WIDE_STEP = 2e-2  # for what is computed in float32, whose rounding drowns a small step
SMALL = 1e-5  # of one-sided differences
ROUNDING = {8: 2.3e-16, 4: 1.2e-7, 2: 1e-3}
WEIGHTS = ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0))


@dataclass(frozen=True)
class Slopes:
    """J (m, n) of flattened arrays, how far it may be off, and its smooth columns."""

    J: Array
    error: Array
    smooth: Array


def slopes(f: Callable[[Array], Array], x: Array, step: float, eps: float) -> Slopes:
    """The Jacobian at x by differences of fourth order, with two steps.

    The error is what the steps disagree by, plus rounding. A column is smooth where
    they agree, which they do not where a kink or a jump lies within the wider step.
    """
    narrow = jacobian(f, x, step)
    wide = jacobian(f, x, 2 * step)
    rounding = eps * (1e-300 + float(np.max(np.abs(f(x)), initial=0))) / step
    error = np.abs(narrow - wide) + 2 * rounding
    size = max(float(np.max(np.abs(narrow), initial=0)), rounding)
    loose = 1e-5 if step == STEP else 5e-3
    bad = ~(error <= loose * size + 20 * rounding)
    return Slopes(narrow, error, ~bad.any(0))


def jacobian(f: Callable[[Array], Array], x: Array, step: float) -> Array:
    """Column by column, (m, n); inputs and outputs flattened."""
    columns = []
    for j in range(x.size):
        terms = [weight * flat(f(moved(x, j, k * step))) for k, weight in WEIGHTS]
        columns.append(np.sum(terms, axis=0) / (12 * step))
    return np.stack(columns, -1)


def one_sided(
    f: Callable[[Array], Array], x: Array, j: int, step: float = SMALL
) -> tuple[Array, Array]:
    """The slopes to the left and to the right of x along its j-th number."""
    middle = flat(f(x))

    def towards(h: float) -> Array:
        near, far = flat(f(moved(x, j, h))), flat(f(moved(x, j, 2 * h)))
        return np.asarray((-3 * middle + 4 * near - far) / (2 * h))

    return towards(-step), towards(step)


def moved(x: Array, j: int, by: float) -> Array:
    """x with its j-th number moved."""
    other = np.array(x, copy=True)
    other.flat[j] += by
    return other


def flat(array: Array) -> Array:
    """Its numbers in float64, (m,)."""
    return np.asarray(array, np.float64).ravel()


def resolution(f: Callable[[Array], Array], x: Array) -> int:
    """The bytes that f computes in: 4 also where its inputs are rounded to float32."""
    out = f(x)
    if precision(out) < 8:
        return precision(out)
    way = np.cos(np.arange(x.size)).reshape(x.shape)  # no scale and no shift
    unmoved = np.array_equal(f(x * (1 + 1e-11 * way)), out)
    further = f(x * (1 + 1e-3 * way))
    return 4 if unmoved and not np.allclose(further, out, rtol=1e-6) else 8


def precision(out: Array) -> int:
    """How many bytes its numbers have: 4 also for float32 put into a float64 array."""
    if out.dtype.itemsize < 8:
        return max(out.dtype.itemsize, 2)
    numbers = out.ravel()
    numbers = numbers[np.isfinite(numbers)]
    # halves, quarters and the like are exact in every precision and say nothing
    telling = numbers[numbers * 1024 != np.round(numbers * 1024)]
    if telling.size < 3:
        return 8
    return 4 if np.all(telling.astype(np.float32) == telling) else 8
