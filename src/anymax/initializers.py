"""Initializers: the numbers a kernel starts from, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from anymax.types import Array, nearest

Shape: TypeAlias = tuple[int, ...]
Initializer: TypeAlias = Callable[[np.random.Generator, Shape], Array]


def fans(shape: Shape) -> tuple[int, int]:
    """How many inputs and outputs one weight of a kernel (..., n, m) serves."""
    field = int(np.prod(shape[:-2]))
    return field * shape[-2], field * shape[-1]


def zeros(rng: np.random.Generator, shape: Shape) -> Array:
    """0 everywhere."""
    return np.zeros(shape)


def ones(rng: np.random.Generator, shape: Shape) -> Array:
    """1 everywhere."""
    return np.ones(shape)


def glorot_uniform(rng: np.random.Generator, shape: Shape) -> Array:
    """Uniform, variance 2 / (fan_in + fan_out) (Glorot and Bengio, AISTATS 2010)."""
    return _uniform(rng, shape, 2 / sum(fans(shape)))


def glorot_normal(rng: np.random.Generator, shape: Shape) -> Array:
    """Normal, variance 2 / (fan_in + fan_out)."""
    return _normal(rng, shape, 2 / sum(fans(shape)))


def he_uniform(rng: np.random.Generator, shape: Shape) -> Array:
    """Uniform, variance 2 / fan_in: for ReLU and its kin (arXiv:1502.01852)."""
    return _uniform(rng, shape, 2 / fans(shape)[0])


def he_normal(rng: np.random.Generator, shape: Shape) -> Array:
    """Normal, variance 2 / fan_in."""
    return _normal(rng, shape, 2 / fans(shape)[0])


def lecun_uniform(rng: np.random.Generator, shape: Shape) -> Array:
    """Uniform, variance 1 / fan_in (LeCun et al., 1998; for SELU arXiv:1706.02515)."""
    return _uniform(rng, shape, 1 / fans(shape)[0])


def lecun_normal(rng: np.random.Generator, shape: Shape) -> Array:
    """Normal, variance 1 / fan_in."""
    return _normal(rng, shape, 1 / fans(shape)[0])


def _uniform(rng: np.random.Generator, shape: Shape, variance: float) -> Array:
    limit = np.sqrt(3 * variance)
    return rng.uniform(-limit, limit, shape)


def _normal(rng: np.random.Generator, shape: Shape, variance: float) -> Array:
    return np.sqrt(variance) * rng.normal(size=shape)


INITIALIZERS: dict[str, Initializer] = {
    made.__name__: made
    for made in (
        glorot_uniform,
        glorot_normal,
        he_uniform,
        he_normal,
        lecun_uniform,
        lecun_normal,
        zeros,
        ones,
    )
}


def initializer(kernel: str | Initializer) -> Initializer:
    """The initializer of that name, or the function itself.

    >>> initializer("glorot_uniform").__name__
    'glorot_uniform'

    Raises ValueError for an unknown name, with the nearest known one.
    """
    if callable(kernel):
        return kernel
    if kernel not in INITIALIZERS:
        known = nearest(str(kernel), list(INITIALIZERS))
        raise ValueError(f"no initializer is called {kernel!r}; {known}")
    return INITIALIZERS[kernel]
