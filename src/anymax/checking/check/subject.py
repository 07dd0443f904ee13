"""Subject: what is checked; a way to make it fresh, and what its functions take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anymax.checking.check.report import CheckError
from anymax.checking.check.roles import CACHE, OUT, TARGET, UP, Signature, X
from anymax.sets import Set
from anymax.types import Array


@dataclass(frozen=True)
class Live:
    """A forward and a backward that share one state, fresh when made."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    holder: Any = None  # the object whose attributes hold what forward stored


@dataclass(frozen=True)
class Subject:
    """Anybody's map or loss: `make` gives a fresh one, the signatures say how to call.

    `width` fixes the number of inputs where it is not free, `vector` says that only
    (n,) makes sense; `domain` and `targets` are where inputs and targets are drawn from
    if they are declared. `trusted` are maps whose jumps are declared.
    """

    name: str
    loss: bool
    make: Callable[[], Live]
    takes: Signature
    answers: Signature
    backward: str = "backward"
    width: int | None = None
    vector: bool = False
    domain: Set | None = None
    targets: Set | None = None
    trusted: bool = False

    @property
    def called(self) -> str:
        """How its backward is written, as delta(incoming, outgoing)."""
        return f"{self.backward}{self.answers}"

    def word(self, role: str) -> str:
        """What its backward calls an array; the usual letter where it gets none."""
        usual = {X: "a" if self.loss else "z", OUT: "a", TARGET: "y", UP: "g"}
        for name, own in zip(self.answers.names, self.answers.roles, strict=True):
            if own == role:
                return name
        return usual[role]


class Session:
    """One fresh subject; arrays go in by role, copies of them, and come out as arrays.

    A `scalar` session calls once for each number. What goes in stays in `given`, so
    that it can be seen whether it was changed.
    """

    def __init__(self, subject: Subject, scalar: bool = False) -> None:
        self.subject, self.scalar = subject, scalar
        self.live = subject.make()
        self.raw: Any = None
        self.given: dict[str, Array] = {}

    def forward(self, x: Array, y: Array | None = None) -> Array:
        """The outputs, as the subject gives them."""
        self.given = {X: _copied(x)} | ({} if y is None else {TARGET: _copied(y)})
        taken = [self.given[str(role)] for role in self.subject.takes.roles]
        if self.scalar:
            self.raw = [self.live.forward(*each) for each in _each(taken)]
            return np.array([float(one) for one in self.raw]).reshape(np.shape(x))
        self.raw = self.live.forward(*taken)
        return as_array(_first(self.raw))

    def backward(self, x: Array, out: Array, g: Array, y: Array | None = None) -> Array:
        """What the backward answers, for arrays of these roles."""
        self.given = {X: _copied(x), OUT: _copied(out), UP: _copied(g)}
        if y is not None:
            self.given[TARGET] = _copied(y)
        roles = self.subject.answers.roles
        if self.scalar:
            taken = [self.given[str(role)] for role in roles]
            return np.array([float(self._one(*each)) for each in _each(taken)]).reshape(
                np.shape(x)
            )
        answer = self._backward()
        arrays = [self._cache() if r == CACHE else self.given[str(r)] for r in roles]
        return as_array(_first(answer(*arrays)))

    def _one(self, *each: float) -> Any:
        """The answer for one number; a forward of its own comes before it."""
        return self.live.backward(*each)

    def _backward(self) -> Callable[..., Any]:
        """The backward; where forward gives it back with the outputs, that one."""
        if isinstance(self.raw, tuple) and len(self.raw) > 1 and callable(self.raw[1]):
            closure: Callable[..., Any] = self.raw[1]
            return closure
        return self.live.backward

    def _cache(self) -> Any:
        if isinstance(self.raw, tuple) and len(self.raw) > 1:
            return self.raw[1]
        raise CheckError(
            f"{self.subject.called} needs a cache; forward gives none back. Say with "
            "args what it takes, as z,a,g."
        )


def as_array(value: Any) -> Array:
    """Numbers of any library as a NumPy array of their own precision."""
    array = np.asarray(value)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise CheckError(
            f"a check needs numbers back; got {type(value).__name__} of dtype "
            f"{array.dtype}. Return an array."
        )
    return array


def _first(raw: Any) -> Any:
    """The outputs where something else comes with them."""
    return raw[0] if isinstance(raw, tuple) and raw else raw


def _each(arrays: list[Array]) -> list[tuple[Any, ...]]:
    return list(zip(*(array.ravel().tolist() for array in arrays), strict=True))


def _copied(array: Array) -> Array:
    return np.array(array, copy=True)
