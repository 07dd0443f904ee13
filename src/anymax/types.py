"""Arrays and dtypes: what comes in, and what it is computed in."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from operator import index
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = Array | None
P = ParamSpec("P")
R = TypeVar("R")

KEPT = (np.dtype(np.float32), np.dtype(np.float64))
LINE = 64  # bytes
STORAGE = ("float16", "bfloat16")


def as_float(x: ArrayLike, name: str) -> Array:
    """x as an array of the dtype it is computed in.

    float32 and float64 stay; float16 and bfloat16 are storage and become float32;
    integers, bools and lists of numbers become float64. Raises TypeError otherwise.
    """
    array = numbers(x, name)
    dtype = array.dtype.newbyteorder("=")
    if dtype in KEPT:
        return array.astype(dtype, copy=False)
    return array.astype(np.float32 if array.dtype.name in STORAGE else np.float64)


def numbers(x: ArrayLike, name: str) -> Array:
    """x as an array of real numbers, its dtype untouched."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise TypeError(
            f"{name} needs an array of numbers; got rows of different lengths. "
            "Make all rows as long as each other."
        ) from None
    if array.dtype.kind in "biuf" or array.dtype.name in STORAGE:
        return array
    raise TypeError(
        f"{name} needs real numbers; got dtype {array.dtype}. "
        "Convert it to float32 or float64 first."
    )


def zeros(shape: int | tuple[int, ...], dtype: DTypeLike) -> Array:
    """Zeros that begin on a line of the cache, where native code reads them sooner.

    NumPy's own large arrays begin 16 bytes behind one, so that every vector of 64 bytes
    lies across two.
    """
    kind = np.dtype(dtype)
    memory = np.zeros(int(np.prod(shape)) * kind.itemsize + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + memory.size - LINE].view(kind).reshape(shape)


def as_axis(axis: Any, name: str) -> int:
    """One axis as a whole number."""
    try:
        return index(axis)
    except TypeError:
        raise TypeError(
            f"{name} needs one whole number for axis; got {axis!r}. For several axes "
            "use the functions, as am.softmax(z, axis=(0, 1))."
        ) from None


def to_last(x: Array, axis: int) -> Array:
    """x with an axis moved to the end; x itself where it is there already."""
    return x if axis in (-1, x.ndim - 1) else np.moveaxis(x, axis, -1)


def as_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> Mask:
    """A Boolean array of the given shape, True for what is kept; or None."""
    if mask is None:
        return None
    array = np.asarray(mask)
    if array.dtype != np.bool_:
        raise TypeError(
            f"mask needs bools, True for what is kept; got dtype {array.dtype}. "
            "Write mask=(m != 0)."
        )
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"mask needs a shape that broadcasts to {shape}; got {array.shape}."
        ) from None


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """Let inf and NaN pass in their own rows without NumPy's warnings."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return wrapped


def add(x: Array) -> Array:
    """The sum over the last axis, kept as an axis of width one."""
    return np.sum(x, -1, keepdims=True)


def nearest(name: str, known: list[str]) -> str:
    """The sentence part that names the nearest known name."""
    lower = {k.lower(): k for k in known}
    close = get_close_matches(name.lower(), lower, 1, 0.5)
    return (
        f"did you mean {lower[close[0]]}?" if close else f"known: {', '.join(known)}."
    )
