"""Means, sums and none: how rows are weighted, defined also where nothing counts."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from anymax.errors import DomainError, ShapeError
from anymax.target import Target, times
from anymax.types import Array, numbers

Reduce: TypeAlias = Literal["mean", "sum", "none"]


def row_scale(target: Target, sample_weight: ArrayLike | None, reduce: str) -> Array:
    """What each row is multiplied by, (...): 0 for rows that count nowhere.

    "none" and "sum": the sample weight. "mean": that over the sum of what counts, which
    is class weights of the targets times sample weights; 0 if nothing counts.
    """
    if reduce not in ("mean", "sum", "none"):
        raise ValueError(f'reduce needs "mean", "sum" or "none"; got {reduce!r}.')
    dtype = target.values.dtype
    scale = target.kept.astype(dtype)
    if sample_weight is not None:
        scale = scale * _checked(sample_weight, scale.shape, dtype)
    return averaging(scale, target.weight) if reduce == "mean" else scale


def averaging(scale: Array, weight: Array) -> Array:
    """Row scales over the sum of what counts; 0 if nothing does."""
    total = counting(scale, weight)
    return (scale / total).astype(scale.dtype) if total > 0 else np.zeros_like(scale)


def counting(scale: Array, weight: Array) -> np.float64:
    """What rows count for in all: their scales times their class weights, added up."""
    return np.sum(times(scale, weight), dtype=np.float64)


def reduced(rows: Array, scale: Array, reduce: str) -> Array:
    """Scaled rows, or their sum."""
    scaled = times(scale, rows)
    if reduce == "none":
        return scaled
    return np.sum(scaled, dtype=np.float64).astype(rows.dtype)


def _checked(
    sample_weight: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    weight = numbers(sample_weight, "sample_weight")
    if weight.shape not in (shape, ()):
        raise ShapeError(
            f"sample_weight needs one number a row, shape {shape}; got {weight.shape}."
        )
    with np.errstate(over="ignore"):
        held = weight.astype(dtype)
    good = np.isfinite(held) & (weight >= 0)
    if not np.all(good):
        raise DomainError(
            f"sample_weight needs finite numbers >= 0 in {dtype}; got "
            f"{weight[~good].flat[0]}."
        )
    return held
