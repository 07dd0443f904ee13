"""What needs SciPy, imported on first use since `scipy.special` takes 0.25 s."""

import math

import numpy as np

from anymax.types import Array

FAR = 40.0  # exp(-FAR^2 / 2) is 0 in float64 and in float32
NORMAL = 1 / math.sqrt(2 * math.pi)


def gauss(z: Array) -> Array:
    """exp(-z^2 / 2), exact to rounding in its tails as well.

    The exponent is split into a part whose square has no rounding and a small rest,
    since exp turns the rounding of a large exponent into lost digits.
    """
    size = np.minimum(np.abs(z), FAR)
    coarse = np.floor(16 * size) / 16
    return np.exp(-coarse * coarse / 2) * np.exp((coarse - size) * (coarse + size) / 2)


def normal_density(z: Array) -> Array:
    """exp(-z^2 / 2) / sqrt(2 pi)."""
    return NORMAL * gauss(z)


def normal_cdf(z: Array) -> Array:
    """The probability that a standard normal number is below z."""
    from scipy.special import erfcx  # type: ignore[import-untyped]  # noqa: PLC0415

    tail = erfcx(np.abs(z) / math.sqrt(2)) * gauss(z) / 2
    return np.where(z > 0, 1 - tail, tail)
