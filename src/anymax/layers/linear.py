"""What layers share: maps that are linear in their input, and sums over rows."""

from __future__ import annotations

from collections.abc import Callable

from anymax.map import Arrays, Cotangent, Linearization, evaluated
from anymax.types import Array, quiet


class Linear(Linearization):
    """A map with no parameters and the same J everywhere: J v and g J as functions."""

    def __init__(
        self, up: Callable[[Array], Array], down: Callable[[Array], Array]
    ) -> None:
        self.up, self.down = up, down

    @quiet
    def vjp(self, g: Cotangent) -> tuple[Arrays, Arrays]:
        return (self.down(evaluated(g)),), ()

    @quiet
    def jvp(self, v_inputs: Arrays, v_parameters: Arrays) -> Array:
        return self.up(v_inputs[0])

    @quiet
    def vjp_derivative(
        self, v_inputs: Arrays, v_parameters: Arrays, g: Cotangent, dg: Cotangent
    ) -> tuple[Arrays, Arrays]:
        return (self.down(evaluated(dg)),), ()


def total(g: Array) -> Array:
    """The sum over all leading axes, (..., n) to (n,)."""
    return g.reshape(-1, g.shape[-1]).sum(0)
