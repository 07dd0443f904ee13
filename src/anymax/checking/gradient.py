"""gradient_error: an objective's gradient against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from anymax.differences import along
from anymax.flat import Place
from anymax.objective import Objective
from anymax.types import Array, quiet

STEPS = (1e-3, 1e-5)  # the second is small enough to stay on one side of a kink
SMALL = 1e-6  # gradients below this share of the value count as being of its size
TOLERANCE = 1e-6


@dataclass(frozen=True)
class GradientCheck:
    """How far a gradient is from finite differences.

    `error` is the largest difference, relative to the largest entry of the gradient of
    the same parameter array; `checked` of `total` entries were taken one by one, and
    every array along a random direction as well; `worst` names the array.
    """

    error: float
    checked: int
    total: int
    worst: str

    @property
    def ok(self) -> bool:
        """Whether the error is below 1e-6."""
        return self.error < TOLERANCE

    def __str__(self) -> str:
        said = "agrees with" if self.ok else "differs from"
        where = f", worst in {self.worst}" if self.worst else ""
        return (
            f"gradient {said} finite differences: error {self.error:.1e}{where} "
            f"({self.checked} of {self.total} parameters)"
        )


@quiet
def gradient_error(
    objective: Objective,
    x: ArrayLike,
    y: ArrayLike,
    *,
    seed: int = 0,
    samples: int = 64,
) -> GradientCheck:
    """max |difference - gradient| / max |gradient|, in float64, on a copied network.

    Differences are of fourth order, along `samples` entries spread over all parameter
    arrays, at least one of each, and along one random direction in each array. Of two
    step sizes the better counts, so that a kink nearby is no error. An array whose
    gradient is wrong by a factor or is 0 in error shows as an error near 1.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(3), am.Softmax()).build(2)
    >>> objective = am.Objective(net, am.SquaredError())
    >>> am.gradient_error(objective, [[1.0, 2.0]], [[0.0, 1.0, 0.0]]).ok
    True
    """
    wide = objective.astype("float64")
    theta, places = wide.net.parameters, list(wide.net.layout.places.values())
    value, exact = wide.value_and_gradient(x, y)
    floor, start = SMALL * max(1.0, abs(float(value))), theta.copy()

    def at(moved: Array) -> Array:
        theta[...] = moved
        return wide.value(x, y)

    rng = np.random.default_rng(seed)
    errors, checked = {"": 0.0}, 0
    for place in places:
        own = exact[place.start : place.stop]
        chosen = rng.permutation(own.size)[: -(-samples // len(places))]
        checked += len(chosen)
        errors[place.name] = max(
            _difference(at, start, v, float(exact @ v), max(size, floor))
            for v, size in _directions(rng, place, own, chosen, theta.size)
        )
    worst = max(errors, key=lambda name: errors[name])
    return GradientCheck(errors[worst], checked, theta.size, worst)


def _directions(
    rng: np.random.Generator, place: Place, own: Array, chosen: Array, total: int
) -> Iterator[tuple[Array, float]]:
    """Unit vectors within one array, and how large a derivative along each may be."""
    for i in chosen:
        v = np.zeros(total)
        v[place.start + i] = 1
        yield v, float(np.abs(own).max())
    v = np.zeros(total)
    v[place.start : place.stop] = rng.choice([-1.0, 1.0], own.size) / np.sqrt(own.size)
    yield v, float(np.sqrt(np.mean(own**2)))


def _difference(
    f: Callable[[Array], Array], at: Array, v: Array, exact: float, size: float
) -> float:
    """The relative difference along v, with the better of the step sizes."""
    found = [float(along(f, at, v, step)) for step in STEPS]
    apart = [abs(each - exact) / max(size, abs(each)) for each in found]
    return min(each if np.isfinite(each) else np.inf for each in apart)
