"""What needs SciPy, imported on first use since `scipy.special` takes 0.25 s."""

import math
from collections.abc import Callable
from typing import Any

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


def minimize_lbfgs(
    value_and_gradient: Callable[[Array], tuple[float, Array]],
    start: Array,
    arrive: Callable[[Array, float], object],
    *,
    max_iterations: int,
    tolerance: float,
    memory: int,
) -> tuple[Array, float, str]:
    """A minimum near start (P,), its value, and why the search ended.

    It ends where no component of the gradient is above the tolerance, or where values
    no longer fall by more than their rounding; `arrive(theta, value)` is called after
    each iteration, and may raise StopIteration.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]  # noqa: PLC0415

    searches = 50

    def callback(intermediate_result: Any) -> None:  # SciPy goes by this name
        arrive(intermediate_result.x, float(intermediate_result.fun))

    found = minimize(
        value_and_gradient,
        start,
        method="L-BFGS-B",
        jac=True,
        callback=callback,
        options={
            "maxiter": max_iterations,
            "maxfun": searches * max_iterations,
            "maxls": searches,
            "maxcor": memory,
            "gtol": tolerance,
            "ftol": 64 * float(np.finfo(np.float64).eps),
        },
    )
    return found.x, float(found.fun), str(found.message)
