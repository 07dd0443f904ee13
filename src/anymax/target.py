"""Targets in all their forms, and the one place where 0 times anything is 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import DomainError, ShapeError
from anymax.sets import Set
from anymax.types import Array, numbers


@dataclass(frozen=True)
class Target:
    """What a loss computes with: values (..., n), smoothed and weighted by class;
    `weight` (...), what each row counts for in a mean; `kept` (...), False if ignored.
    """

    values: Array
    weight: Array
    kept: Array

    def take(self, rows: Array | slice) -> Target:
        """The targets of some rows of the first axis."""
        return Target(self.values[rows], self.weight[rows], self.kept[rows])


def times(y: Array, x: Array) -> Array:
    """y * x, and 0 where y is 0: 0 log 0 = 0, and a row of weight 0 counts nothing."""
    return np.where(y == 0, np.zeros((), np.result_type(y, x)), y * x)


def encode(
    y: ArrayLike,
    shape: tuple[int, ...],
    targets: Set,
    name: str,
    dtype: np.dtype[np.generic],
    ignore_index: int | None = None,
) -> tuple[Array, Array]:
    """Targets as values (..., n) and which rows are kept, (...).

    | y.shape                        | n   | meaning                       |
    | ------------------------------ | --- | ----------------------------- |
    | that of the outputs            | any | values, whatever the dtype    |
    | without the last axis          | 1   | values, one axis added        |
    | without the last axis, integer | > 1 | class indices, if a loss takes them |

    Anything else is a ShapeError; values outside `targets` are a DomainError.
    """
    array = numbers(y, "y")
    if array.shape == shape:
        return _values(array, targets, name, dtype)
    if array.shape == shape[:-1] and shape[-1] == 1:
        return _values(array[..., None], targets, name, dtype)
    whole = array.dtype.kind in "biu"
    if array.shape == shape[:-1] and whole and targets.classes:
        return _one_hot(array, shape[-1], name, dtype, ignore_index)
    raise ShapeError(_readings(array, shape, targets, name))


def _values(
    array: Array, targets: Set, name: str, dtype: np.dtype[np.generic]
) -> tuple[Array, Array]:
    with np.errstate(over="ignore"):
        values = array.astype(dtype)
    good = targets.contains(values)
    if not np.all(good):
        at = tuple(int(i) for i in np.argwhere(~good)[0])
        if np.all(np.isfinite(array[at])) and not np.all(np.isfinite(values[at])):
            raise DomainError(
                f"{name} needs targets that {dtype} holds; got {_short(array[at])} in "
                f"row {_row(at)}. Scale the targets."
            )
        raise DomainError(
            f"{name} needs targets that are {targets}; got {_short(values[at])} in row "
            f"{_row(at)}. Recode the targets, or choose a loss that takes them."
        )
    return values, np.ones(values.shape[:-1], bool)


def _one_hot(
    array: Array,
    n: int,
    name: str,
    dtype: np.dtype[np.generic],
    ignore_index: int | None,
) -> tuple[Array, Array]:
    index = array.astype(np.intp)
    kept = np.ones(index.shape, bool) if ignore_index is None else index != ignore_index
    bad = kept & ((index < 0) | (index >= n))
    if np.any(bad):
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DomainError(
            f"{name} needs class indices 0 to {n - 1} for {n} outputs; got {index[at]} "
            f"in row {_row(at)}. Renumber the classes, or widen the last layer."
        )
    hot = np.arange(n) == index[..., None]
    return (hot & kept[..., None]).astype(dtype), kept


def _readings(array: Array, shape: tuple[int, ...], targets: Set, name: str) -> str:
    readings = f"values of shape {shape}"
    if targets.classes or shape[-1] == 1:
        kind = "values" if shape[-1] == 1 else "integer class indices"
        readings += f", or {kind} of shape {shape[:-1]}"
    if array.shape == shape[:-1] and array.dtype.kind in "biu":
        hint = "This loss takes no class indices: pass one-hot rows."
    elif array.shape == shape[:-1] and targets.classes:
        hint = "Class indices must be integers: y.astype(int)."
    elif array.shape[:-1] == shape[:-1] and array.shape[-1:] == (1,):
        hint = f"A column is never broadcast: y[..., 0] gives shape {array.shape[:-1]}."
    else:
        hint = "Check the number of rows and the width of the last layer."
    got = f"{array.dtype} of shape {array.shape}"
    return f"{name} needs y as {readings}; got {got}. {hint}"


def _row(at: tuple[int, ...]) -> str:
    return str(at[0]) if len(at) == 1 else str(at)


def _short(row: Array) -> str:
    text = np.array2string(row, precision=4, threshold=6, separator=", ")
    return text.replace("\n", "")
