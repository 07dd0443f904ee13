"""NormalizedSigmoid."""

from anymax.activations.normalized import log_of, log_structure_of, scaled_exp
from anymax.activations.separable import Separable
from anymax.activations.sigmoid import Sigmoid
from anymax.jacobian import Diagonal
from anymax.types import Array

SIGMOID = Sigmoid()


class NormalizedSigmoid(Separable):
    """a = s / sum s, s = sigmoid(z); J = (diag(a) - a a^T) diag(1 - s).

    Shapes (..., n). An input far above 0 stops counting for more, so several outputs
    can share the top. Not shift-invariant.

    Args: `axis`.
    Source: a separable normaliser as in de Brebisson and Vincent, ICLR 2016,
    arXiv:1511.05042.

    >>> import anymax as am
    >>> am.NormalizedSigmoid()([0.0, 2.0]).round(4)
    array([0.3621, 0.6379])
    """

    def __init__(self, *, axis: int = -1) -> None:
        self.axis = axis

    def numerator(self, z: Array) -> Array:
        return scaled_exp(self.log_numerator(z))

    def log_numerator(self, z: Array) -> Array:
        return log_of(SIGMOID, z)

    def log_structure(self, z: Array) -> Diagonal:
        return log_structure_of(SIGMOID, z)
