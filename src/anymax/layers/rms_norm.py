"""RMSNorm."""

from __future__ import annotations

from anymax.layers.normalizing import Normalizing, check_eps
from anymax.layers.standard import Measured, Standard
from anymax.map import Arrays
from anymax.types import Array


class RMSNorm(Normalizing):
    """y = x / sqrt(mean x^2 + eps) gain, along each row.

    Shapes (..., n), gain (n,); the mean is over the last axis. On a row of zeros y = 0,
    and `eps` decides how steep J is there. Penalties skip the gain.

    Args: `eps` > 0, a part of the model; `scale`, whether there is a gain, which starts
    at 1.
    Raises ValueError for eps <= 0, ShapeError for inputs of another width than it was
    built for.
    Source: Zhang and Sennrich, NeurIPS 2019, arXiv:1910.07467.

    >>> import anymax as am
    >>> am.Chain(am.RMSNorm()).build(2)([3.0, 4.0]).round(4)
    array([0.8485, 1.1314], dtype=float32)
    """

    def __init__(self, *, eps: float = 1e-6, scale: bool = True) -> None:
        self.eps, self.scale = check_eps("RMSNorm", eps), scale

    def standard(
        self, x: Array, state: Arrays, training: bool
    ) -> tuple[Standard, Arrays]:
        return Measured(x, (-1,), self.eps, centred=False), ()
