"""Pair: an activation meets a loss, on logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anymax import activations, losses
from anymax.activation import Activation
from anymax.certificate import Certificate, certify
from anymax.errors import DomainError, ShapeError
from anymax.explaining import End, Explanation, explanation, rendered
from anymax.loss import Loss
from anymax.map import Arrays
from anymax.meeting import Meeting
from anymax.native_pair import BOTH, GRADIENT, VALUE, Native
from anymax.reduction import row_scale
from anymax.registry import samples
from anymax.sets import Placement, Set, Simplex
from anymax.target import Target
from anymax.types import Array, Mask, as_float, quiet


class Pair:
    """The last map of a network together with its loss, as one function of logits z.

    Value, gradient and Hessian product come from the same cancelled fraction: the
    loss's slope over a monomial of a, times the activation's weight, exponents
    subtracted. Shapes: z (..., n) on the last axis, or on `axis`; y as the loss takes
    them; gradients like z. Raises DomainError if the loss's formula is not defined on
    the activation's range, TypeError if it needs what the activation does not know.

    >>> import anymax as am
    >>> pair = am.Pair(am.Softmax(), am.SquaredError())
    >>> pair.gradient([[1.0, 2.0]], [[0, 1]]).round(4)
    array([[ 0.2115, -0.2115]])
    """

    def __init__(
        self, activation: Activation, loss: Loss, *, axis: int | None = None
    ) -> None:
        if not isinstance(activation, Activation):
            raise TypeError(f"Pair needs an activation first; got {activation!r}.")
        if not isinstance(loss, Loss):
            raise TypeError(f"Pair needs a loss second; got {loss!r}.")
        self.activation, self.loss, self.axis = activation, loss, axis
        self.native = Native()
        self.placement = loss.placement(activation.range)
        if self.placement is Placement.OUTSIDE:
            raise DomainError(_refusal(activation, loss))
        for hook in sorted(loss.needs):
            activation.require(hook)

    @property
    def targets(self) -> Set:
        """What targets the pair takes."""
        return self.loss.accepted(self.activation.range)

    @property
    def fixed_width(self) -> int | None:
        """The one number of outputs the pair takes, if an argument fixes it."""
        return self.activation.fixed_width or self.loss.fixed_width

    @property
    def doubt(self) -> str | None:
        """Why the loss is not meant for this activation, in a sentence; or None."""
        if self.loss.meant.closure.holds(self.activation.range):
            return None
        return self.loss.doubt(self.activation.range)

    @property
    def convex(self) -> bool:
        """Whether the declared data proves the loss convex in z."""
        loss, activation = self.loss, self.activation
        return loss.rising <= activation.convex and loss.falling <= activation.concave

    @property
    def fused(self) -> bool:
        """Whether the loss's fraction is cancelled against the activation's weight."""
        meeting = self._trial()
        return meeting.slope.past is not None or meeting.cancels

    @property
    def cancellation(self) -> str:
        """What cancels between slope and weight, in a sentence part."""
        return self._trial().cancellation

    def _trial(self) -> Meeting:
        """One harmless row, to read exponents from."""
        n = self.fixed_width or 4
        z = np.linspace(-0.5, 0.6, n)
        return self.meet(z, self.targets.indicate(np.eye(1, n)[0]))

    # ---- what users call

    def value(
        self,
        z: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        reduce: str = "mean",
    ) -> Array:
        """The loss: one number, or (...) with reduce="none"."""
        found = self.native.meet(self, VALUE, z, y, sample_weight, mask, reduce)
        if found is not None:
            return found
        return self._meet(z, y, sample_weight, mask, reduce)[0].value

    def gradient(
        self,
        z: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        reduce: str = "mean",
    ) -> Array:
        """dL/dz, of z's shape: of the mean, the sum, or each row's own loss."""
        found = self.native.meet(self, GRADIENT, z, y, sample_weight, mask, reduce)
        if found is not None:
            return found
        meeting, at = self._meet(z, y, sample_weight, mask, reduce)
        return np.moveaxis(meeting.gradient()[0], -1, at)

    def value_and_gradient(
        self,
        z: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        reduce: str = "mean",
    ) -> tuple[Array, Array]:
        """Both, from one evaluation."""
        found = self.native.meet(self, BOTH, z, y, sample_weight, mask, reduce)
        if found is not None:
            return found
        meeting, at = self._meet(z, y, sample_weight, mask, reduce)
        return meeting.value, np.moveaxis(meeting.gradient()[0], -1, at)

    def hvp(
        self,
        z: ArrayLike,
        y: ArrayLike,
        v: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        reduce: str = "mean",
    ) -> Array:
        """The Hessian by z times v, of z's shape."""
        meeting, at = self._meet(z, y, sample_weight, mask, reduce)
        product = meeting.hvp(_tangent(v, z, at, meeting))[0]
        return np.moveaxis(product, -1, at)

    def gauss_newton(
        self,
        z: ArrayLike,
        y: ArrayLike,
        v: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        reduce: str = "mean",
    ) -> Array:
        """A positive semi-definite matrix times v: the Hessian where the loss is proved
        convex in z, else J^T (d2L/da2) J. Raises TypeError where neither is."""
        meeting, at = self._meet(z, y, sample_weight, mask, reduce)
        product = meeting.gauss_newton(_tangent(v, z, at, meeting))[0]
        return np.moveaxis(product, -1, at)

    def certificate(self, z: ArrayLike, y: ArrayLike) -> Certificate:
        """The gradient fused, unfused and by finite differences, in float64."""
        row, _, at = self.activation.enter(z, self.axis, None)
        wide = row.astype(np.float64)
        return certify(lambda x: self.meet(x, _moved(y, row, at), reduce="none"), wide)

    def explanation(self, z: ArrayLike, y: ArrayLike) -> Explanation:
        """The chain rule of one sample, from the loss to the logits, as data."""
        row = self.activation.enter(z, self.axis, None)[0].astype(np.float64)
        if row.ndim != 1:
            raise ShapeError(
                f"explain needs one sample, z of shape (n,); got {row.shape}. "
                "Write z[0]."
            )
        target = self.prepare(y, row)
        end = End.of(self, "a", target, row_scale(target, None, "none"))
        return explanation(f"{self!r} at one sample", {"z": row}, (), end, 0)

    def explain(self, z: ArrayLike, y: ArrayLike, *, numbers: str = "rounded") -> str:
        """The same as text; numbers="all" for every digit of every array."""
        return rendered(self.explanation(z, y), numbers)

    # ---- what Objective calls

    @quiet
    def meet(
        self,
        z: Array,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        mask: Mask = None,
        reduce: str = "mean",
        parameters: Arrays = (),
        key: object | None = None,
    ) -> Meeting:
        """Logits with their features last, met by targets."""
        target = self.prepare(y, z, mask)
        scale = row_scale(target, sample_weight, reduce)
        return self.meet_prepared(z, target, scale, reduce, mask, parameters, key)

    def prepare(self, y: ArrayLike, z: Array, mask: Mask = None) -> Target:
        """Targets of any form for logits like z, features last."""
        self.check_width(z.shape[-1])
        return self.loss.prepare(y, z, self.targets, mask)

    def meet_prepared(
        self,
        z: Array,
        target: Target,
        scale: Array,
        reduce: str,
        mask: Mask = None,
        parameters: Arrays = (),
        key: object | None = None,
    ) -> Meeting:
        """As `meet`, from prepared targets; rows of scale 0 may hold NaN."""
        if not np.all(scale):
            z = np.where(scale[..., None] == 0, np.zeros((), z.dtype), z)
        _, point = self.activation.linearize((z,), parameters, mask=mask, key=key)
        return Meeting(self.loss, point, target, scale, reduce, self.convex, mask)

    def check_width(self, n: int) -> None:
        """Raise ShapeError for no outputs at all, and for a simplex of one."""
        if n == 0:
            raise ShapeError("a loss needs at least one output; got z of width 0.")
        if n == 1 and isinstance(self.activation.range, Simplex):
            raise ShapeError(
                f"{self.activation!r} over one output is always 1; got z of width 1. "
                "For columns of logits pass axis=0; for one yes-or-no output use "
                "Sigmoid."
            )

    def _meet(
        self,
        z: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        mask: ArrayLike | None,
        reduce: str,
    ) -> tuple[Meeting, int]:
        row, keep, at = self.activation.enter(z, self.axis, mask)
        if row.ndim == 0:
            raise ShapeError("Pair needs logits (..., n); got a single number.")
        moved = _moved(y, row, at)
        options: dict[str, Any] = {"sample_weight": sample_weight, "reduce": reduce}
        return self.meet(row, moved, mask=keep, **options), at

    def __repr__(self) -> str:
        return f"Pair({self.activation!r}, {self.loss!r})"


def _moved(y: ArrayLike, row: Array, at: int) -> ArrayLike:
    """Targets with an axis for the outputs, moved as z was."""
    if at in (-1, row.ndim - 1) or np.ndim(y) != row.ndim:
        return y
    return np.moveaxis(np.asarray(y), at, -1)


def _tangent(v: ArrayLike, z: ArrayLike, at: int, meeting: Meeting) -> Array:
    array = as_float(v, "v")
    if array.shape != np.shape(z):
        raise ShapeError(f"v needs the shape of z, {np.shape(z)}; got {array.shape}.")
    return np.moveaxis(array, at, -1).astype(meeting.point.output.a.dtype, copy=False)


def _refusal(activation: Activation, loss: Loss) -> str:
    """What the loss needs, what the activation gives, what to use instead."""
    fits = [name for name, made in samples(activations).items() if _suits(made, loss)]
    others = [
        name for name, made in samples(losses).items() if _suits(activation, made)
    ]
    instead = f"use {_few(fits)} before it"
    if others:
        instead += f", or {_few(others)} after {activation.name}"
    return (
        f"{loss.name} needs outputs that are {loss.domain}; {activation!r} gives "
        f"{activation.range}: {instead}."
    )


def _suits(activation: Activation, loss: Loss) -> bool:
    inside = loss.placement(activation.range) is Placement.INSIDE
    known = all(activation.knows(hook) for hook in loss.needs)
    return inside and known and loss.meant.closure.holds(activation.range)


def _few(names: list[str]) -> str:
    """The two plainest names."""
    return " or ".join(sorted(names, key=lambda name: (len(name), name))[:2])
