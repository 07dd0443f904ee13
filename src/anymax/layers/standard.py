"""Standardised inputs with a gain and a shift: what the normalising layers share."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from anymax.initializers import ones, zeros
from anymax.layers.linear import total
from anymax.map import Arrays, Cotangent, Linearization, Parameter, evaluated
from anymax.types import Array, quiet


class Standard(ABC):
    """u, the standardised x, and its Jacobian S = du/dx, which is symmetric."""

    u: Array

    @abstractmethod
    def turn(self, h: Array) -> Array:
        """S h, which is h S."""

    @abstractmethod
    def turn_derivative(self, v: Array, h: Array, dh: Array) -> Array:
        """The change of S h, x changing by v and h by dh."""


class Measured(Standard):
    """u = c s, s = 1 / sqrt(mean c^2 + eps), with c = x - mean x, or x itself.

    Means are over `axes`. With P taking means off, where c does, and M the mean,
    S h = s (P h - u M[u h]), s' = -s^2 M[u v].
    """

    def __init__(
        self, x: Array, axes: tuple[int, ...], eps: float, centred: bool = True
    ) -> None:
        self.axes, self.centred = axes, centred
        self.count = max(int(np.prod([x.shape[axis] for axis in axes])), 1)
        self.mean = self._mean(x)
        level = x - self.mean if centred else x
        self.variance = self._mean(level * level)
        self.inverse = 1 / np.sqrt(self.variance + eps)
        self.u = level * self.inverse

    def _mean(self, x: Array) -> Array:
        return x.sum(self.axes, keepdims=True) / self.count

    def _level(self, x: Array) -> Array:
        return x - self._mean(x) if self.centred else x

    def turn(self, h: Array) -> Array:
        return self.inverse * (self._level(h) - self.u * self._mean(self.u * h))

    def turn_derivative(self, v: Array, h: Array, dh: Array) -> Array:
        along, du = self._mean(self.u * h), self.turn(v)
        change = self._mean(du * h + self.u * dh)
        shrinking = self.inverse * self._mean(self.u * v)
        turned = self._level(dh) - du * along - self.u * change
        return self.inverse * turned - shrinking * self.turn(h)


class Held(Standard):
    """u = (x - mean) / sqrt(variance + eps), mean and variance given: S h = s h."""

    def __init__(self, x: Array, mean: Array, variance: Array, eps: float) -> None:
        self.inverse = 1 / np.sqrt(variance + eps)
        self.u = (x - mean) * self.inverse

    def turn(self, h: Array) -> Array:
        return self.inverse * h

    def turn_derivative(self, v: Array, h: Array, dh: Array) -> Array:
        return self.inverse * dh


class Scaled(Linearization):
    """y = u gain + shift, either of which may be missing; what y is, is `self.y`."""

    def __init__(
        self,
        standard: Standard,
        parameters: Arrays,
        scale: bool,
        shift: bool,
        state: Arrays = (),
    ) -> None:
        self.standard, self.state = standard, state
        self.scale, self.shift = scale, shift
        self.gain = parameters[0] if scale else None
        y = self._scaled(standard.u)
        self.y = y + parameters[-1] if shift else y

    def _scaled(self, h: Array) -> Array:
        return h if self.gain is None else h * self.gain

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        g = evaluated(g)
        by_x = self.standard.turn(self._scaled(g))
        return (by_x,), self._by_parameters(g * self.standard.u, g)

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        moved = self._scaled(self.standard.turn(v_inputs[0]))
        if self.scale:
            moved = moved + self.standard.u * v_parameters[0]
        return moved + v_parameters[-1] if self.shift else moved

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        (v,), g, dg = v_inputs, evaluated(g), evaluated(dg)
        dh = self._scaled(dg)
        if self.scale:
            dh = dh + g * v_parameters[0]
        by_x = self.standard.turn_derivative(v, self._scaled(g), dh)
        by_gain = dg * self.standard.u + g * self.standard.turn(v)
        return (by_x,), self._by_parameters(by_gain, dg)

    def _by_parameters(self, by_gain: Array, by_shift: Array) -> Arrays:
        gain = (total(by_gain),) if self.scale else ()
        return (*gain, total(by_shift)) if self.shift else gain


def gain_and_shift(n: int, scale: bool, shift: bool) -> tuple[Parameter, ...]:
    """What a normalising layer of n features learns; penalties skip both."""
    gain = (Parameter("scale", (n,), ones, decay=False),) if scale else ()
    if not shift:
        return gain
    return (*gain, Parameter("shift", (n,), zeros, decay=False))
