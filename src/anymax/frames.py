"""Tables of pandas and polars as arrays, by what they offer, not what they are."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from anymax.errors import DomainError
from anymax.types import Array


def as_array(given: Any) -> Array:
    """What has `to_numpy`, as tables and columns have, or an array of anything."""
    try:
        taken = given.to_numpy() if _offers(given, "to_numpy") else given
        return np.asarray(taken)
    except ValueError:
        raise TypeError(
            "an array is needed; got rows of different lengths. Make all rows as long "
            "as each other."
        ) from None


def column_names(given: Any) -> tuple[str, ...] | None:
    """The names of a table's columns; None for what has none."""
    if not (_offers(given, "to_numpy") and _offers(given, "columns")):
        return None
    return tuple(str(name) for name in given.columns)


def as_numbers(given: Any) -> Any:
    """x as it is, or the numbers of a table; missing entries are NaN.

    Raises TypeError that names the first column which holds something else.
    """
    if not _offers(given, "to_numpy"):
        return given
    array, names = as_array(given), column_names(given)
    if array.dtype.kind in "biuf":
        return array
    columns = array.reshape(len(array), -1) if array.ndim else array[None, None]
    filled = np.empty(columns.shape)
    for i in range(columns.shape[1]):
        said = f"column {i if names is None else repr(names[i])}"
        filled[:, i] = [_number(value, said) for value in columns[:, i]]
    return filled.reshape(array.shape)


def as_labels(given: Any) -> Array:
    """y as an array: text as NumPy's own strings, a table of one column as a vector.

    Raises DomainError that names the first row without a label.
    """
    array = as_array(given)
    if column_names(given) is not None and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind not in "Of":
        return array
    missing = array != array if array.dtype.kind == "f" else _each(_missing, array)
    if missing.any():
        row = int(np.argwhere(missing)[0][0]) if array.ndim else 0
        raise DomainError(
            f"y needs a label or a number in every row; got {array[row]} in row {row}. "
            "Fill the gap, or leave the row out."
        )
    return np.array(array.tolist()) if _alike(array) else array


def _each(holds: Callable[[Any], bool], array: Array) -> Array:
    found = np.array([holds(value) for value in array.ravel()], bool)
    return found.reshape(array.shape)


def _alike(array: Array) -> bool:
    """Whether these are objects that are all strings or all numbers."""
    if array.dtype.kind != "O":
        return False
    kinds = {
        "text" if isinstance(value, str) else isinstance(value, numbers.Real)
        for value in array.ravel()
    }
    return kinds in ({"text"}, {True})


def _number(value: Any, said: str) -> float:
    if _missing(value):
        return float("nan")
    if isinstance(value, numbers.Real | np.bool_):
        return float(value)
    raise TypeError(
        f"x needs numbers; got {value!r} in {said}. Encode that column as numbers, or "
        "leave it out."
    )


def _missing(value: Any) -> bool:
    """None, NaN, and pandas' NA and NaT: what does not equal itself, or cannot say."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return bool(np.ndim(value) == 0 and value != value)


def _offers(given: Any, name: str) -> bool:
    return getattr(given, name, None) is not None
