"""At: the Jacobian of an activation at its inputs, multiplied by the map's kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anymax import kernels
from anymax.cached import cached_property
from anymax.jacobian.base import Jacobian, Parts
from anymax.monomial import Monomial, Slope
from anymax.types import Array

if TYPE_CHECKING or kernels.core is None:

    class Point:
        """What the native module keeps; products are NotImplemented if declined."""

        activation: Any
        z: Array
        a: Array

        def down(self, g: Array | Slope, out: Array | None = None) -> Any: ...
        def up(self, v: Array) -> Any: ...

else:
    Point = kernels.core.Point


class At(Point, Jacobian):
    """J of an activation at z, outputs a: plain arrays that it holds, not copies.

    g J and J v go by the map's kernels. All else, and what is no plain array, asks the
    `structure`, which is made by then; it is an instance of what that is.
    """

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.structure)

    @cached_property
    def structure(self) -> Jacobian:
        """The same as Diagonal, Centering or what else the map says."""
        made: Jacobian = self.activation.structured(self.z, self.a)
        return made

    def vjp(self, g: Array | Slope, out: Array | None = None) -> Array:
        if kernels.core is not None:
            made: Array = self.down(g, out)
            if made is not NotImplemented:
                return made
        return self.structure.vjp(g, out)

    def jvp(self, v: Array) -> Array:
        if kernels.core is not None:
            made: Array = self.up(v)
            if made is not NotImplemented:
                return made
        return self.structure.jvp(v)

    @property
    def _native(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "structure":
            raise AttributeError(f"{type(self).__name__} has no {name}")
        return getattr(self.structure, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.activation, self.z, self.a)

    # ---- asked of the structure

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.a.shape, self.a.shape[-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.a.dtype

    @property
    def coupled(self) -> bool:  # type: ignore[override]
        return self.structure.coupled

    @property
    def cancels(self) -> bool:  # type: ignore[override]
        return self.structure.cancels

    @property
    def monomial(self) -> Monomial | None:
        return self.structure.monomial

    def parts(self) -> Parts | None:
        return self.structure.parts()

    def dense(self) -> Array:
        return self.structure.dense()

    def diagonal(self) -> Array:
        return self.structure.diagonal()

    def row(self, k: int) -> Array:
        return self.structure.row(k)

    def trace(self) -> Array:
        return self.structure.trace()

    def solve(self, v: Array, *, damping: float = 0.0) -> Array:
        return self.structure.solve(v, damping=damping)

    def _vjp(self, g: Slope) -> Array:
        return self.structure._vjp(g)

    def _jvp(self, v: Array) -> Array:
        return self.structure._jvp(v)

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        return self.structure._vjp_derivative(v, g, dg)

    def _gauss_newton(self, v: Array, g: Slope, dg: Slope) -> Array:
        return self.structure._gauss_newton(v, g, dg)

    def __repr__(self) -> str:
        return repr(self.structure)


def _again(activation: Any, z: Array, a: Array) -> Jacobian:
    made: Jacobian = activation.jacobian(z, a)
    return made
