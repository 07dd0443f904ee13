"""LogSigmoid."""

from anymax.activation import Activation
from anymax.activations.sigmoid import softplus
from anymax.activations.softplus import Softplus
from anymax.jacobian import Diagonal, Jacobian
from anymax.monomial import A
from anymax.sets import Interval
from anymax.types import Array

MIRROR = Softplus()


class LogSigmoid(Activation):
    """a = -log(1 + exp(-z)); da/dz = sigmoid(-z), stated as (f'/f) a.

    Element-wise, any shape; negative. It is the logarithm of Sigmoid without the
    rounding of a sigmoid to 0 or 1, and Softplus turned by half a turn.

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
        of_mirror = MIRROR.structure(-z, -a).weight
        return Diagonal(-of_mirror.point.a, A, -of_mirror.factor, of_mirror.bend)

    def log_size(self, z: Array, a: Array) -> Array:
        return MIRROR.log(-z, -a)
