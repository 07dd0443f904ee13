"""CELU."""

from anymax.activations.arguments import positive
from anymax.activations.exponential_unit import ExponentialUnit


class CELU(ExponentialUnit):
    """a = z where z > 0, else alpha (exp(z / alpha) - 1); da/dz = 1 or exp(z / alpha).

    Element-wise, any shape; above -alpha. Its derivative is continuous for every alpha,
    unlike ELU's, and it is convex.

    Args: `alpha` > 0, minus the limit at -inf and the width of the bend.
    Raises ValueError for an alpha that is not finite and > 0.
    Source: Barron, Continuously differentiable exponential linear units, 2017,
    arXiv:1704.07483.

    >>> import anymax as am
    >>> am.CELU(alpha=2.0)([-1.0, 2.0]).round(4)
    array([-0.7869,  2.    ])
    """

    def __init__(self, *, alpha: float = 1.0) -> None:
        self.alpha = positive(self.name, "alpha", alpha)
        self.rescale(height=self.alpha, stretch=self.alpha)
