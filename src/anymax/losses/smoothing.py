"""Label smoothing: three formulas that go by one name."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from anymax.types import Array, Mask, add

Dialect: TypeAlias = Literal["torch", "keras", "classic"]
DIALECTS = ("torch", "keras", "classic")


def smoothed(
    y: Array, eps: float, weight: Array | None, dialect: str, mask: Mask
) -> Array:
    """Targets (..., n) smoothed by eps over the n outputs a mask keeps, weighted.

    With class weights w (1 where none are given) and s = y / sum(y):
    "torch":   (1 - eps) w y + (eps / n) w, as PyTorch's cross_entropy;
    "keras":   <w, y> ((1 - eps) s + eps / n), as Keras: smoothed first, and the
               row's loss then weighted by its class;
    "classic": <w, y> ((1 - eps) s + eps / (n - 1) (1 - s)): eps goes to the other
               classes alone (Szegedy et al. 2016 spread it over all of them).
    """
    w = np.ones(y.shape[-1], y.dtype) if weight is None else weight.astype(y.dtype)
    keep = np.ones(y.shape, bool) if mask is None else mask
    n = np.maximum(add(keep.astype(y.dtype)), 1)
    if dialect == "torch":
        return (1 - eps) * w * y + np.where(keep, eps / n * w, 0)
    row, total = add(w * y), add(y)
    share = np.divide(y, total, out=np.zeros_like(y), where=total != 0)
    if dialect == "keras":
        return row * ((1 - eps) * share + np.where(keep, eps / n, 0))
    others = np.where(keep, eps / np.maximum(n - 1, 1) * (1 - share), 0)
    return row * ((1 - eps) * share + others)
