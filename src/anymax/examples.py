"""Examples: rows to learn from, encoded once, and what each of them counts for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from anymax.cached import cached_property
from anymax.map import Arrays
from anymax.objective import Objective
from anymax.reduction import row_scale
from anymax.target import Target
from anymax.types import Array, numbers


@dataclass(eq=False)
class Examples:
    """Inputs as `net.enter` gives them, targets of any form, weights of the rows.

    Targets are encoded when asked for; `index` has class indices as they are, where
    they need no encoding. A line is a row of the logits: most examples have one.

    Raises what Pair raises for targets and weights that do not fit.
    """

    objective: Objective
    inputs: Arrays
    y: ArrayLike
    sample_weight: ArrayLike | None
    like: Array  # of the logits' shape (rows, ..., n), features last

    def __post_init__(self) -> None:
        self.inputs = tuple(map(np.ascontiguousarray, self.inputs))
        self.y = numbers(self.y, "y")
        if self.y.ndim == self.like.ndim:
            self.y = np.moveaxis(self.y, self.objective.last.axis, -1)
        if self.index is None:
            self.target  # noqa: B018  (raises for targets that do not fit)

    def __len__(self) -> int:
        return len(self.inputs[0])

    @cached_property
    def target(self) -> Target:
        """All targets, encoded."""
        return self.objective.pair.prepare(self.y, self.like)

    @cached_property
    def index(self) -> Array | None:
        """Class indices, int64, if these are what y has and all of them are known."""
        y, shape, pair = self.y, self.like.shape, self.objective.pair
        if not isinstance(y, np.ndarray) or y.dtype.kind not in "biu":
            return None
        if y.shape != shape[:-1] or shape[-1] == 1 or not pair.targets.classes:
            return None
        known = (y >= 0) & (y < shape[-1])
        if pair.loss.ignore_index is not None:
            known |= y == pair.loss.ignore_index
        weight = pair.loss.class_weight
        fits = weight is None or weight.shape == shape[-1:]
        if not (fits and known.all()):
            return None
        return np.ascontiguousarray(y, np.int64)

    @cached_property
    def values(self) -> Array:
        """Targets that are values, as they were given, (rows, ..., n)."""
        return np.ascontiguousarray(self.y, self.like.dtype).reshape(self.like.shape)

    @cached_property
    def scale(self) -> Array:
        """What each line is multiplied by before means are taken, 0 if ignored."""
        scale = row_scale(self._thin, self.sample_weight, "sum")
        return np.ascontiguousarray(scale, self.like.dtype)

    @cached_property
    def count(self) -> Array:
        """What each line counts for besides: its class weight."""
        return np.ascontiguousarray(self._thin.weight, self.like.dtype)

    @cached_property
    def plain(self) -> bool:
        """Whether all lines count alike."""
        loss, known = self.objective.loss, self.index is not None
        if known and self.sample_weight is None and loss.class_weight is None:
            return loss.ignore_index is None or bool(
                np.all(self.index != loss.ignore_index)
            )
        return bool((self.scale == 1).all() and (self.count == 1).all())

    @cached_property
    def _thin(self) -> Target:
        """The targets without their values, where they are class indices."""
        if self.index is None:
            return self.target
        dtype, loss = self.like.dtype, self.objective.loss
        kept = self.index != loss.ignore_index
        weight = kept.astype(dtype)
        if loss.class_weight is not None:
            by_class = loss.class_weight.astype(dtype)
            weight = np.where(kept, by_class[np.where(kept, self.index, 0)], 0)
        return Target(np.empty((*kept.shape, 0), dtype), weight.astype(dtype), kept)
