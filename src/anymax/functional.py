"""Functions with SciPy's arguments: softmax(z, axis, out) and its family."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from anymax import rows
from anymax.activations import entmax_rows
from anymax.activations import softmax as soft
from anymax.activations import sparsemax as sparse
from anymax.errors import ShapeError
from anymax.types import Array, as_float, quiet

Axis = int | tuple[int, ...] | None


def softmax(z: ArrayLike, axis: Axis = -1, out: Array | None = None) -> Array:
    """exp(z) / sum exp(z) over an axis, several, or all (None).

    >>> softmax([1.0, 2.0])
    array([0.26894142, 0.73105858])
    """
    return _over(soft.softmax, z, axis, out)


def log_softmax(z: ArrayLike, axis: Axis = -1, out: Array | None = None) -> Array:
    """z - log sum exp(z) over an axis, several, or all (None).

    >>> log_softmax([1.0, 2.0])
    array([-1.31326169, -0.31326169])
    """
    return _over(soft.log_softmax, z, axis, out)


def sparsemax(z: ArrayLike, axis: Axis = -1, out: Array | None = None) -> Array:
    """The projection of z to the simplex over an axis, several, or all (None).

    >>> sparsemax([1.0, 0.5, -1.0])
    array([0.75, 0.25, 0.  ])
    """
    return _over(sparse.sparsemax, z, axis, out)


def entmax(
    z: ArrayLike, alpha: float = 1.5, axis: Axis = -1, out: Array | None = None
) -> Array:
    """alpha-entmax of z over an axis, several, or all (None); alpha >= 1.

    >>> entmax([1.0, 0.5, -2.0]).round(4)
    array([0.674, 0.326, 0.   ])
    """
    if not alpha >= 1:
        raise ValueError(f"entmax needs alpha >= 1; got {alpha:g}.")
    return _over(lambda row: entmax_rows.entmax(row, alpha), z, axis, out)


@quiet
def logsumexp(z: ArrayLike, axis: Axis = -1, keepdims: bool = False) -> Array:
    """log sum exp(z) over an axis, several, or all (None).

    >>> logsumexp([1.0, 2.0]).round(4)
    np.float64(2.3133)
    """
    array = as_float(z, "logsumexp")
    axes = _axes(axis, array)
    total = rows.logsumexp(_last(array, axes)[0])[..., 0]
    return np.expand_dims(total, axes) if keepdims else total[()]


@quiet
def _over(
    f: Callable[[Array], Array], z: ArrayLike, axis: Axis, out: Array | None
) -> Array:
    array = as_float(z, f.__name__)
    flat, moved = _last(array, _axes(axis, array))
    value = moved(f(flat))
    if out is None:
        return value
    if out.shape != value.shape:
        raise ShapeError(f"out needs shape {value.shape}; got {out.shape}.")
    np.copyto(out, value, casting="same_kind")
    return out


def _axes(axis: Axis, array: Array) -> tuple[int, ...]:
    given = tuple(range(array.ndim)) if axis is None else axis
    axes = (given,) if isinstance(given, int) else tuple(given)
    bad = [i for i in axes if not -array.ndim <= i < array.ndim]
    if bad:
        raise ShapeError(f"axis needs an axis of z {array.shape}; got {bad[0]}.")
    return tuple(i % array.ndim for i in axes)


def _last(
    array: Array, axes: tuple[int, ...]
) -> tuple[Array, Callable[[Array], Array]]:
    """The axes flattened into the last one, and the way back."""
    ends = tuple(range(array.ndim - len(axes), array.ndim))
    moved = np.moveaxis(array, axes, ends)
    flat = moved.reshape(*moved.shape[: array.ndim - len(axes)], -1)
    return flat, lambda x: np.moveaxis(x.reshape(moved.shape), ends, axes)
