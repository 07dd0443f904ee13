"""ELU."""

from anymax.activations.arguments import positive
from anymax.activations.exponential_unit import ExponentialUnit


class ELU(ExponentialUnit):
    """a = z where z > 0, else alpha (exp(z) - 1); da/dz = 1 or alpha exp(z), as at 0.

    Element-wise, any shape; above -alpha. Smooth for alpha = 1, convex for alpha <= 1.

    Args: `alpha` > 0, minus the limit at -inf.
    Raises ValueError for an alpha that is not finite and > 0.
    Source: Clevert, Unterthiner and Hochreiter, ICLR 2016, arXiv:1511.07289.

    >>> import anymax as am
    >>> am.ELU()([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ])
    """

    def __init__(self, *, alpha: float = 1.0) -> None:
        self.alpha = positive(self.name, "alpha", alpha)
        self.rescale(height=self.alpha)
