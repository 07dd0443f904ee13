"""Where a map or a loss is looked at: inputs, targets and upstream vectors."""

from __future__ import annotations

import numpy as np

from anymax.types import Array

REALS, POSITIVE, UNIT, SIMPLEX = "reals", "positive", "between 0 and 1", "probabilities"
SOFT, ONE_HOT, INDEX, SIGNS = "soft rows", "one-hot rows", "class indices", "signs"
SCALES = (0.4, 1.0, 2.0)


def inputs(
    domain: str, rng: np.random.Generator, shape: tuple[int, ...], scale: float
) -> Array:
    """An input array; `scale` is how far apart its numbers are."""
    x = scale * rng.normal(size=shape)
    if domain == POSITIVE:
        return np.exp(x / 2)
    if domain == UNIT:
        return 0.05 + 0.9 * rng.uniform(size=shape)
    if domain == SIMPLEX:
        return rows(x)
    return x


def rows(x: Array) -> Array:
    """Probabilities along the feature axis, none of them tiny."""
    axis = features(x.shape)
    e = np.exp(0.8 * x - np.max(0.8 * x, axis=axis, keepdims=True))
    return np.asarray(
        0.04 + (1 - 0.04 * x.shape[axis]) * e / e.sum(axis, keepdims=True)
    )


def features(shape: tuple[int, ...]) -> int:
    """The axis of the features: the last, or the first of a column."""
    return 0 if shape[-1] == 1 else -1


def targets(form: str, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Targets of one form for outputs of a shape."""
    axis = features(shape)
    if form == SOFT:
        return rows(rng.normal(size=shape))
    if form == SIGNS:
        return rng.choice([-1.0, 1.0], size=shape)
    best = np.argmax(rng.normal(size=shape), axis)
    if form == INDEX:
        return best
    return np.asarray(
        np.arange(shape[axis]) == np.expand_dims(best, axis)
        if axis == -1
        else np.arange(shape[0])[:, None] == best,
        np.float64,
    )
