"""Separable: a = h(z) / sum h(z), the softmax of log h."""

from __future__ import annotations

from abc import abstractmethod

from anymax.activation import Activation
from anymax.activations.softmax import log_softmax, log_total, softmax
from anymax.jacobian import Centering, Diagonal, Jacobian, Product
from anymax.monomial import A
from anymax.rows import kept, shown
from anymax.sets import Simplex
from anymax.types import Array, Mask, add


class Separable(Activation):
    """What the normalisers of a positive h share: J = Centering(a) diag(h' / h).

    A subclass says h up to a factor of the row, log h, and h'/h with its derivative as
    the diagonal Jacobian of log h.
    """

    coupling = "row"
    range = Simplex(closed=False)
    convex = frozenset({"sum"})
    monotone = False
    unmatched = "its Jacobian is not symmetric"

    @abstractmethod
    def numerator(self, z: Array) -> Array:
        """h(z) times any positive number of the row."""

    @abstractmethod
    def log_numerator(self, z: Array) -> Array:
        """log |h(z)|."""

    @abstractmethod
    def log_structure(self, z: Array) -> Diagonal:
        """The Jacobian of log |h|."""

    def apply(self, z: Array, mask: Mask = None) -> Array:
        if mask is not None:
            return softmax(self.log_numerator(shown(z, mask)), mask)
        h = self.numerator(z)
        return h / add(h)

    def structure(self, z: Array, a: Array, mask: Mask = None) -> Jacobian:
        logits = kept(self.log_numerator(shown(z, mask)), mask)
        centering = Centering(a, A, support=mask, logits=logits)
        return Product(centering, self.log_structure(shown(z, mask)).within(mask))

    def log(self, z: Array, a: Array, mask: Mask = None) -> Array:
        return log_softmax(self.log_numerator(shown(z, mask)), mask)

    def log_normalizer(
        self, z: Array, a: Array, mask: Mask = None
    ) -> tuple[Array, Array]:
        value = log_total(self.log_numerator(shown(z, mask)), mask)
        return value, self.log_structure(shown(z, mask)).jvp(a)

    def log_normalizer_derivative(
        self, z: Array, a: Array, v: Array, mask: Mask = None
    ) -> Array:
        inner, da = (
            self.log_structure(shown(z, mask)),
            self.structure(z, a, mask).jvp(v),
        )
        return inner.vjp_derivative(v, a, da)
