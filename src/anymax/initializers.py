"""Initializers: the numbers a parameter starts from, by name or with an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np

from anymax.types import Array, nearest

Shape: TypeAlias = tuple[int, ...]
Initializer: TypeAlias = Callable[[np.random.Generator, Shape], Array]


def fans(shape: Shape) -> tuple[int, int]:
    """How many inputs and outputs one weight of a kernel (..., n, m) serves."""
    if len(shape) < 2:
        raise ValueError(
            f"an initializer by its inputs needs a kernel (..., n, m); got {shape}. "
            "Use zeros, ones, constant or truncated_normal."
        )
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


class Parametrised:
    """A frozen dataclass that is an initializer; its fields are numbers."""

    def __repr__(self) -> str:
        numbers = (float(getattr(self, each.name)) for each in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(repr(x) for x in numbers)})"


@dataclass(frozen=True, repr=False)
class constant(Parametrised):  # noqa: N801  (written as the other initializers are)
    """The same number everywhere.

    >>> constant(0.1)(np.random.default_rng(0), (2,))
    array([0.1, 0.1])
    """

    value: float = 0.0

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        return np.full(shape, float(self.value))


@dataclass(frozen=True, repr=False)
class truncated_normal(Parametrised):  # noqa: N801
    """Normal with deviation `scale`, drawn again where beyond 2 scale from 0.

    What remains has deviation 0.88 scale. Raises ValueError for scale <= 0.

    >>> truncated_normal(0.02)
    truncated_normal(0.02)
    """

    scale: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.scale < np.inf:
            raise ValueError(f"truncated_normal needs scale > 0; got {self.scale!r}.")

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        drawn = rng.normal(size=shape)
        while (far := np.abs(drawn) > 2).any():
            drawn[far] = rng.normal(size=np.count_nonzero(far))
        return self.scale * drawn


@dataclass(frozen=True, repr=False)
class orthogonal(Parametrised):  # noqa: N801
    """`gain` times a random matrix whose columns, or rows if fewer, are orthonormal.

    A kernel (..., n, m) counts as a matrix of all its inputs by its m outputs; every
    such matrix is as likely as every other. Raises ValueError for gain <= 0.
    Sources: Saxe, McClelland and Ganguli, ICLR 2014, arXiv:1312.6120; Mezzadri, Notices
    of the AMS 54 (2007), arXiv:math-ph/0609050.

    >>> w = orthogonal()(np.random.default_rng(0), (5, 3))
    >>> bool(np.allclose(w.T @ w, np.eye(3)))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.gain < np.inf:
            raise ValueError(f"orthogonal needs gain > 0; got {self.gain!r}.")

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        rows, columns = fans(shape)[0], shape[-1]
        tall = rng.normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q = q * np.where(np.diagonal(r) < 0, -1, 1)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


INITIALIZERS: dict[str, Initializer | type[Parametrised]] = {
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
        constant,
        truncated_normal,
        orthogonal,
    )
}


def initializer(given: str | Initializer) -> Initializer:
    """The initializer of that name, with its defaults, or the function itself.

    >>> initializer("glorot_uniform").__name__
    'glorot_uniform'
    >>> initializer("orthogonal")
    orthogonal(1.0)

    Raises ValueError for an unknown name, with the nearest known one; TypeError for
    what is neither a name nor a function.
    """
    if isinstance(given, str):
        if given not in INITIALIZERS:
            known = nearest(given, list(INITIALIZERS))
            raise ValueError(f"no initializer is called {given!r}; {known}")
        return initializer(INITIALIZERS[given])  # type: ignore[arg-type]
    if isinstance(given, type):
        return given()
    if callable(given):
        return given
    raise TypeError(
        f'an initializer is a name, as "he_normal", or a function; got {given!r}.'
    )


def described(given: str | Initializer) -> str | Initializer:
    """How to write an initializer down: its name, where a name says it all.

    >>> described(he_normal), described(constant(0.1)), described(orthogonal())
    ('he_normal', constant(0.1), 'orthogonal')
    """
    made = initializer(given)
    for name in INITIALIZERS:
        if initializer(name) == made:
            return name
    return made
