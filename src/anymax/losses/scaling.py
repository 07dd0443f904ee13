"""A number, or one per output, that multiplies targets: Focal's alpha and the like."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import ShapeError
from anymax.types import Array, as_float

Scaling: TypeAlias = float | Array | None


def as_scaling(value: ArrayLike | None, name: str) -> Scaling:
    """A float, an array (n,) or None, finite and >= 0; ValueError otherwise."""
    if value is None:
        return None
    array = as_float(value, name)
    if array.ndim > 1 or not np.all(np.isfinite(array) & (array >= 0)):
        raise ValueError(
            f"{name} needs a finite number >= 0, or one for each output; got "
            f"{np.array2string(array, threshold=6)}."
        )
    held = array.copy()
    held.flags.writeable = False  # kernels have taken its numbers
    return held if held.ndim else float(held)


def scaled(y: Array, by: Scaling, name: str) -> Array:
    """by * y on the last axis, of y's dtype; ShapeError where the widths differ."""
    if by is None:
        return y
    if isinstance(by, float):
        return by * y
    if by.shape != y.shape[-1:]:
        raise ShapeError(
            f"{name} needs one number for each of {y.shape[-1]} outputs; "
            f"got {by.shape}."
        )
    return by.astype(y.dtype) * y
