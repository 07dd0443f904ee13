"""An activation at one point, with and without a trainable hyper-parameter."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from anymax.jacobian import Jacobian
from anymax.map import Arrays, Cotangent, Linearization
from anymax.monomial import Point, Slope, as_slope
from anymax.output import Output, Tangent
from anymax.trainable import Reached
from anymax.types import Array, Mask, quiet

if TYPE_CHECKING:
    from anymax.activation import Activation


class ActivationLinearization(Linearization):
    """What a Pair needs beside the products: the output, and how it moves."""

    output: Output
    fixed: Fixed  # the same activation with nothing trained

    @abstractmethod
    def tangent(self, v: Array, v_parameters: Arrays, linear: bool = False) -> Tangent:
        """How the output moves; `linear` holds the log-normaliser's gradient still."""

    @abstractmethod
    def gauss_newton(
        self, v: Array, v_parameters: Arrays, g: Slope, dg: Slope
    ) -> tuple[Arrays, Arrays]:
        """The change of `vjp` with the Jacobian held still."""


class Fixed(ActivationLinearization):
    """An activation at z, nothing in it trained."""

    def __init__(self, activation: Activation, z: Array, mask: Mask) -> None:
        a: Array = activation._hook("apply", z, mask)
        self.activation = activation
        self.output = Output(activation, z, a, mask)
        self.fixed = self
        self.jacobian: Jacobian = activation._hook("structure", z, a, mask)

    def place(self) -> Point:
        return Point(self.output.a, lambda: self.output.less)

    def resolve(self, g: Cotangent) -> Slope:
        return as_slope(g).resolve(self.place())

    def resolve_derivative(self, g: Cotangent, dg: Cotangent, da: Array) -> Slope:
        return as_slope(g).resolve_derivative(as_slope(dg), self.place(), da)

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        if self.jacobian.cancels:
            return (self.jacobian.vjp(g),), ()
        met = self.resolve(g)
        return (met.plus_past(self.jacobian.vjp(met.top)),), ()

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays = ()) -> Array:
        return self.jacobian.jvp(v_inputs[0])

    @quiet
    def tangent(
        self, v: Array, v_parameters: Arrays = (), linear: bool = False
    ) -> Tangent:
        return Tangent(
            v, self.jacobian.jvp(v), lambda: self._normalizer_moved(v, linear)
        )

    def _normalizer_moved(self, v: Array, linear: bool) -> tuple[Array, Array]:
        out = self.output
        gradient = out.log_normalizer[1]
        change = np.where(gradient == 0, 0, gradient * v).sum(-1)
        if linear:
            return change, np.zeros_like(gradient)
        hook = "log_normalizer_derivative"
        return change, self.activation._hook(hook, out.z, out.a, v, out.mask)

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        v, J = v_inputs[0], self.jacobian
        if J.cancels:
            return (J.vjp_derivative(v, g, dg),), ()
        met, change = self.resolve(g), self.resolve_derivative(g, dg, J.jvp(v))
        return (change.plus_past(J.vjp_derivative(v, met.top, change.top)),), ()

    @quiet
    def gauss_newton(
        self, v: Array, v_parameters: Arrays, g: Slope, dg: Slope
    ) -> tuple[Arrays, Arrays]:
        J = self.jacobian
        if J.cancels:
            return (J.gauss_newton(v, g, dg),), ()
        met, change = self.resolve(g), self.resolve_derivative(g, dg, J.jvp(v))
        return (change.plus_past(J.gauss_newton(v, met.top, change.top)),), ()


class Trained(ActivationLinearization):
    """An activation at z with one hyper-parameter t = t(theta) trained along.

    A subclass says how t enters; here is what the ways share.
    """

    def __init__(self, fixed: Fixed, reached: Reached, shape: tuple[int, ...]) -> None:
        self.fixed, self.reached, self.shape = fixed, reached, shape
        self.output = fixed.output

    def gathered(self, x: Array) -> Array:
        """x (..., n) summed to the shape of the hyper-parameter."""
        if not self.shape:
            return np.asarray(x.sum())
        if x.shape[-1:] != self.shape:
            x = x.sum(-1, keepdims=True)
        return x.reshape(-1, x.shape[-1]).sum(0).reshape(self.shape)

    @quiet
    def tangent(
        self, v: Array, v_parameters: Arrays = (), linear: bool = False
    ) -> Tangent:
        return Tangent(v, self.jvp((v,), v_parameters), None)

    @quiet
    def gauss_newton(
        self, v: Array, v_parameters: Arrays, g: Slope, dg: Slope
    ) -> tuple[Arrays, Arrays]:
        da = self.jvp((v,), v_parameters)
        return self.vjp(self.fixed.resolve_derivative(g, dg, da))


class ElementTrained(Trained):
    """An element-wise map that states its slopes by t: f_t, f_zt, f_tt."""

    @property
    def slopes(self) -> tuple[Array, Array, Array]:
        out = self.fixed.output
        return self.fixed.activation.parameter_slopes(out.z, out.a)

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        by_t = self.gathered(self.fixed.resolve(g).top * self.slopes[0])
        return self.fixed.vjp(g)[0], (by_t * self.reached.first,)

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        moved = self.reached.first * v_parameters[0]
        return self.fixed.jvp(v_inputs) + self.slopes[0] * moved

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        (v,), (e,) = v_inputs, v_parameters
        f_t, f_zt, f_tt = self.slopes
        first, second = self.reached.first, self.reached.second
        plain = self.fixed.resolve(g)
        change = self.fixed.resolve_derivative(g, dg, self.jvp(v_inputs, v_parameters))
        by_z = self.fixed.jacobian.vjp_derivative(v, plain, change)
        by_z = by_z + plain.top * f_zt * (first * e)
        moved = change.top * f_t + plain.top * (f_zt * v + f_tt * (first * e))
        by_t = (
            self.gathered(moved) * first + self.gathered(plain.top * f_t) * second * e
        )
        return (by_z,), (by_t,)


class TemperatureTrained(Trained):
    """A map of z / T with T trained: a scaling before the map, so slopes cancel."""

    @property
    def _z(self) -> Array:
        z, mask = self.fixed.output.z, self.fixed.output.mask
        return np.where(np.isneginf(z) if mask is None else ~mask, 0, z)

    def _together(self, v: Array, v_parameters: Arrays) -> Array:
        """The tangent of z that moves z / T as v and the change of T do."""
        return v - self._z * (self.reached.first * v_parameters[0] / self.reached.value)

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        (r,), _ = self.fixed.vjp(g)
        by_t = -self.gathered(r * self._z) / self.reached.value
        return (r,), (by_t * self.reached.first,)

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return self.fixed.jvp((self._together(v_inputs[0], v_parameters),))

    @quiet
    def tangent(
        self, v: Array, v_parameters: Arrays = (), linear: bool = False
    ) -> Tangent:
        return self.fixed.tangent(self._together(v, v_parameters), (), linear)

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        (v,), (e,) = v_inputs, v_parameters
        t, first, second = self.reached
        together, moved = self._together(v, v_parameters), first * e / t
        (r,), _ = self.fixed.vjp(g)
        (dr,), _ = self.fixed.vjp_derivative((together,), (), g, dg)
        dr = dr - r * moved
        by_t = -self.gathered(r * self._z) / t
        d_by_t = -self.gathered(dr * self._z + r * v) / t - by_t * moved
        return (dr,), (d_by_t * first + by_t * second * e,)
