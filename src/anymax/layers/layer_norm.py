"""LayerNorm."""

from __future__ import annotations

from anymax.layers.normalizing import Normalizing, check_eps
from anymax.layers.standard import Measured, Standard
from anymax.map import Arrays
from anymax.types import Array


class LayerNorm(Normalizing):
    """y = (x - mean) / sqrt(variance + eps) gain + shift, along each row.

    Shapes (..., n), gain and shift (n,); mean and variance, with divisor n, are those
    of the last axis, alike in training and afterwards. On a constant row y = shift, and
    `eps` decides how steep J is there. Penalties skip gain and shift. `Standardize()`
    is the same without eps, gain and shift.

    Args: `eps` > 0, a part of the model; `scale` and `shift`, whether there is a gain,
    which starts at 1, and a shift, which starts at 0.
    Raises ValueError for eps <= 0, ShapeError for inputs of another width than it was
    built for.
    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.

    >>> import anymax as am
    >>> am.Chain(am.LayerNorm()).build(3)([1.0, 2.0, 3.0]).round(4)
    array([-1.2247,  0.    ,  1.2247], dtype=float32)
    """

    def __init__(
        self, *, eps: float = 1e-5, scale: bool = True, shift: bool = True
    ) -> None:
        self.eps = check_eps("LayerNorm", eps)
        self.scale, self.shift = scale, shift

    def standard(
        self, x: Array, state: Arrays, training: bool
    ) -> tuple[Standard, Arrays]:
        return Measured(x, (-1,), self.eps), ()
