"""LBFGS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from anymax.described import Described
from anymax.objective import Objective
from anymax.optim.full_batch import FullBatch
from anymax.optim.optimizer import checked_positive
from anymax.special import minimize_lbfgs
from anymax.types import Array


@dataclass(frozen=True)
class Minimum:
    """Where L-BFGS ended: the value there, after how many iterations, and why."""

    value: float
    iterations: int
    message: str


@dataclass(frozen=True, repr=False, kw_only=True)
class LBFGS(Described):
    """theta = theta - t H g over all rows at once, H from the last steps, t by search.

    H approximates the inverse Hessian by the last `memory` changes of theta and of the
    gradient g. SciPy's L-BFGS-B does the search, on values and gradients in float64
    whatever the network's dtype. No noise is drawn. The gradient has a jump where an l1
    penalty has its kink, and the search may end there early.

    Args: `max_iterations`; `tolerance`, the largest component of g to end at; `memory`,
    how many changes are kept; `chunk`, how many rows are taken through the network at a
    time, which changes no result but rounding.
    Raises ValueError for others.
    Source: Byrd, Lu, Nocedal and Zhu, 1995, doi:10.1137/0916069.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(1, kernel="ones"), am.Identity()).build(1)
    >>> objective = am.Objective(net, am.SquaredError())
    >>> end = am.LBFGS().minimize(objective, [[0.0], [1.0]], [[1.0], [3.0]])
    >>> net.parameters.round(4)
    array([2., 1.], dtype=float32)
    """

    max_iterations: int = 200
    tolerance: float = 1e-6
    memory: int = 10
    chunk: int = 4096

    def __post_init__(self) -> None:
        checked_positive(self.tolerance, "LBFGS tolerance")
        for name in ("max_iterations", "memory", "chunk"):
            value = getattr(self, name)
            if value < 1 or int(value) != value:
                raise ValueError(
                    f"LBFGS needs a whole number {name} >= 1; got {value:g}."
                )

    def minimize(
        self,
        objective: Objective,
        x: ArrayLike | tuple[ArrayLike, ...],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        callback: Callable[[int, float], object] | None = None,
    ) -> Minimum:
        """Bring the parameters of `objective.net` to a minimum over all rows, in place.

        After each iteration they are those reached, and `callback(iteration, value)` is
        called; raise StopIteration in it to end there.

        Raises FloatingPointError if the loss is no finite number at the start.
        """
        exact, reached = objective.astype(np.float64), objective.net.parameters
        batch, iterations = FullBatch(exact, x, y, sample_weight, chunk=self.chunk), 0

        def evaluate(theta: Array) -> tuple[float, Array]:
            exact.net.parameters = theta
            return batch.value_and_gradient()

        def arrive(theta: Array, value: float) -> None:
            nonlocal iterations
            iterations += 1
            reached[...] = theta
            if callback is not None:
                callback(iterations, value)

        start = reached.astype(np.float64)
        value, gradient = evaluate(start)
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            raise FloatingPointError(
                f"LBFGS needs a finite loss and gradient to start from; got {value}. "
                "Scale x, or build the network with another seed."
            )
        end, value, message = minimize_lbfgs(
            evaluate,
            start,
            arrive,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
            memory=self.memory,
        )
        reached[...] = end
        return Minimum(value, iterations, message)
