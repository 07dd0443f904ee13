"""ExponentialUnit: what ELU, CELU and SELU share."""

from __future__ import annotations

import numpy as np

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.target import times
from anymax.types import Array


class ExponentialUnit(Activation):
    """a = scale z where z > 0, else scale height (exp(z / stretch) - 1)."""

    height: float
    stretch: float
    scale: float

    def rescale(self, height: float, stretch: float = 1.0, scale: float = 1.0) -> None:
        """Fix the three numbers, all > 0, and what follows from them."""
        self.height, self.stretch, self.scale = height, stretch, scale
        self.range = Interval(-scale * height)
        self.convex = frozenset({"a", "sum"} if height <= stretch else ())

    def apply(self, z: Array) -> Array:
        depth = self.scale * self.height
        below = depth * np.expm1(np.minimum(z, 0) / self.stretch)
        return np.where(z > 0, self.scale * z, below)

    def structure(self, z: Array, a: Array) -> Jacobian:
        steep = self.scale * self.height / self.stretch
        below = steep * np.exp(np.minimum(z, 0) / self.stretch)
        factor = np.where(z > 0, np.full_like(z, self.scale), below)
        return Diagonal(a, factor=factor, bend=np.where(z > 0, 0, below / self.stretch))

    def potential(self, z: Array, a: Array) -> Array:
        below = self.height * (self.stretch * np.expm1(z / self.stretch) - z)
        return self.scale * np.where(z > 0, z * z / 2, below).sum(-1)

    def conjugate(self, y: Array) -> Array:
        y = y / self.scale
        share = np.log1p(y / self.height)
        below = self.stretch * (times(self.height + y, share) - y)
        inside = np.where(y > 0, y * y / 2, below)
        return self.scale * np.where(y < -self.height, np.inf, inside).sum(-1)
