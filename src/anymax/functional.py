"""Functions with SciPy's arguments: softmax(z, axis, out) and its family.

A contiguous array over its last axis goes to the native kernel first, which declines
with NotImplemented whatever is not as plain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anymax import kernels, rows
from anymax.activations import entmax_rows
from anymax.activations import softmax as soft
from anymax.activations import sparsemax as sparse
from anymax.errors import ShapeError
from anymax.types import Array, as_axis, as_float, quiet

Axis = int | tuple[int, ...] | None


def softmax(z: ArrayLike, axis: Axis = -1, out: Array | None = None) -> Array:
    """exp(z) / sum exp(z) over an axis, several, or all (None).

    >>> softmax([1.0, 2.0])
    array([0.26894142, 0.73105858])
    """
    core = kernels.core
    if core is not None:
        made = core.softmax(z, axis, out)
        if made is not NotImplemented:
            return made
    return _over("softmax", soft.softmax, z, axis, out)


def log_softmax(z: ArrayLike, axis: Axis = -1, out: Array | None = None) -> Array:
    """z - log sum exp(z) over an axis, several, or all (None).

    >>> log_softmax([1.0, 2.0])
    array([-1.31326169, -0.31326169])
    """
    core = kernels.core
    if core is not None:
        made = core.log_softmax(z, axis, out)
        if made is not NotImplemented:
            return made
    return _over("log_softmax", soft.log_softmax, z, axis, out)


def sparsemax(z: ArrayLike, axis: Axis = -1, out: Array | None = None) -> Array:
    """The projection of z to the simplex over an axis, several, or all (None).

    >>> sparsemax([1.0, 0.5, -1.0])
    array([0.75, 0.25, 0.  ])
    """
    core = kernels.core
    if core is not None:
        made = core.sparsemax(z, axis, out)
        if made is not NotImplemented:
            return made
    return _over("sparsemax", sparse.sparsemax, z, axis, out)


def entmax(
    z: ArrayLike, alpha: float = 1.5, axis: Axis = -1, out: Array | None = None
) -> Array:
    """alpha-entmax of z over an axis, several, or all (None); alpha >= 1.

    >>> entmax([1.0, 0.5, -2.0]).round(4)
    array([0.674, 0.326, 0.   ])
    """
    core = kernels.core
    if core is not None:
        made = core.entmax(z, alpha, axis, out)
        if made is not NotImplemented:
            return made
    if not alpha >= 1:
        raise ValueError(f"entmax needs alpha >= 1; got {alpha:g}.")
    return _over(
        "entmax", lambda row: entmax_rows.entmax(row, alpha), z, axis, out, alpha
    )


def logsumexp(
    z: ArrayLike,
    axis: Axis = -1,
    b: ArrayLike | None = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """log sum b exp(z) over an axis, several, or all (None); b is 1 if not given.

    With `return_sign` the logarithm of the sum's size, and its sign.

    >>> logsumexp([1.0, 2.0]).round(4)
    np.float64(2.3133)
    """
    core = kernels.core
    if core is not None and b is None and not return_sign:
        made = core.logsumexp(z, axis, keepdims)
        if made is not NotImplemented:
            return made
    return _logsumexp(z, axis, b, keepdims, return_sign)


@quiet
def _logsumexp(
    z: ArrayLike, axis: Axis, b: ArrayLike | None, keepdims: bool, return_sign: bool
) -> Any:
    array = as_float(z, "logsumexp")
    weight = None if b is None else as_float(b, "b").astype(array.dtype)
    if weight is not None:
        array, weight = np.broadcast_arrays(array, weight)
    axes = _axes(axis, array)
    flat = _last(array, axes)[0]
    if weight is None:
        total, sign = _totals(flat), None
    else:
        total, sign = _weighted(flat, _last(weight, axes)[0])
    if sign is None and return_sign:
        sign = np.where(np.isneginf(total), 0, np.ones_like(total))
    if keepdims:
        total = np.expand_dims(total, axes)
        sign = None if sign is None else np.expand_dims(sign, axes)
    if return_sign:
        return total[()], None if sign is None else sign[()]
    return total[()] if sign is None else np.where(sign < 0, np.nan, total)[()]


def _totals(flat: Array) -> Array:
    made = NotImplemented
    if kernels.core is not None and flat.size:
        made = kernels.core.logsumexp(np.ascontiguousarray(flat), -1, False)
    return rows.logsumexp(flat)[..., 0] if made is NotImplemented else np.asarray(made)


def _weighted(flat: Array, weight: Array) -> tuple[Array, Array]:
    """log |sum b exp(z)| and its sign; what b = 0 switches off counts nothing."""
    kept = np.where(weight == 0, -np.inf, flat)
    best = kept.max(-1, keepdims=True, initial=-np.inf)
    shift = np.where(np.isinf(best), 0, best)
    total = (weight * np.exp(kept - shift)).sum(-1)
    return np.log(np.abs(total)) + shift[..., 0], np.sign(total)


@quiet
def _over(
    name: str,
    f: Callable[[Array], Array],
    z: ArrayLike,
    axis: Axis,
    out: Array | None,
    *numbers: float,
) -> Array:
    array = as_float(z, name)
    flat, moved = _last(array, _axes(axis, array))
    value = moved(_rows(name, f, flat, *numbers))
    if out is None:
        return value[()]
    if not isinstance(out, np.ndarray) or out.shape != value.shape:
        raise ShapeError(
            f"out needs an array of shape {value.shape}; got {np.shape(out)}."
        )
    np.copyto(out, value, casting="same_kind")
    return out


def _rows(
    name: str, f: Callable[[Array], Array], flat: Array, *numbers: float
) -> Array:
    """f of rows, by the kernel of that name if there is one."""
    kernel = getattr(kernels.core, name, None)
    if kernel is None:
        return f(flat)
    made = kernel(np.ascontiguousarray(flat), *numbers, -1, None)
    return f(flat) if made is NotImplemented else made


def _axes(axis: Axis, array: Array) -> tuple[int, ...]:
    """Axes as numbers from 0, each once; a single number has the axis -1 too."""
    if axis is None or array.ndim == 0:
        return tuple(range(array.ndim))
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(as_axis(each, "axis") for each in given)
    bad = [i for i in axes if not -array.ndim <= i < array.ndim]
    if bad:
        raise ShapeError(f"axis needs an axis of z {array.shape}; got {bad[0]}.")
    found = tuple(i % array.ndim for i in axes)
    if len(set(found)) < len(found):
        raise ShapeError(f"axis needs each axis once; got {axis}.")
    return found


def _last(
    array: Array, axes: tuple[int, ...]
) -> tuple[Array, Callable[[Array], Array]]:
    """The axes flattened into the last one, and the way back."""
    lead = array.ndim - len(axes)
    ends = tuple(range(lead, array.ndim))
    moved = np.moveaxis(array, axes, ends)
    width = int(np.prod(moved.shape[lead:]))
    flat = moved.reshape(*moved.shape[:lead], width)
    return flat, lambda x: np.moveaxis(x.reshape(moved.shape), ends, axes)
