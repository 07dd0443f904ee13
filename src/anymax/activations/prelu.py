"""PReLU."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymax.activation import Activation
from anymax.activations.arguments import finite
from anymax.activations.leaky_relu import leak
from anymax.errors import ShapeError
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import REALS
from anymax.trainable import Trainable
from anymax.types import Array


class PReLU(Activation):
    """a = z where z > 0, else slope z, slope trained; da/dz is 1 or slope, slope at 0.

    Element-wise, any shape; with num_parameters > 1 there is one slope per channel, on
    the last axis. The slope is free in the real numbers, so the range is all of them,
    and it takes no weight decay.

    Args: `num_parameters`, 1 or the width of the last axis; `init`, where each slope
    starts.
    Raises ValueError for num_parameters < 1 or an init that is not finite, ShapeError
    for a last axis that is not num_parameters wide.
    Source: He, Zhang, Ren and Sun, ICCV 2015, arXiv:1502.01852.

    >>> import anymax as am
    >>> am.PReLU()([-1.0, 2.0])
    array([-0.25,  2.  ])
    >>> am.PReLU(num_parameters=8)
    PReLU(num_parameters=8)
    """

    range = REALS
    slope: Any  # the current one; `bind` sets it

    def __init__(self, *, num_parameters: int = 1, init: float = 0.25) -> None:
        if not num_parameters >= 1:
            raise ValueError(f"PReLU needs num_parameters >= 1; got {num_parameters}.")
        self.num_parameters = int(num_parameters)
        self.init = finite(self.name, "init", init)
        each = np.full(num_parameters, self.init) if num_parameters > 1 else self.init
        self.slope = self.declare("slope", Trainable(each))

    def apply(self, z: Array) -> Array:
        return leak(z, self._slope(z))

    def structure(self, z: Array, a: Array) -> Jacobian:
        return Diagonal(a, factor=np.where(z > 0, np.ones_like(z), self._slope(z)))

    def parameter_slopes(self, z: Array, a: Array) -> tuple[Array, Array, Array]:
        below = (~(z > 0)).astype(z.dtype)
        return np.minimum(z, 0), below, np.zeros_like(z)

    def _slope(self, z: Array) -> Array:
        width = z.shape[-1] if z.ndim else 1
        if self.num_parameters not in (1, width):
            raise ShapeError(
                f"{self!r} needs {self.num_parameters} channels on the last axis; got "
                f"shape {z.shape}. Pass axis= if the channels are on another."
            )
        return np.asarray(self.slope, z.dtype)
