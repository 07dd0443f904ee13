"""Rows under a mask, and sums over them that keep their last digit."""

import numpy as np

from anymax.types import Array, Mask, add


def kept(z: Array, mask: Mask) -> Array:
    """z with -inf for what is masked off."""
    return z if mask is None else np.where(mask, z, -np.inf).astype(z.dtype, copy=False)


def shown(z: Array, mask: Mask) -> Array:
    """z with 0 for what is masked off."""
    return z if mask is None else np.where(mask, z, 0).astype(z.dtype, copy=False)


def largest(x: Array) -> Array:
    """Whether an entry is its row's largest, the first when tied."""
    if x.shape[-1] == 0:
        return np.zeros(x.shape, bool)
    return np.arange(x.shape[-1]) == np.argmax(x, -1)[..., None]


def logsumexp(x: Array) -> Array:
    """log sum exp over the last axis, kept as an axis of width one.

    A row of -inf gives -inf, one that holds NaN gives NaN, one with +inf gives +inf.
    """
    best = x.max(-1, keepdims=True, initial=-np.inf)
    shift = np.where(np.isinf(best), 0, best)
    return np.log(add(np.exp(x - shift))) + shift


def log_of_the_others(log: Array) -> Array:
    """log(1 - a) = log of the sum of the other outputs, from log a (..., n)."""
    top = largest(log)
    others = logsumexp(np.where(top, -np.inf, log))
    return np.where(top, others, np.log1p(-np.exp(log)))


def sum_of_the_others(a: Array) -> Array:
    """1 - a, for the largest output as the sum of the other outputs."""
    top = largest(a)
    return np.where(top, add(np.where(top, 0, a)), 1 - a)
