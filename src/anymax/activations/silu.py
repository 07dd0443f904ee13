"""SiLU."""

from anymax.activation import Activation
from anymax.activations.gate import gate_slopes, gated
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.types import Array

LOWEST = -0.2784645427610738  # -W(1/e), W of Lambert, at z = -1.2784645427610738


class SiLU(Activation):
    """a = z sigmoid(z); da/dz = s + z s (1 - s), s = sigmoid(z).

    Element-wise, any shape; from its minimum -0.27846... at z = -1.27846... up. It
    falls below the minimum, so it has no matching loss. It is Swish with beta = 1.
    Source: Elfwing, Uchibe and Doya, 2017, arXiv:1702.03118.

    >>> import anymax as am
    >>> am.SiLU()([-1.0, 2.0]).round(4)
    array([-0.2689,  1.7616])
    """

    range = Interval(LOWEST, ends="[)")
    monotone = False
    unmatched = "it falls where z < -1.28"

    def apply(self, z: Array) -> Array:
        return gated(z, z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        slope, bend = gate_slopes(z, z, 1.0, 0.0)
        return Diagonal(a, factor=slope, bend=bend)
