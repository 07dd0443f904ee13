"""LogSigmoid."""

from anymax.activation import Activation
from anymax.activations.gate import bell
from anymax.activations.sigmoid import sigmoid, softplus
from anymax.jacobian import Diagonal, Jacobian
from anymax.sets import Interval
from anymax.types import Array


class LogSigmoid(Activation):
    """a = -log(1 + exp(-z)); da/dz = sigmoid(-z).

    Element-wise, any shape; negative. It is the logarithm of Sigmoid without the
    rounding of a sigmoid to 0 or 1.

    >>> import anymax as am
    >>> am.LogSigmoid()([-1.0, 2.0]).round(4)
    array([-1.3133, -0.1269])
    """

    range = Interval(high=0)
    concave = frozenset({"a"})
    unmatched = "its potential is a dilogarithm"

    def apply(self, z: Array) -> Array:
        return -softplus(-z)

    def structure(self, z: Array, a: Array) -> Jacobian:
        return Diagonal(a, factor=sigmoid(-z), bend=-bell(z))
