"""Jacobian: a structure that multiplies itself, and can be made dense to look at."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from typing import Any, NamedTuple, overload

import numpy as np

from anymax import kernels
from anymax.errors import ShapeError
from anymax.monomial import ONE, Monomial, Slope, as_slope
from anymax.types import Array, add


class Parts(NamedTuple):
    """J = diag(weight) + left right^T, each (..., n)."""

    weight: Array
    left: Array
    right: Array


class Jacobian(ABC):
    """J = da/dz at one point, batched over all leading axes: (..., m, n).

    A covector g (..., m) comes down through `vjp`, a tangent v (..., n) goes up
    through `jvp`; both cost O(n) where the structure allows. `dense()` is for tests
    and for people. A structure of your own writes `vjp(g)`, `jvp(v)`, `dense()` and,
    for second derivatives, `vjp_derivative(v, g, dg)`, all of them on arrays.
    """

    __array_ufunc__ = None  # so that `array @ J` and `array * J` come to us

    axis: int = -1  # where the arrays it meets hold the features
    coupled: bool = True  # whether one output depends on several inputs
    cancels: bool = False  # whether a slope's fraction may be handed in unevaluated
    compose: Callable[[Jacobian, Jacobian], Jacobian]  # Product, which is built on this
    _native: Any = None  # g -> g J by a native kernel, NotImplemented for g that is odd

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., m, n)."""
        self._own("dense")
        return self.dense().shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """What its numbers are."""
        return np.dtype(np.float64)

    # ---- what a structure of ours writes: slopes unevaluated, without their `past`

    def _vjp(self, g: Slope) -> Array:
        """top / over J."""
        self._own("vjp")
        return self.vjp(g.top)

    def _jvp(self, v: Array) -> Array:
        """J v."""
        self._own("jvp")
        return self.jvp(v)

    def _vjp_derivative(self, v: Array, g: Slope, dg: Slope) -> Array:
        """d/de [(g + e dg) J(z + e v)] at e = 0."""
        self._own("vjp_derivative")
        return self.vjp_derivative(v, g.top, dg.top)

    def _gauss_newton(self, v: Array, g: Slope, dg: Slope) -> Array:
        """The same with J held still."""
        return self._vjp(dg)

    def _own(self, name: str) -> None:
        """Raise TypeError where a user's structure lacks a method that is asked for."""
        if getattr(type(self), name) is getattr(Jacobian, name):
            raise TypeError(
                f"{type(self).__name__} needs a method {name}; it has none. Write it, "
                "or build the Jacobian from Diagonal, Centering, RankOne or Explicit."
            )

    @property
    def monomial(self) -> Monomial | None:
        """The monomial of the weight a slope meets first, if there is one."""
        return None

    def parts(self) -> Parts | None:
        """The structure as a diagonal plus a rank-one matrix, if it is one."""
        return None

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_native"}

    def vjp(self, g: Array | Slope, out: Array | None = None) -> Array:
        """g J, (..., m) -> (..., n); a Slope's `past` (dL/dz) is added."""
        if kernels.core is not None and self._native is not None:
            made: Array = self._native(g, out)
            if made is not NotImplemented:
                return made
        slope = self._accept(g)
        return _into(slope.plus_past(self._vjp(slope)), out)

    def bind(self, g: Array, out: Array | None = None) -> Callable[[], Array]:
        """g J as an operation without arguments: it writes and returns `out`.

        Shapes, dtypes and the kernel are settled once; g is read anew at every call,
        and what the operation returned before is written over.

        >>> import numpy as np
        >>> import anymax as am
        >>> g = np.array([1.0, 0.0])
        >>> down = am.Softmax().jacobian([1.0, 2.0]).bind(g)
        >>> down().round(4)
        array([ 0.1966, -0.1966])
        >>> g[:] = 0.0, 1.0
        >>> down().round(4)
        array([-0.1966,  0.1966])
        """
        if kernels.core is not None and self._native is not None:
            bound: Callable[[], Array] | None = kernels.core.bind(self._native, g, out)
            if bound is not None:
                return bound
        target = np.array(self.vjp(g)) if out is None else out
        return lambda: self.vjp(g, out=target)

    def jvp(self, v: Array) -> Array:
        """J v, (..., n) -> (..., m)."""
        return self._jvp(self._tangent(v))

    def vjp_derivative(self, v: Array, g: Array | Slope, dg: Array | Slope) -> Array:
        """d/de [(g + e dg) J(z + e v)] at e = 0, the fraction cancelled first."""
        slope, change = self._accept(g), self._accept(dg)
        return change.plus_past(self._vjp_derivative(np.asarray(v), slope, change))

    def gauss_newton(self, v: Array, g: Array | Slope, dg: Array | Slope) -> Array:
        """The same with J held still: d(top / over) J."""
        slope, change = self._accept(g), self._accept(dg)
        return change.plus_past(self._gauss_newton(np.asarray(v), slope, change))

    def dense(self) -> Array:
        """(..., m, n), row i the derivatives of output i."""
        parts = self.parts()
        if parts is None:
            units = np.eye(self.shape[-2], dtype=self.dtype)
            lead = self.shape[:-2]
            rows = [
                self._vjp(Slope(np.broadcast_to(u, (*lead, u.size)))) for u in units
            ]
            return (
                np.stack(np.broadcast_arrays(*rows), -2)
                if rows
                else np.zeros(self.shape, self.dtype)
            )
        weight, left, right = parts
        outer = left[..., :, None] * right[..., None, :]
        return outer + weight[..., None] * np.eye(weight.shape[-1], dtype=weight.dtype)

    def diagonal(self) -> Array:
        """The derivatives of each output by its own input, (..., n)."""
        parts = self.parts()
        if parts is None:
            return np.diagonal(self.dense(), axis1=-2, axis2=-1).copy()
        return parts.weight + parts.left * parts.right

    def row(self, k: int) -> Array:
        """The derivatives of output k by all inputs, (..., n), in O(n)."""
        m = self.shape[-2]
        if not -m <= k < m:
            raise IndexError(f"row needs an output between 0 and {m - 1}; got {k}.")
        unit = np.zeros(m, self.dtype)
        unit[k] = 1
        return self._vjp(Slope(np.broadcast_to(unit, (*self.shape[:-2], m))))

    def trace(self) -> Array:
        """The sum of the diagonal, (...)."""
        return self.diagonal().sum(-1)

    def solve(self, v: Array, *, damping: float = 0.0) -> Array:
        """x with (J + damping I) x = v; Sherman-Morrison, O(n), where J allows.

        Raises np.linalg.LinAlgError where the damped matrix is singular.
        """
        v = self._tangent(v)
        parts = self.parts()
        if parts is None:
            square = self.dense() + damping * np.eye(self.shape[-1], dtype=self.dtype)
            return np.linalg.solve(square, v[..., None])[..., 0]
        weight, left, right = parts
        inverse = 1 / regular(weight + damping)
        straight = inverse * v
        gap = regular(1 + add(right * inverse * left))
        return straight - inverse * left * add(right * straight) / gap

    @overload
    def __matmul__(self, other: Jacobian) -> Jacobian: ...
    @overload
    def __matmul__(self, other: Array) -> Array: ...
    def __matmul__(self, other: Jacobian | Array) -> Jacobian | Array:
        """J @ v is jvp(v); J @ K is the Jacobian of a composition."""
        if isinstance(other, Jacobian):
            from_right, into_left = other.shape[-2], self.shape[-1]
            if from_right != into_left:
                raise ShapeError(
                    f"J @ K needs K to give what J takes: {into_left}; "
                    f"got {from_right}."
                )
            return self.compose(self, other)
        return self.jvp(other)

    def __rmatmul__(self, g: Array) -> Array:
        """g @ J is vjp(g)."""
        return self.vjp(g)

    def __mul__(self, other: Any) -> Any:
        raise ShapeError(self._refusal(np.shape(other)))

    __rmul__ = __mul__

    def _tangent(self, v: Array) -> Array:
        array = np.asarray(v)
        if array.ndim == 0 or array.shape[self.axis] != self.shape[-1]:
            raise ShapeError(
                f"J v needs v of shape (..., {self.shape[-1]}); got {array.shape}."
            )
        return array

    def __repr__(self) -> str:
        weight = f"weight {self.monomial}, " if self.monomial is not None else ""
        return f"{type(self).__name__}({weight}shape {self.shape})"

    def _accept(self, g: Array | Slope) -> Slope:
        slope = as_slope(g)
        top = slope.top
        if top.ndim and top.shape[self.axis] != self.shape[-2]:
            raise ShapeError(
                f"vjp needs g of shape (..., {self.shape[-2]}); got {top.shape}. "
                "The outputs are on the last axis: write g.T, or give jacobian axis=."
            )
        if slope.over != ONE and not self.cancels:
            raise TypeError(
                f"{type(self).__name__} needs an evaluated slope; got one over "
                f"{slope.over}. Call slope.resolve(point) first."
            )
        return slope

    def _refusal(self, shape: tuple[int, ...]) -> str:
        m, n = self.shape[-2:]
        if not self.coupled:
            return (
                f"an element-wise Jacobian is ({m}, {n}) and diagonal, g is {shape}: "
                "multiply with J.vjp(g) or g @ J."
            )
        return (
            "this activation couples its outputs: multiply by the Jacobian (J^T g), "
            f"not element-wise; J is ({m}, {n}) and g is {shape}, so write J.vjp(g) "
            "or g @ J."
        )


def _into(value: Array, out: Array | None) -> Array:
    if out is None:
        return value
    if out.shape != value.shape:
        raise ShapeError(f"out needs shape {value.shape}; got {out.shape}.")
    np.copyto(out, value, casting="same_kind")
    return out


def regular(x: Array) -> Array:
    """x, none of it 0; LinAlgError otherwise."""
    if np.any(x == 0):
        raise np.linalg.LinAlgError(
            "solve needs a regular matrix; this Jacobian is singular at the given "
            "damping. Pass damping=1e-3 or larger."
        )
    return x
