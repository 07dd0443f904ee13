"""Rows: checked inputs, encoded targets and weights, ready to train or validate on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anymax.errors import DomainError, ShapeError
from anymax.frames import as_array, as_labels, as_numbers, column_names
from anymax.objective import Objective
from anymax.training.labels import Labels, encode_labels
from anymax.types import Array, as_float


class Rows(NamedTuple):
    """Examples, as many in each input, what they are to give, and how they count."""

    inputs: tuple[Array, ...]
    labels: Labels
    weight: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def take(self, at: Array | slice) -> Rows:
        """Some of the rows, in that order."""
        targets, classes, indices, threshold = self.labels
        own = None if indices is None else indices[at]
        return Rows(
            tuple(each[at] for each in self.inputs),
            Labels(targets[at], classes, own, threshold),
            None if self.weight is None else self.weight[at],
        )


def checked_inputs(x: Any) -> tuple[Array, ...]:
    """One array (rows, ...) of finite numbers for each input; a tuple has several."""
    several = x if isinstance(x, tuple) else (x,)
    inputs = tuple(checked_rows(each) for each in several)
    if len({len(each) for each in inputs}) != 1:
        raise ShapeError(
            "every input needs the same number of rows; got "
            f"{', '.join(str(len(each)) for each in inputs)}. A tuple is one array for "
            "each input; for one input pass an array."
        )
    return inputs


def checked_rows(x: Any) -> Array:
    """Examples (rows, ...) of finite numbers; the error names where one is not."""
    rows, names = as_float(as_numbers(x), "x"), column_names(x)
    if rows.ndim < 2:
        raise ShapeError(
            f"x needs shape (rows, features); got {rows.shape}. For one feature write "
            "x[:, None]."
        )
    if rows.size == 0:
        raise ShapeError(f"x needs at least one row and one feature; got {rows.shape}.")
    bad = ~np.isfinite(rows)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        column = ", ".join(str(i) for i in at[1:]) if names is None else names[at[1]]
        raise DomainError(
            f"x needs finite numbers; got {rows[at]} in row {at[0]}, column {column}. "
            "Fill the gap, or leave the row out."
        )
    return rows


def checked_targets(
    y: Any, sample_weight: Any, count: int
) -> tuple[Array, Array | None]:
    """Labels or values, and weights if there are any, one for each of so many rows."""
    given = as_labels(y)
    weight = None if sample_weight is None else as_array(sample_weight)
    for name, array in (("target", given), ("weight", weight)):
        if array is not None and array.shape[:1] != (count,):
            raise ShapeError(
                f"fit needs a {name} for each of {count} rows; got shape {array.shape}."
            )
    return given, weight


def prepared(
    objective: Objective,
    inputs: tuple[Array, ...],
    given: Array,
    weight: Array | None = None,
    known: Array | None = None,
) -> Rows:
    """Rows for a network that is built: in its shapes and dtype, labels encoded."""
    net = objective.net
    for x, shape in zip(inputs, net.input_shapes, strict=False):
        if x.ndim > len(shape) + 1:
            raise ShapeError(
                f"{net.name} was built for examples of shape {shape}; got x of shape "
                f"{x.shape}. Build it with {x.shape[1:]}, or make each example a row."
            )
    with np.errstate(over="ignore"):
        entered, labels = net.enter(*inputs), Labels(given)
    _check_held(inputs, entered)
    shape = (len(given), *net.output_shape(*net.input_shapes))
    axis = objective.last.axis % len(shape)
    _check_weight(weight, shape[:axis] + shape[axis + 1 :])
    if objective.last.axis == -1:
        labels = encode_labels(given, shape, objective.pair, known)
    return Rows(entered, labels, weight)


def _check_held(inputs: tuple[Array, ...], entered: tuple[Array, ...]) -> None:
    """Refuse numbers that are infinite in the dtype the network computes in."""
    for given, x in zip(inputs, entered, strict=True):
        over = np.isinf(x) if x.dtype != given.dtype else np.zeros(0, bool)
        if over.any():
            at = tuple(int(i) for i in np.argwhere(over)[0])
            column = ", ".join(str(i) for i in at[1:])
            raise DomainError(
                f"x needs numbers that {x.dtype} holds; got {given[at]:g} in row "
                f"{at[0]}, column {column}. Scale x."
            )


def _check_weight(weight: Array | None, shape: tuple[int, ...]) -> None:
    if weight is not None and weight.shape != shape:
        raise ShapeError(
            f"fit needs a sample_weight of shape {shape}, one number for each row of "
            f"targets; got {weight.shape}."
        )
