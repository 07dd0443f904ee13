"""Meeting: one activation and one loss at one batch of logits, differentiated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.cached import cached_property
from anymax.linearized import ActivationLinearization
from anymax.loss import Loss
from anymax.map import Arrays
from anymax.monomial import ONE, Slope, as_slope
from anymax.reduction import reduced
from anymax.target import Target, times
from anymax.types import Array, Mask, quiet


@dataclass(frozen=True)
class Meeting:
    """Rows of logits, features last, with prepared targets and row scales."""

    loss: Loss
    point: ActivationLinearization
    target: Target
    scale: Array
    reduce: str
    convex: bool  # whether data proves the loss convex in z
    mask: Mask = None

    @property
    @quiet
    def value(self) -> Array:
        rows = self.loss.rows(self.point.output, self.target.values)
        return reduced(rows, self.scale, self.reduce)

    @cached_property
    @quiet
    def slope(self) -> Slope:
        """dL/da, each row scaled as the reduction says."""
        return self._scaled(self.loss.slope(self.point.output, self.target.values))

    @property
    def cancels(self) -> bool:
        """Whether the slope is a fraction that the Jacobian takes unevaluated."""
        return self.slope.over != ONE and self.point.fixed.jacobian.cancels

    @property
    def cancellation(self) -> str:
        """What cancels between slope and weight, read off their exponents."""
        weight, over = self.point.fixed.jacobian.monomial, self.slope.over
        if self.slope.past is not None and over == ONE:
            return "the loss knows dL/dz itself, nothing is left to cancel"
        if over == ONE:
            return "nothing, the slope is no fraction"
        if weight is None:
            return f"nothing, the Jacobian has no weight to meet 1 / ({over})"
        return f"weight {weight} over {over} leaves {weight / over}"

    @quiet
    def gradient(self) -> tuple[Array, Arrays]:
        """By z and by the activation's trainable hyper-parameter."""
        return self._kept(*self.point.vjp(self.slope))

    @quiet
    def hvp(self, v: Array, v_parameters: Arrays = ()) -> tuple[Array, Arrays]:
        """The change of `gradient` along v, cancelled before it is differentiated."""
        change = self._change(v, v_parameters, linear=False)
        return self._kept(
            *self.point.vjp_derivative((v,), v_parameters, self.slope, change)
        )

    @quiet
    def gauss_newton(self, v: Array, v_parameters: Arrays = ()) -> tuple[Array, Arrays]:
        """The positive semi-definite part of `hvp`: all of it where convex in z."""
        change = self._change(v, v_parameters, linear=True)
        if self.convex and not v_parameters:
            return self._kept(*self.point.vjp_derivative((v,), (), self.slope, change))
        if not self.loss.convex:
            raise TypeError(
                "gauss_newton needs a loss convex in its outputs or in z; "
                f"{self.loss!r} is neither after this activation. Use hvp, or another "
                "loss."
            )
        return self._kept(*self.point.gauss_newton(v, v_parameters, self.slope, change))

    def _change(self, v: Array, v_parameters: Arrays, linear: bool) -> Slope:
        d = self.point.tangent(v, v_parameters, linear)
        out, y = self.point.output, self.target.values
        return self._scaled(self.loss.slope_derivative(out, y, d))

    def _scaled(self, given: Slope | Array) -> Slope:
        slope = as_slope(given)
        column = self.scale[..., None]
        past = None if slope.past is None else times(column, slope.past)
        if past is not None and self.mask is not None:
            past = np.where(self.mask, past, 0)
        return Slope(times(column, slope.top), slope.over, past)

    def _kept(self, by_z: Arrays, by_parameters: Arrays) -> tuple[Array, Arrays]:
        (z,) = by_z
        return (z if self.mask is None else np.where(self.mask, z, 0)), by_parameters
