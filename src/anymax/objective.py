"""Objective: a network, a loss and penalties as one function of the flat parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from anymax.composite import count
from anymax.errors import ShapeError
from anymax.explaining import Explanation, rendered
from anymax.graph import noise
from anymax.loss import Loss
from anymax.map import Arrays, Linearization
from anymax.meeting import Meeting
from anymax.network import Network
from anymax.pair import Pair
from anymax.penalty import Penalty
from anymax.reduction import row_scale
from anymax.target import Target
from anymax.tracing import traced
from anymax.types import Array, as_float, quiet


@dataclass(frozen=True)
class Pass:
    """One forward pass: the network up to its logits, and the pair that meets there."""

    trunk: Linearization
    meeting: Meeting
    inputs: Arrays
    axis: int  # where the features are in the logits; the meeting has them last

    @property
    def still(self) -> Arrays:
        """A tangent of the inputs that moves none of them."""
        return tuple(np.zeros_like(x) for x in self.inputs)

    def up(self, v: Array) -> Array:
        return np.moveaxis(v, self.axis, -1)

    def down(self, g: Array) -> Array:
        return np.moveaxis(g, -1, self.axis)


class Objective:
    """mean L(net(x), y) + l1 sum |w| + l2 / 2 sum w^2, by parameters or by inputs.

    The last map and the loss meet as a Pair, so that their product cancels; the maps
    before it are taken one by one. x is an array, or a tuple where the network takes
    several. Gradients and products are flat, (P,), in the order
    of `net.parameters`. Penalties skip biases, scales and hyper-parameters; l1 has
    slope 0 at 0. The mean is over what counts, as in Pair; rows that count nowhere may
    hold anything. Without a `key` nothing is drawn, so that all is deterministic.

    Args: `net`, a network; `loss`; `l1` and `l2`, both >= 0.
    Raises DomainError if the loss is not defined on what the last map gives, ValueError
    for a negative penalty.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(2, kernel="zeros"), am.Softmax()).build(3)
    >>> objective = am.Objective(net, am.CrossEntropy())
    >>> objective.gradient([[1.0, 0.0, 2.0]], [1])
    array([ 0.5, -0.5,  0. ,  0. ,  1. , -1. ,  0.5, -0.5], dtype=float32)
    """

    def __init__(
        self, net: Network, loss: Loss, *, l1: float = 0.0, l2: float = 0.0
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"Objective needs a network, as Chain(...); got {net!r}.")
        self.net, self.loss, self.l1, self.l2 = net, loss, l1, l2
        self.penalties = Penalty(net, l1, l2)
        self.trunk, self.last = net.split()
        self.pair = Pair(self.last, loss)

    def astype(self, dtype: DTypeLike) -> Objective:
        """The same for a copy of the network in another dtype."""
        return Objective(self.net.astype(dtype), self.loss, l1=self.l1, l2=self.l2)

    def value(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: object | None = None,
    ) -> Array:
        """One number."""
        return self._value(self.forward(x, y, sample_weight, mask, key))

    def gradient(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: object | None = None,
    ) -> Array:
        """By the parameters, (P,)."""
        return self._gradient(self.forward(x, y, sample_weight, mask, key))

    def value_and_gradient(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: object | None = None,
    ) -> tuple[Array, Array]:
        """Both, from one pass."""
        at = self.forward(x, y, sample_weight, mask, key)
        return self._value(at), self._gradient(at)

    def input_gradient(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: object | None = None,
    ) -> Array | Arrays:
        """By the inputs, of x's shape; a tuple where x is one."""
        at = self.forward(x, y, sample_weight, mask, key)
        found = at.trunk.vjp(at.down(at.meeting.gradient()[0]))[0]
        return found if isinstance(x, tuple) else found[0]

    def hvp(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        v: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: object | None = None,
    ) -> Array:
        """The Hessian by the parameters times v, both (P,)."""
        at = self.forward(x, y, sample_weight, mask, key)
        flat, still = self._tangent(v), at.still
        of_trunk, of_last = self._views(flat)
        by_z, _ = at.meeting.gradient()
        moved = at.up(at.trunk.jvp(still, of_trunk))
        change, by_last = at.meeting.hvp(moved, of_last)
        by_trunk = at.trunk.vjp_derivative(
            still, of_trunk, at.down(by_z), at.down(change)
        )[1]
        return self._flat(by_trunk, by_last) + self.penalties.product(flat)

    def gauss_newton(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        v: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: object | None = None,
    ) -> Array:
        """J^T H J v, J that of the logits and H the pair's: positive semi-definite."""
        at = self.forward(x, y, sample_weight, mask, key)
        flat = self._tangent(v)
        of_trunk, of_last = self._views(flat)
        moved = at.up(at.trunk.jvp(at.still, of_trunk))
        change, by_last = at.meeting.gauss_newton(moved, of_last)
        return self._flat(
            at.trunk.vjp(at.down(change))[1], by_last
        ) + self.penalties.product(flat)

    def explanation(
        self, x: ArrayLike | tuple[ArrayLike, ...], y: ArrayLike
    ) -> Explanation:
        """The chain rule of one example as data, in float64, without the penalties:
        from the loss through every map to the first weights, with differences."""
        wide = self.net.astype(np.float64)
        inputs = wide.enter(*(x if isinstance(x, tuple) else (x,)))
        return traced(wide, Pair(wide.split()[1], self.loss), inputs, y)

    def explain(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        *,
        numbers: str = "rounded",
    ) -> str:
        """The same as text; numbers="all" for every digit of every array."""
        return rendered(self.explanation(x, y), numbers)

    @quiet
    def forward(
        self,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        key: object | None = None,
    ) -> Pass:
        """The pass that everything else is read from.

        In rows that count nowhere x is 0: their covector is 0, but 0 times the NaN they
        may hold is not.
        """
        inputs = self.net.enter(*(x if isinstance(x, tuple) else (x,)))
        axis = self.last.axis
        if np.ndim(y) == inputs[0].ndim:
            y = np.moveaxis(np.asarray(y), axis, -1)
        target = self.pair.prepare(y, self._like_logits(inputs), None)
        scale = row_scale(target, sample_weight, "mean")
        z, trunk = self.trunk.linearize(
            self._counted(inputs, scale),
            self.net.views(self.trunk),
            self.net.kept_views(self.trunk),
            training=key is not None,
            key=key,
        )
        return Pass(trunk, self._met(z, target, scale, mask, key), inputs, axis)

    def _like_logits(self, inputs: Arrays) -> Array:
        """An array of the logits' shape, features last, that costs nothing."""
        own = self.net.input_shapes
        lead = inputs[0].shape[: inputs[0].ndim - len(own[0])]
        shape = (*lead, *self.trunk.output_shape(*own))
        nothing = np.broadcast_to(np.zeros((), self.net.dtype), shape)
        return np.moveaxis(nothing, self.last.axis, -1)

    def _counted(self, inputs: Arrays, scale: Array) -> Arrays:
        idle = scale == 0
        if not idle.any() or self.net.coupling == "batch":
            return inputs
        if any(x.shape[: idle.ndim] != idle.shape for x in inputs):
            return inputs
        return tuple(_without(x, idle) for x in inputs)

    def _met(
        self,
        z: Array,
        target: Target,
        scale: Array,
        mask: ArrayLike | None,
        key: object | None,
    ) -> Meeting:
        own, _ = noise(self.last, noise(self.trunk, key, count(self.trunk))[1])
        row, keep, _ = self.last.enter(z, None, mask)
        parameters = self.net.views(self.last)
        return self.pair.meet_prepared(
            row, target, scale, "mean", keep, parameters, own
        )

    # ---- flat vectors

    def penalty(self) -> Array:
        """l1 sum |w| + l2 / 2 sum w^2."""
        return self.penalties.value()

    def _value(self, at: Pass) -> Array:
        return at.meeting.value + self.penalty()

    @quiet
    def _gradient(self, at: Pass) -> Array:
        by_z, by_last = at.meeting.gradient()
        total = self._flat(at.trunk.vjp(at.down(by_z))[1], by_last)
        return total + self.penalties.gradient()

    def _flat(self, by_trunk: Arrays, by_last: Arrays) -> Array:
        total = np.zeros_like(self.net.parameters)
        self.net.deposit(self.trunk, by_trunk, total)
        self.net.deposit(self.last, by_last, total)
        return self.net.freeze(total)

    def _views(self, flat: Array) -> tuple[Arrays, Arrays]:
        return self.net.views(self.trunk, flat), self.net.views(self.last, flat)

    def _tangent(self, v: ArrayLike) -> Array:
        theta = self.net.parameters
        flat = as_float(v, "v").astype(theta.dtype, copy=False)
        if flat.shape != theta.shape:
            raise ShapeError(
                f"v needs the shape of net.parameters, {theta.shape}; got {flat.shape}."
            )
        return flat

    def __repr__(self) -> str:
        penalties = [("l1", self.l1), ("l2", self.l2)]
        said = "".join(f", {name}={value:g}" for name, value in penalties if value)
        return f"Objective({self.net!r}, {self.loss!r}{said})"


def _without(x: Array, idle: Array) -> Array:
    """x with 0 in the rows that count nowhere."""
    wide = idle.reshape(*idle.shape, *(1,) * (x.ndim - idle.ndim))
    return np.where(wide, np.zeros((), x.dtype), x)
