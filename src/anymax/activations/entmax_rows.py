"""alpha-entmax of rows: its threshold, its logarithm and its entropy."""

from __future__ import annotations

import numpy as np

from anymax.activations.softmax import log_softmax, softmax
from anymax.activations.sparsemax import centred, sparsemax
from anymax.rows import kept
from anymax.target import times
from anymax.types import Array, Mask, add

STEPS = 100  # more than bisection alone needs in float64


def entmax(z: Array, alpha: float, mask: Mask = None) -> Array:
    """The entmax of rows on the last axis; zeros for what is masked off."""
    if alpha == 1:
        return softmax(z, mask)
    if alpha == 2:
        return sparsemax(z, mask)
    a = np.exp(log_entmax(z, alpha, mask))
    return a if mask is None else np.where(mask, a, 0)


def log_entmax(z: Array, alpha: float, mask: Mask = None) -> Array:
    """log a = log1p((alpha - 1) (z - c)) / (alpha - 1), -inf off the support.

    Written with c instead of tau it tends to log-softmax as alpha tends to 1.
    """
    if alpha == 1:
        return log_softmax(z, mask)
    z = kept(z, mask)
    if z.shape[-1] == 0:
        return z
    shifted = centred(z, mask)
    c = (_exact(shifted) if alpha == 1.5 else _search(shifted, alpha)).astype(z.dtype)
    return _log(shifted - c, alpha)


def tsallis(p: Array, alpha: float) -> Array:
    """The entropy sum (p - p^alpha) / (alpha (alpha - 1)); Shannon's at alpha = 1."""
    if alpha == 1:
        return -times(p, np.log(p)).sum(-1)
    return -times(p, np.expm1((alpha - 1) * np.log(p))).sum(-1) / (alpha * (alpha - 1))


def _log(s: Array, alpha: float) -> Array:
    inside = (alpha - 1) * s
    return np.where(inside <= -1, -np.inf, np.log1p(inside)) / (alpha - 1)


def _exact(z: Array) -> Array:
    """c at alpha = 1.5, by sorting: a = (x - tau)^2 with x = z / 2, c = 2 (tau + 1)."""
    x = -np.sort(-z, -1) / 2
    finite = ~np.isneginf(x)
    x0 = np.where(finite, x, 0)
    k = np.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    mean, square = np.cumsum(x0, -1) / k, np.cumsum(x0**2, -1) / k
    spread = np.maximum((1 - k * (square - mean**2)) / k, 0)
    tau = mean - np.sqrt(spread)
    size = np.maximum(add(finite & (tau <= x)), 1)
    return 2 * (np.take_along_axis(tau, size - 1, -1) + 1)


def _search(z: Array, alpha: float) -> Array:
    """c with sum exp_alpha(z - c) = 1: Newton's step where it stays in the bracket."""
    z = z.astype(np.float64)
    n = np.maximum(add(~np.isneginf(z)), 1)
    low = np.zeros(n.shape)  # where the largest output is one ...
    high = -np.expm1(-(alpha - 1) * np.log(n)) / (alpha - 1)  # ... and where 1 / n
    c = low
    for _ in range(STEPS):
        log = _log(z - c, alpha)
        excess = add(np.exp(log)) - 1
        fall = add(np.where(np.isneginf(log), 0, np.exp((2 - alpha) * log)))
        low, high = np.where(excess > 0, c, low), np.where(excess < 0, c, high)
        newton = c + excess / fall
        found = np.abs(newton - c) <= np.spacing(1 + c)
        inside = found | ((newton > low) & (newton < high))
        c = np.where(inside, newton, (low + high) / 2)
        if np.all(found | np.isnan(excess)):
            break
    return c
