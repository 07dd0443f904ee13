"""SELU."""

from anymax.activations.exponential_unit import ExponentialUnit

ALPHA = 1.6732632423543772  # these two keep mean 0 and variance 1 from layer to layer
SCALE = 1.0507009873554805


class SELU(ExponentialUnit):
    """a = s z where z > 0, else s alpha (exp(z) - 1), s = 1.0507..., alpha = 1.6733...

    Element-wise, any shape; above -s alpha = -1.7581... da/dz is s alpha exp(z) below 0
    and at it, s above. Standard normal inputs give outputs of mean 0 and variance 1.
    Source: Klambauer, Unterthiner, Mayr and Hochreiter, NIPS 2017, arXiv:1706.02515.

    >>> import anymax as am
    >>> am.SELU()([-1.0, 2.0]).round(4)
    array([-1.1113,  2.1014])
    """

    def __init__(self) -> None:
        self.rescale(height=ALPHA, scale=SCALE)
