"""Matching."""

import numpy as np

from anymax.loss import Loss
from anymax.monomial import Slope
from anymax.output import Output, Tangent
from anymax.sets import CLASSES, REALS, SIMPLEX, Set, Simplex
from anymax.target import times
from anymax.types import Array


class Matching(Loss):
    """potential(z) + conjugate(y) - <y, z>: the loss that belongs to the activation.

    Its Fenchel-Young loss: >= 0, and 0 exactly at a = y. The potential is the convex
    function whose gradient the activation is, so that dL/dz = a - y, known past the
    Jacobian, and the Hessian is J. With Softmax it is the KL divergence, with Identity
    half the squared error, with Sparsemax the sparsemax loss. Targets: the activation's
    range with its edges, and class indices for maps to the simplex. A target on a
    masked output costs inf.

    Raises TypeError in a Pair with a map that is not such a gradient, or whose
    potential is not known; and on outputs alone, since it must know the activation.
    Source: Blondel, Martins and Niculae, J. Mach. Learn. Res. 21, 2020,
    arXiv:1901.02324.

    >>> import anymax as am
    >>> pair = am.Pair(am.Softmax(), am.Matching())
    >>> pair.gradient([[1.0, 2.0]], [1]).round(4)
    array([[ 0.2689, -0.2689]])
    """

    domain = REALS
    targets = REALS
    rising = falling = frozenset()  # convex in z as it stands: its gradient is a - y
    needs = frozenset({"potential", "conjugate"})

    def accepted(self, range: Set) -> Set:
        return CLASSES | SIMPLEX if isinstance(range, Simplex) else range.closure

    def rows(self, out: Output, y: Array) -> Array:
        value = out.conjugate(y) + out.potential - times(y, out.z).sum(-1)
        if out.mask is None:
            return value
        return np.where(((y != 0) & ~out.mask).any(-1), np.inf, value)

    def slope(self, out: Output, y: Array) -> Slope:
        return Slope(np.zeros_like(y), past=out.a - y)

    def slope_derivative(self, out: Output, y: Array, d: Tangent) -> Slope:
        return Slope(np.zeros_like(y), past=d.a)
