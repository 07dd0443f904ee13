"""What a loss may ask about the outputs it meets, and how they move along a tangent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from anymax.cached import cached_property
from anymax.sets import UNIT, Set
from anymax.types import Array, Mask


class Answers(Protocol):
    """What can be asked of an activation; row maps get the mask, others None."""

    @property
    def name(self) -> str: ...
    def answer(self, question: str, z: Array, a: Array, mask: Mask) -> Array: ...
    def normalizer(self, z: Array, a: Array, mask: Mask) -> tuple[Array, Array]: ...
    def conjugate(self, y: Array) -> Array: ...


class Output:
    """Outputs a of an activation at z, and the logs it answers from z where it can."""

    def __init__(self, source: Answers, z: Array, a: Array, mask: Mask = None) -> None:
        self.source, self.z, self.a, self.mask = source, z, a, mask

    def _ask(self, question: str) -> Array:
        return self.source.answer(question, self.z, self.a, self.mask)

    @cached_property
    def log(self) -> Array:
        """log a."""
        return self._ask("log")

    @cached_property
    def log_not(self) -> Array:
        """log(1 - a)."""
        return self._ask("log_not")

    @cached_property
    def less(self) -> Array:
        """1 - a."""
        return self._ask("less")

    @cached_property
    def log_normalizer(self) -> tuple[Array, Array]:
        """The logarithm of the normaliser, (...), and its gradient by z, (..., n)."""
        return self.source.normalizer(self.z, self.a, self.mask)

    @cached_property
    def potential(self) -> Array:
        """The convex function of z, (...), whose gradient is a."""
        return self._ask("potential")

    def conjugate(self, y: Array) -> Array:
        """The convex conjugate of the potential at a target y, (...)."""
        return self.source.conjugate(y)


class Tangent:
    """How an Output moves along z' = z: the change of a and of the log-normaliser."""

    def __init__(
        self, z: Array, a: Array, normalizer: Callable[[], tuple[Array, Array]] | None
    ) -> None:
        self.z, self.a, self._normalizer = z, a, normalizer

    @cached_property
    def log_normalizer(self) -> tuple[Array, Array]:
        """The change of the value, (...), and of the gradient, (..., n)."""
        if self._normalizer is None:
            raise TypeError(
                "z_loss needs a map with a log-normaliser; this one has none. "
                "Use Softmax, or leave z_loss at 0."
            )
        return self._normalizer()


class Given:
    """Outputs that come as plain numbers: logs are taken from them, which is exact."""

    name = "an array of outputs"

    def output(self, a: Array) -> Output:
        return Output(self, a, a)

    def answer(self, question: str, z: Array, a: Array, mask: Mask) -> Array:
        return from_values(question, a, self.name, UNIT)

    def normalizer(self, z: Array, a: Array, mask: Mask) -> tuple[Array, Array]:
        raise TypeError(
            "z_loss needs the log-normaliser of an activation; got outputs alone. "
            "Use Pair(Softmax(), loss) on the logits."
        )

    def conjugate(self, y: Array) -> Array:
        raise TypeError(
            "Matching needs to know the activation; got outputs alone. "
            "Use Pair(activation, Matching()) on the logits."
        )


def from_values(question: str, a: Array, name: str, range: Set) -> Array:
    """The answers that follow from the outputs themselves; TypeError for others."""
    hull = range.hull
    if question == "log" and hull.low >= 0:
        return np.log(a)
    if question == "log_not" and hull.high <= 1:
        return np.log1p(-a)
    if question == "less":
        return 1 - a
    raise TypeError(
        f"{question} is not defined for {name}, whose outputs are {range}. "
        "Choose an activation or a loss for which it is; `anymax pairs` lists them."
    )
