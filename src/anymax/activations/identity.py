"""Identity."""

from anymax.activation import Activation
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import REALS
from anymax.types import Array


class Identity(Activation):
    """a = z, da/dz = 1: outputs that are the logits themselves.

    Element-wise, any shape; the outputs are a copy. Its matching loss is half the
    squared error.

    >>> import anymax as am
    >>> am.Identity()([-1.0, 2.0])
    array([-1.,  2.])
    """

    range = REALS
    convex = frozenset({"a", "sum"})
    concave = frozenset({"a", "sum"})

    def apply(self, z: Array) -> Array:
        return z.copy()

    def structure(self, z: Array, a: Array) -> Jacobian:
        return Diagonal(a)

    def potential(self, z: Array, a: Array) -> Array:
        return (z * z / 2).sum(-1)

    def conjugate(self, y: Array) -> Array:
        return (y * y / 2).sum(-1)
