"""Certificate: one gradient by three ways, fused, unfused and by differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anymax.differences import along, by_each, relative
from anymax.meeting import Meeting
from anymax.types import Array, quiet

STEP = 1e-3  # of fourth order: its error is of the size of rounding in float64


@dataclass(frozen=True)
class Certificate:
    """The gradients of each row's loss by z, and how far they are apart.

    `gradient_error` and `hvp_error` are the largest differences between the fused
    result and finite differences, relative to max(1, norm); `unfused_error` to the
    fraction evaluated and multiplied by the dense Jacobian, which may be inf or NaN
    where only cancelling saves the result.
    """

    fused: Array
    unfused: Array
    finite_differences: Array
    gradient_error: float
    unfused_error: float
    hvp_error: float

    def __str__(self) -> str:
        return (
            f"fused against finite differences: {self.gradient_error:.1e}\n"
            f"fused against unfused:            {self.unfused_error:.1e}\n"
            f"Hessian product:                  {self.hvp_error:.1e}"
        )


@quiet
def certify(meet: Callable[[Array], Meeting], z: Array) -> Certificate:
    """The certificate at z (..., n), float64; `meet` gives unreduced rows."""
    fused = meet(z).gradient()[0]
    plain = unfused(meet(z))
    differences = by_each(lambda x: meet(x).value, z, STEP)
    v = np.random.default_rng(0).normal(size=z.shape)
    moved = along(lambda x: meet(x).gradient()[0], z, v, STEP)
    return Certificate(
        fused,
        plain,
        differences,
        relative(fused, differences),
        relative(plain, fused),
        relative(meet(z).hvp(v)[0], moved),
    )


def unfused(meeting: Meeting) -> Array:
    """The fraction evaluated, then times the dense Jacobian: what fusing avoids."""
    point = meeting.point.fixed
    plain = meeting.slope.resolve(point.place())
    product = np.einsum("...m,...mn->...n", plain.top, point.jacobian.dense())
    return product if plain.past is None else product + plain.past
