"""Hooks: what an activation may be asked, and what holds where it does not answer."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from anymax.described import Described
from anymax.map import Map
from anymax.output import from_values
from anymax.rows import log_of_the_others, sum_of_the_others
from anymax.sets import Simplex
from anymax.trainable import Trainable
from anymax.types import Array, Mask

NONE: frozenset[str] = frozenset()


class Hooks(Described, Map):
    """The questions a loss asks, answered from the outputs where that is exact."""

    convex: frozenset[str] = NONE
    concave: frozenset[str] = NONE
    exact: bool = True  # False where the derivative is not that of the map on purpose
    monotone: bool = True  # whether the Jacobian is symmetric positive semi-definite
    unmatched: str = "it is not the gradient of a convex function with a closed form"

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

    def perturb(self, z: Array, *, key: Any = None) -> Array:
        """z with this map's noise added; most maps have none and take no key."""
        if key is not None:
            raise TypeError(f"{self.name} draws no noise; leave key away.")
        return z

    @final
    def knows(self, hook: str) -> bool:
        """Whether this map answers a hook that not every map can answer."""
        own = getattr(type(self), hook) is not getattr(Hooks, hook)
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
