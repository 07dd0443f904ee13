"""Penalty: l1 sum |w| + l2 / 2 sum w^2 over what decays, with its derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.network import Network
from anymax.types import Array


@dataclass(frozen=True)
class Penalty:
    """A function of the flat parameters; biases, scales and the like are left out.

    Its slope at 0 is 0. Raises ValueError for a negative l1 or l2.
    """

    net: Network
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        if not (self.l1 >= 0 and self.l2 >= 0):
            raise ValueError(
                f"penalties need l1 and l2 >= 0; got {self.l1:g} and {self.l2:g}."
            )

    def value(self) -> Array:
        """One number."""
        theta = self.net.parameters
        w = theta[self.net.decays()] if self.l1 or self.l2 else theta[:0]
        value = self.l1 * np.abs(w).sum() + self.l2 / 2 * (w**2).sum()
        return np.asarray(value, theta.dtype)

    def gradient(self) -> Array | float:
        """By the parameters, (P,); 0.0 without penalties."""
        if not (self.l1 or self.l2):
            return 0.0
        theta = self.net.parameters
        slope = self.l1 * np.sign(theta) + self.l2 * theta
        return np.where(self.net.decays(), slope, 0).astype(theta.dtype)

    def product(self, v: Array) -> Array | float:
        """The Hessian times v, (P,)."""
        return np.where(self.net.decays(), self.l2 * v, 0) if self.l2 else 0.0
