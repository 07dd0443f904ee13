"""Activation: what every a = f(z) shares; axis, mask and the linearisation."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from anymax import kernels
from anymax.errors import ShapeError
from anymax.hooks import Hooks
from anymax.jacobian import At, Jacobian, Moved
from anymax.linearized import ActivationLinearization, ElementTrained, Fixed
from anymax.map import Arrays, Coupling, Parameter, Shape
from anymax.sets import Simplex
from anymax.trainable import Reached
from anymax.types import Array, Mask, as_axis, as_float, as_mask, quiet, to_last


class Activation(Hooks):
    """a = f(z) on the last axis, or on `axis`.

    A subclass states `range`, and `coupling` if it couples a row; it writes `apply` and
    `structure`, and the logs it can answer better from z than from a. A row map takes
    `mask` last in each of them, a Boolean array or None; an element-wise map never
    gets one. `convex` and `concave` say which of a, log, log_not and sum (of the
    outputs) are so as functions of z.
    """

    coupling: Coupling = "element"
    axis: int = -1

    @abstractmethod
    def apply(self, z: Array, *args: Any, **kwargs: Any) -> Array:
        """The outputs, plain NumPy: the specification."""

    @abstractmethod
    def structure(self, z: Array, a: Array, *args: Any, **kwargs: Any) -> Jacobian:
        """The Jacobian's structure at z."""

    # ---- called by users: these are final

    @final
    def __call__(
        self,
        z: ArrayLike,
        axis: int | None = None,
        mask: ArrayLike | None = None,
        key: Any = None,
    ) -> Array:
        """The outputs, of z's shape."""
        if axis is None and mask is None and key is None and kernels.core is not None:
            found: Array | None = kernels.core.apply(self, z)
            if found is not None:
                return found
        return self._outputs(z, axis, mask, key)

    @quiet
    def _outputs(
        self, z: ArrayLike, axis: int | None, mask: ArrayLike | None, key: Any
    ) -> Array:
        row, keep, at = self.enter(z, axis, mask)
        row = self.perturb(row, key=key)
        a = np.asarray(self._hook("apply", row, keep))
        return np.moveaxis(a, -1, at) if a.ndim else a[()]

    @final
    def jacobian(
        self,
        z: ArrayLike,
        a: ArrayLike | None = None,
        axis: int | None = None,
        mask: ArrayLike | None = None,
    ) -> Jacobian:
        """The structured Jacobian at z; pass a when it is at hand.

        It reads z and a when it multiplies: leave them as they are until then.
        """
        core = kernels.core
        if core is not None and axis is None and mask is None:
            found: Jacobian | None = core.at(At, self, z, a)
            if found is not None:
                return found
        return self.structured(z, a, axis, mask)

    @final
    @quiet
    def structured(
        self,
        z: ArrayLike,
        a: ArrayLike | None = None,
        axis: int | None = None,
        mask: ArrayLike | None = None,
    ) -> Jacobian:
        """The same by NumPy: Diagonal, Centering or what else the map says."""
        row, keep, at = self.enter(z, axis, mask)
        row = row if row.ndim else row.reshape(1)
        if a is None:
            out = np.asarray(self._hook("apply", row, keep))
        else:
            out = as_float(a, "a")
            out = to_last(out, at) if out.ndim else out.reshape(1)
            if out.shape != row.shape:
                raise ShapeError(
                    f"jacobian needs a of z's shape {row.shape}; got {out.shape}."
                )
        structure = self._hook("structure", row, out, keep)
        assert isinstance(structure, Jacobian)
        last = at in (-1, row.ndim - 1)
        return structure if last else Moved(structure, at)

    # ---- called by Pair, Chain and Objective

    @final
    def enter(
        self, z: ArrayLike, axis: int | None, mask: ArrayLike | None
    ) -> tuple[Array, Mask, int]:
        """z and mask checked, features moved to the last axis; and where they were."""
        array = as_float(z, self.name)
        at = as_axis(self.axis if axis is None else axis, self.name)
        if mask is not None and self.coupling == "element":
            raise TypeError(
                f"mask= is for maps that couple a row; {self.name} is element-wise. "
                "Multiply its outputs by the mask."
            )
        if array.ndim == 0:
            if self.coupling == "element":
                return array, None, -1
            raise ShapeError(
                f"{self.name} needs at least one axis; got a single number."
            )
        if not -array.ndim <= at < array.ndim:
            raise ShapeError(
                f"{self.name} needs an axis of z {array.shape}; got axis={at}."
            )
        keep = as_mask(mask, array.shape)
        moved = None if keep is None else to_last(keep, at)
        return to_last(array, at), moved, at

    # ---- trainable hyper-parameters

    @property
    def parameters(self) -> tuple[Parameter, ...]:  # type: ignore[override]
        return tuple(
            Parameter(name, t.shape, _constant(t.raw), decay=False)
            for name, t in self.trainables.items()
        )

    @final
    def bind(self, parameters: Arrays) -> Activation:
        """This map with its trainable hyper-parameters at the given raw values."""
        if not parameters:
            return self
        bound = copy.copy(self)
        for (name, trainable), theta in zip(
            self.trainables.items(), parameters, strict=True
        ):
            setattr(bound, name, trainable.at(theta).value)
        return bound

    @quiet
    def linearize(
        self,
        inputs: Arrays,
        parameters: Arrays = (),
        state: Arrays = (),
        *,
        training: bool = False,
        key: object | None = None,
        mask: Mask = None,
    ) -> tuple[Array, ActivationLinearization]:
        (z,) = inputs
        parameters = tuple(np.asarray(theta, z.dtype) for theta in parameters)
        bound = self.bind(parameters)
        z = bound.perturb(z, key=key)
        fixed = Fixed(bound, z, mask)
        if not parameters:
            return fixed.output.a, fixed
        reached = [
            t.at(theta)
            for t, theta in zip(self.trainables.values(), parameters, strict=True)
        ]
        trained = bound.train(fixed, reached[0], parameters[0])
        return fixed.output.a, trained

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if isinstance(self.range, Simplex) and self.axis == -1 and shape[-1:] == (1,):
            raise ShapeError(
                f"{self!r} over one output is always 1; got inputs of width 1. Widen "
                "the layer before it; for one yes-or-no output use Sigmoid."
            )
        return shape

    def train(
        self, fixed: Fixed, reached: Reached, theta: Array
    ) -> ActivationLinearization:
        """The linearisation by z and by the trainable hyper-parameter as well."""
        return ElementTrained(fixed, reached, np.shape(theta))


def _handle(activation: Activation) -> Any:
    """What the native module knows a map by; None where it does not."""
    if activation.coupling != "element" and activation.axis != -1:
        return None
    return kernels.handle(activation)


if kernels.core is not None:
    kernels.core.handles(_handle)


def _constant(value: Any) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    return lambda rng, shape: np.broadcast_to(np.asarray(value), shape).copy()
