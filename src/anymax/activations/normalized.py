"""Normalized."""

from __future__ import annotations

from typing import Self

import numpy as np

from anymax.activation import Activation
from anymax.activations.separable import Separable
from anymax.activations.sigmoid import Sigmoid
from anymax.errors import DomainError
from anymax.jacobian import Diagonal
from anymax.monomial import A
from anymax.types import Array


class Normalized(Separable):
    """a = h(z) / sum h(z), h any element-wise map whose range excludes 0.

    J = Centering(a) diag(h'/h), where h'/h is h's own weight with one power of a taken
    off, so it is exact where h underflows. Shapes (..., n). Not shift-invariant unless
    h = Exp(), which makes it softmax.

    Args: `h` an element-wise activation with nothing trainable; `axis`.
    Raises DomainError if h's range holds 0, TypeError if h is not element-wise.
    Source: de Brebisson and Vincent, ICLR 2016, arXiv:1511.05042.

    >>> import anymax as am
    >>> am.Normalized(am.Softplus())([0.0, 1.0]).round(4)
    array([0.3455, 0.6545])
    """

    def __init__(self, h: Activation, *, axis: int = -1) -> None:
        if not isinstance(h, Activation) or h.coupling != "element" or h.parameters:
            raise TypeError(
                "Normalized needs an element-wise activation with nothing trainable; "
                f"got {h!r}. Try Normalized(Softplus())."
            )
        if h.range.hull.contains(np.zeros((1, 1)))[0]:
            raise DomainError(
                f"Normalized needs a map whose range excludes 0; {h!r} gives "
                f"{h.range}. Try Normalized(Softplus())."
            )
        self.h = h
        self.axis = axis

    @classmethod
    def sample(cls) -> Self:
        """The normalised sigmoid."""
        return cls(Sigmoid())

    def numerator(self, z: Array) -> Array:
        return scaled_exp(self.log_numerator(z))

    def log_numerator(self, z: Array) -> Array:
        return log_of(self.h, z)

    def log_structure(self, z: Array) -> Diagonal:
        return log_structure_of(self.h, z)


def scaled_exp(log: Array) -> Array:
    """exp(log), the row's largest made 1."""
    return np.exp(log - log.max(-1, keepdims=True)) if log.shape[-1] else log


def log_of(h: Activation, z: Array) -> Array:
    """log |h(z)|."""
    return h.log_size(z, h.apply(z))


def log_structure_of(h: Activation, z: Array) -> Diagonal:
    """The Jacobian of log |h|: h's weight with one power of a taken off."""
    structure = h.structure(z, h.apply(z))
    if not isinstance(structure, Diagonal):
        raise TypeError(
            f"Normalized needs a map whose Jacobian is a Diagonal; {h!r} gives "
            f"{structure!r}. Write its structure as Diagonal(a, factor=...)."
        )
    return structure.over(A)
