"""Loss: what every L(a, y) shares; targets, weights, and the value per example."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from anymax.described import Described
from anymax.errors import DomainError, ShapeError
from anymax.monomial import Slope
from anymax.output import Given, Output, Tangent
from anymax.reduction import reduced, row_scale
from anymax.sets import REALS, Placement, Set
from anymax.target import Target, encode
from anymax.types import Array, Mask, as_float, quiet

NONE: frozenset[str] = frozenset()
UNPROVEN = frozenset({"unproven"})  # no map answers to it: nothing is proved convex


class Loss(Described, ABC):
    """L(a, y), a number per row of outputs (..., n).

    A subclass states the `domain` its formula is defined on, the `targets` it takes and
    what it is `meant` for (by default its domain); whether it is `convex` in a, and in
    which of a, log, log_not, sum it is `rising` or `falling`, being a sum of convex
    functions of them. It writes `rows`, `slope` and `slope_derivative`.
    """

    domain: Set = REALS
    targets: Set = REALS
    meant: Set = REALS
    convex: bool = False
    rising: frozenset[str] = UNPROVEN
    falling: frozenset[str] = UNPROVEN
    needs: frozenset[str] = NONE  # hooks an activation must have
    class_weight: Array | None = None
    ignore_index: int | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        said = cls.__dict__
        if "meant" not in said and "domain" in said:
            cls.meant = cls.domain
        if "rising" in said and "falling" not in said:
            cls.falling = NONE
        if "falling" in said and "rising" not in said:
            cls.rising = NONE

    @abstractmethod
    def rows(self, out: Output, y: Array) -> Array:
        """The value per example, (...); y holds values (..., n)."""

    @abstractmethod
    def slope(self, out: Output, y: Array) -> Slope:
        """dL/da as a fraction, and dL/dz where that is what is known."""

    @abstractmethod
    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        """The change of the slope's top and past as the output moves along d."""

    def accepted(self, range: Set) -> Set:
        """The targets taken after a map of this range."""
        return self.targets

    def smooth(self, y: Array, mask: Mask) -> Array:
        """Targets with label smoothing and class weights, (..., n)."""
        return y if self.class_weight is None else y * self.class_weight.astype(y.dtype)

    def doubt(self, range: Set) -> str:
        """Why a map of this range is not what the loss is meant for."""
        return f"{self.name} is meant for {self.meant}; these are {range}."

    # ---- called by users: these are final

    @final
    @quiet
    def value(self, a: ArrayLike, y: ArrayLike) -> Array:
        """The value per example, (...), never reduced; 0 in ignored rows."""
        rows, target = self._given(a, y)
        return reduced(rows, row_scale(target, None, "none"), "none")

    @final
    @quiet
    def __call__(
        self,
        a: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        reduce: str = "mean",
    ) -> Array:
        """The value of a batch: "mean", "sum" or "none"."""
        rows, target = self._given(a, y)
        return reduced(rows, row_scale(target, sample_weight, reduce), reduce)

    @final
    def _given(self, a: ArrayLike, y: ArrayLike) -> tuple[Array, Target]:
        array = as_float(a, "a")
        if array.ndim == 0:
            raise ShapeError(
                f"{self.name} needs outputs (..., n); got a single number."
            )
        good = self.domain.closure.contains(array)
        if not np.all(good):
            row = array[tuple(np.argwhere(~good)[0])]
            raise DomainError(
                f"{self.name} needs outputs that are {self.domain}; got "
                f"{row.min():g} to {row.max():g} in a row. For logits use "
                f"Pair(activation, {self.name}())."
            )
        target = self.prepare(y, array, self.accepted(REALS))
        return self.rows(Given().output(array), target.values), target

    # ---- called by Pair

    @final
    def prepare(
        self, y: ArrayLike, a: Array, targets: Set, mask: Mask = None
    ) -> Target:
        """Targets of any form for outputs like a, checked, smoothed and weighted."""
        values, kept = encode(
            y, a.shape, targets, self.name, a.dtype, self.ignore_index
        )
        weight = kept.astype(a.dtype)
        if self.class_weight is not None:
            if self.class_weight.shape != a.shape[-1:]:
                raise ShapeError(
                    f"class_weight needs one number for each of {a.shape[-1]} outputs; "
                    f"got {self.class_weight.shape}."
                )
            weight = (values * self.class_weight).sum(-1).astype(a.dtype)
        smoothed = self.smooth(values, mask)
        return Target(np.where(kept[..., None], smoothed, 0), weight, kept)

    @final
    def placement(self, range: Set) -> Placement:
        """Whether a map of this range is inside the domain, at its edge, or outside."""
        return self.domain.place(range)


def as_class_weight(weight: ArrayLike | None) -> Array | None:
    """Class weights as an array of finite numbers >= 0."""
    if weight is None:
        return None
    array = as_float(weight, "class_weight")
    if array.ndim != 1 or not np.all(np.isfinite(array) & (array >= 0)):
        raise DomainError(
            "class_weight needs one finite number >= 0 for each class; got "
            f"{np.array2string(array, threshold=6)}."
        )
    held = array.copy()
    held.flags.writeable = False  # kernels have taken its numbers
    return held
