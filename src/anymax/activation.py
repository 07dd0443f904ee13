"""Activation: what every a = f(z) shares; checks, axis, mask and the linearisation."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from anymax.described import Described
from anymax.errors import ShapeError
from anymax.jacobian import Jacobian, Moved
from anymax.linearized import ActivationLinearization, ElementTrained, Fixed
from anymax.map import Arrays, Map, Parameter, Shape
from anymax.output import from_values
from anymax.rows import log_of_the_others, sum_of_the_others
from anymax.sets import Simplex
from anymax.trainable import Reached, Trainable
from anymax.types import Array, Mask, as_axis, as_float, as_mask, quiet

NONE: frozenset[str] = frozenset()


class Activation(Described, Map):
    """a = f(z) on the last axis, or on `axis`.

    A subclass states `range`, and `coupling` if it couples a row; it writes `apply` and
    `structure`, and the logs it can answer better from z than from a. A row map takes
    `mask` last in each of them, a Boolean array or None; an element-wise map never
    gets one. `convex` and `concave` say which of a, log, log_not and sum (of the
    outputs) are so as functions of z.
    """

    coupling = "element"
    convex: frozenset[str] = NONE
    concave: frozenset[str] = NONE
    exact: bool = True  # False where the derivative is not that of the map on purpose
    monotone: bool = True  # whether the Jacobian is symmetric positive semi-definite
    unmatched: str = "it is not the gradient of a convex function with a closed form"
    axis: int = -1

    @abstractmethod
    def apply(self, z: Array, *args: Any, **kwargs: Any) -> Array:
        """The outputs, plain NumPy: the specification."""

    @abstractmethod
    def structure(self, z: Array, a: Array, *args: Any, **kwargs: Any) -> Jacobian:
        """The Jacobian's structure at z."""

    def log(self, z: Array, a: Array, *args: Any, **kwargs: Any) -> Array:
        """log a; from a itself where nothing better is known."""
        return from_values("log", a, repr(self), self.range)

    def log_size(self, z: Array, a: Array) -> Array:
        """log |a|, for maps that never reach 0."""
        low = self.range.hull.low
        return self.answer("log", z, a, None) if low >= 0 else np.log(np.abs(a))

    def log_not(self, z: Array, a: Array, *args: Any, **kwargs: Any) -> Array:
        """log(1 - a); on the simplex the leave-one-out log-sum-exp of log a."""
        if isinstance(self.range, Simplex):
            return log_of_the_others(
                self.answer("log", z, a, args[0] if args else None)
            )
        return from_values("log_not", a, repr(self), self.range)

    def less(self, z: Array, a: Array, *args: Any, **kwargs: Any) -> Array:
        """1 - a; on the simplex the sum of the others where that is the better form."""
        return sum_of_the_others(a) if isinstance(self.range, Simplex) else 1 - a

    def potential(self, z: Array, a: Array, *args: Any, **kwargs: Any) -> Array:
        """The convex function of a row whose gradient is a, (...)."""
        raise TypeError(self._unmatched())

    def conjugate(self, y: Array) -> Array:
        """Its convex conjugate at a target y, (...)."""
        raise TypeError(self._unmatched())

    def log_normalizer(
        self, z: Array, a: Array, *args: Any, **kwargs: Any
    ) -> tuple[Array, Array]:
        """The logarithm of the normaliser, (...), and its gradient by z."""
        raise TypeError(self._unnormalized())

    def log_normalizer_derivative(
        self, z: Array, a: Array, v: Array, *args: Any, **kwargs: Any
    ) -> Array:
        """The change of that gradient along z' = v."""
        raise TypeError(self._unnormalized())

    def parameter_slopes(self, z: Array, a: Array) -> tuple[Array, Array, Array]:
        """f_t, f_zt and f_tt of the one trainable hyper-parameter t."""
        raise TypeError(f"{self.name} has no trainable hyper-parameter.")

    @final
    def knows(self, hook: str) -> bool:
        """Whether this map answers a hook that not every map can answer."""
        own = getattr(type(self), hook) is not getattr(Activation, hook)
        if hook in ("potential", "conjugate"):
            return own and self.monotone and self.exact and not self.trainables
        return own

    @final
    def require(self, hook: str) -> None:
        """Raise TypeError with the reason if this map does not know the hook."""
        if self.knows(hook):
            return
        if hook == "log_normalizer":
            raise TypeError(self._unnormalized())
        raise TypeError(self._unmatched())

    def _unnormalized(self) -> str:
        return (
            f"z_loss needs a map with a log-normaliser; {self!r} has none. "
            "Use Softmax, or leave z_loss at 0."
        )

    def _unmatched(self) -> str:
        why = "the loss would move with its trainable hyper-parameter"
        return (
            "Matching needs a map that is the gradient of a known convex function; "
            f"{self!r} is refused, since {why if self.trainables else self.unmatched}. "
            "Use another loss or another activation."
        )

    # ---- called by users: these are final

    @final
    @quiet
    def __call__(
        self,
        z: ArrayLike,
        axis: int | None = None,
        mask: ArrayLike | None = None,
        key: Any = None,
    ) -> Array:
        """The outputs, of z's shape."""
        row, keep, at = self.enter(z, axis, mask)
        row = self.perturb(row, key=key)
        a = np.asarray(self._hook("apply", row, keep))
        return np.moveaxis(a, -1, at) if a.ndim else a[()]

    @final
    @quiet
    def jacobian(
        self,
        z: ArrayLike,
        a: ArrayLike | None = None,
        axis: int | None = None,
        mask: ArrayLike | None = None,
    ) -> Jacobian:
        """The structured Jacobian at z; pass a when it is at hand."""
        row, keep, at = self.enter(z, axis, mask)
        row = row if row.ndim else row.reshape(1)
        if a is None:
            out = np.asarray(self._hook("apply", row, keep))
        else:
            out = as_float(a, "a")
            out = np.moveaxis(out, at, -1) if out.ndim else out.reshape(1)
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
        moved = None if keep is None else np.moveaxis(keep, at, -1)
        return np.moveaxis(array, at, -1), moved, at

    def perturb(self, z: Array, *, key: Any = None) -> Array:
        """z with this map's noise added; most maps have none and take no key."""
        if key is not None:
            raise TypeError(f"{self.name} draws no noise; leave key away.")
        return z

    @final
    def _hook(self, hook: str, *args: Any) -> Any:
        """Call a hook; the mask, last in args, goes in only where there is one."""
        method = getattr(self, hook)
        return method(*args) if args[-1] is not None else method(*args[:-1])

    @final
    def answer(self, question: str, z: Array, a: Array, mask: Mask) -> Array:
        """What a loss asks, from the hook of that name or from the outputs."""
        value: Array = self._hook(question, z, a, mask)
        return value

    @final
    def normalizer(self, z: Array, a: Array, mask: Mask) -> tuple[Array, Array]:
        value: tuple[Array, Array] = self._hook("log_normalizer", z, a, mask)
        return value

    # ---- trainable hyper-parameters

    @property
    def trainables(self) -> dict[str, Trainable]:
        """The hyper-parameters given as Trainable, by name."""
        found: dict[str, Trainable] = self.__dict__.get("_trainables", {})
        return found

    def declare(self, name: str, value: Any) -> Any:
        """A hyper-parameter's number; a Trainable is remembered and starts there."""
        if not isinstance(value, Trainable):
            return value
        if self.trainables:
            raise ValueError(
                f"{self.name} trains one hyper-parameter at a time; got {name} beside "
                f"{', '.join(self.trainables)}. Make one of them a number."
            )
        self.__dict__["_trainables"] = {name: value}
        start = np.asarray(value.initial, float)
        return float(start) if start.ndim == 0 else start

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


def _constant(value: Any) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    return lambda rng, shape: np.broadcast_to(np.asarray(value), shape).copy()
