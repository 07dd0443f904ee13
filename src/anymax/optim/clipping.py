"""Gradients kept within bounds, component by component and as a whole."""

import numpy as np

from anymax.types import Array


def bounded(gradient: Array, value: float | None, norm: float | None) -> Array:
    """Each component within value of 0, then the whole within norm of 0.

    A gradient that is longer than `norm` keeps its direction: g norm / |g|. One that is
    not finite comes out not finite, so that whoever looks for that still finds it.
    Source: Pascanu et al., ICML 2013, arXiv:1211.5063, for the norm.
    """
    if value is not None:
        gradient = np.minimum(np.maximum(gradient, -value), value)
    if norm is None:
        return gradient
    length = float(np.linalg.norm(gradient.astype(np.float64, copy=False)))
    return gradient * (norm / length) if length > norm else gradient
