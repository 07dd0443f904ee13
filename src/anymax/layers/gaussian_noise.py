"""GaussianNoise."""

from __future__ import annotations

from typing import Self

import numpy as np

from anymax.described import Described
from anymax.layers.dropout import drawn_with, same
from anymax.layers.linear import Linear
from anymax.map import Arrays, Linearization, Map
from anymax.noise import Key
from anymax.types import Array, quiet


class GaussianNoise(Described, Map):
    """y = x + deviation e while training, e standard normal and independent; else x.

    Any shape, element by element; J = I. Drawn only when training with a key, the same
    for the same key.

    Args: `deviation` >= 0, in the units of x.
    Raises ValueError for another deviation.
    Sources: Bishop, Neural Computation 7 (1995), doi:10.1162/neco.1995.7.1.108; drawn
    after Box and Muller, Annals of Mathematical Statistics 29 (1958), 610-611.

    >>> import anymax as am
    >>> net = am.Chain(am.GaussianNoise(0.1)).build(2)
    >>> net([1.0, 2.0])
    array([1., 2.], dtype=float32)
    """

    coupling = "element"

    def __init__(self, deviation: float) -> None:
        if not 0 <= deviation < np.inf:
            raise ValueError(f"GaussianNoise needs deviation >= 0; got {deviation!r}.")
        self.deviation = deviation

    @classmethod
    def sample(cls) -> Self:
        return cls(0.3)

    @quiet
    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays,
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
    ) -> tuple[Array, Linearization]:
        (x,), source = inputs, drawn_with(key, training)
        if source is None or not self.deviation or not x.size:
            return x, Linear(same, same)
        return x + self.deviation * normal(source, x), Linear(same, same)


def normal(source: Key, like: Array) -> Array:
    """Standard normal numbers of that shape and dtype, from two uniform ones each."""
    *rows, n = like.shape
    u = source.uniform((*rows, 2 * n), like.dtype)
    return np.sqrt(-2 * np.log(u[..., :n])) * np.cos(2 * np.pi * u[..., n:])
