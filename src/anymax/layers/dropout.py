"""Dropout."""

from __future__ import annotations

from typing import Self

import numpy as np

from anymax.described import Described
from anymax.layers.linear import Linear
from anymax.map import Arrays, Linearization, Map
from anymax.noise import Key
from anymax.types import Array, quiet


class Dropout(Described, Map):
    """y = x k / (1 - rate) while training, each k 1 or with probability rate 0; else x.

    Any shape, element by element; the mean of y is x, so that nothing needs scaling
    afterwards. What is dropped is 0 whatever it was, inf and NaN included. Drawn only
    when training with a key, the same for the same key; J is diagonal and holds the
    same k.

    Args: `rate`, what share to drop, 0 <= rate < 1.
    Raises ValueError for another rate.
    Source: Srivastava et al., JMLR 15 (2014), 1929-1958.

    >>> import anymax as am
    >>> net = am.Chain(am.Dropout(0.5)).build(4)
    >>> net([1.0, 2.0, 3.0, 4.0])
    array([1., 2., 3., 4.], dtype=float32)
    """

    coupling = "element"

    def __init__(self, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout needs 0 <= rate < 1; got {rate!r}.")
        self.rate = rate

    @classmethod
    def sample(cls) -> Self:
        return cls(0.4)

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
        if source is None or not self.rate or not x.size:
            return x, Linear(same, same)
        kept = source.uniform(x.shape, x.dtype) >= self.rate

        def thinned(v: Array) -> Array:
            return np.where(kept, v / (1 - self.rate), 0)

        return thinned(x), Linear(thinned, thinned)


def drawn_with(key: object | None, training: bool) -> Key | None:
    """The key to draw noise with, None where there is to be none."""
    if not training or key is None:
        return None
    if not isinstance(key, Key):
        raise TypeError(f"key needs am.Key(seed=0) or None; got {key!r}.")
    return key


def same(x: Array) -> Array:
    """x itself."""
    return x
