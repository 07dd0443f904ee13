"""Recipes: which native kernel an operation of a plan has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from anymax import kernels
from anymax.activation import Activation
from anymax.layers import (
    BatchNorm,
    Columns,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    LayerNorm,
    Reshape,
    RMSNorm,
)
from anymax.layers.joining import Add, Join, Multiply
from anymax.map import Map
from anymax.operation import Operation

NUMPY = "NumPy"  # what there is no kernel for


class Recipe(NamedTuple):
    """Which kernel an operation has, with its numbers and which arrays it takes."""

    kind: str
    numbers: tuple[float, ...] = ()
    whole: tuple[int, ...] = ()
    weights: tuple[int | None, ...] = ()  # which of the map's parameters


BY_NUMPY = Recipe(NUMPY)


def recipe(operation: Operation) -> Recipe:
    """How an operation is done natively; by NumPy where that is not possible."""
    found = _recipe(operation)
    twice = operation.gives.value.dtype == np.float64
    return found if kernels.core.program_knows(found.kind, twice) else BY_NUMPY


def _recipe(operation: Operation) -> Recipe:
    map = operation.map
    if isinstance(map, Activation):
        return _of_activation(map, len(operation.gives.shape))
    if type(map) in (Flatten, Reshape):
        return Recipe("Copy")
    if type(map) in (Add, Multiply, Join):
        return Recipe(type(map).__name__)
    make = LAYERS.get(type(map))
    return BY_NUMPY if make is None else make(operation)


def _of_activation(map: Activation, last: int) -> Recipe:
    numbers = kernels.numbers(map)
    along = map.coupling == "element" or map.axis in (-1, last)
    if numbers is None or not along or map.knows("perturb"):
        return BY_NUMPY
    return Recipe(type(map).__name__, numbers)


def _of_dense(operation: Operation) -> Recipe:
    map: Any = operation.map
    weights = (0, 1 if map.bias else None)
    return Recipe("Dense", whole=(int(map.weight.transposed),), weights=weights)


def _gain_and_shift(map: Any) -> tuple[int | None, int | None]:
    last = int(map.scale)
    return (0 if map.scale else None), (last if map.shift else None)


def _of_norm(operation: Operation) -> Recipe:
    map: Any = operation.map
    centred = int(type(map) is LayerNorm)
    return Recipe("Norm", (map.eps,), (centred,), _gain_and_shift(map))


def _of_batch_norm(operation: Operation) -> Recipe:
    map: Any = operation.map
    weights = _gain_and_shift(map)
    return Recipe("BatchNorm", (map.momentum, map.eps), (), weights)


def _of_columns(operation: Operation) -> Recipe:
    map: Any = operation.map
    n = operation.takes[0].shape[-1]
    return Recipe("Columns", whole=tuple(i % n for i in map.indices))


def _of_dropout(operation: Operation) -> Recipe:
    map: Any = operation.map
    drawn = Recipe("Dropout", (map.rate,), (operation.layer,))
    return drawn if map.rate else Recipe("Copy")


def _of_gaussian(operation: Operation) -> Recipe:
    map: Any = operation.map
    drawn = Recipe("GaussianNoise", (map.deviation,), (operation.layer,))
    return drawn if map.deviation else Recipe("Copy")


def _of_embedding(operation: Operation) -> Recipe:
    map: Any = operation.map
    large = map.count > 2**24 and operation.takes[0].value.dtype == np.float32
    return BY_NUMPY if large else Recipe("Embedding", whole=(map.count,), weights=(0,))


LAYERS: dict[type[Map], Callable[[Operation], Recipe]] = {
    Dense: _of_dense,
    LayerNorm: _of_norm,
    RMSNorm: _of_norm,
    BatchNorm: _of_batch_norm,
    Columns: _of_columns,
    Dropout: _of_dropout,
    GaussianNoise: _of_gaussian,
    Embedding: _of_embedding,
}
