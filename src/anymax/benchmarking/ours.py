"""anymax as a user writes it; the only place here that names its functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import anymax as am
from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.work import Work

PAIRS = {
    "softmax + cross_entropy": (am.Softmax(), am.CrossEntropy()),
    "softmax + squared_error": (am.Softmax(), am.SquaredError()),
    "tanh + huber": (am.Tanh(), am.Huber()),
    "entmax15 + squared_error": (am.Entmax(alpha=1.5), am.SquaredError()),
    "gelu + log_cosh": (am.GELU(), am.LogCosh()),
    "taylor_softmax + focal": (am.TaylorSoftmax(), am.Focal(gamma=2.0)),
    "sigmoid + squared_error": (am.Sigmoid(), am.SquaredError()),
}
SPARSE = {"sparsemax": am.Sparsemax(), "entmax15": am.Entmax(alpha=1.5)}
PRODUCT = 512  # the side of the matrices that are multiplied in between


def trim() -> None:
    """Give back blocks of memory that are kept for the next result."""
    optional(am, "trim", lambda: None)()


def optional(owner: Any, name: str, instead: Any) -> Any:
    """What newer releases have, or what they had before it."""
    return getattr(owner, name, instead)


class Anymax(Library):
    """Eager functions, bound operations, plans and compiled networks."""

    def __init__(self) -> None:
        self.tasks: dict[str, Callable[[Work], dict[str, Operation]]] = {
            "softmax": self.softmax,
            "softmax_vjp": self.softmax_vjp,
            "pair": self.pair,
            "sparse": self.sparse,
            "epoch": self.epoch,
            "predict": self.predict,
            "alternating": self.alternating,
        }

    def operations(self, work: Work) -> dict[str, Operation]:
        return self.tasks[work.task](work)

    def release(self) -> None:
        trim()

    def softmax(self, work: Work) -> dict[str, Operation]:
        """The function, as it is."""
        return {"anymax": Operation(partial(am.softmax, inputs.logits(work)), alone)}

    def softmax_vjp(self, work: Work) -> dict[str, Operation]:
        """Bound to its memory; a new array from a Jacobian at hand; all of it anew."""
        z, g = inputs.logits(work), inputs.covector(work)
        activation = am.Softmax()
        a = activation(z)
        jacobian = activation.jacobian(z, a)
        bound = jacobian.bind(g, np.empty_like(z))

        def eager() -> Any:
            return activation.jacobian(z, a).vjp(g)

        return {
            "anymax": Operation(bound, alone, tuned=True),
            "anymax J.vjp": Operation(partial(jacobian.vjp, g), alone),
            "anymax eager": Operation(eager, alone),
        }

    def pair(self, work: Work) -> dict[str, Operation]:
        """Value and gradient of the mean."""
        pair = am.Pair(*PAIRS[work.option])
        z, y = inputs.logits(work), inputs.targets(work)
        return {"anymax": Operation(partial(pair.value_and_gradient, z, y), list)}

    def sparse(self, work: Work) -> dict[str, Operation]:
        """Up and down again."""
        activation = SPARSE[work.option]
        z, g = inputs.logits(work), inputs.covector(work)

        def both() -> Any:
            a = activation(z)
            return a, activation.jacobian(z, a).vjp(g)

        return {"anymax": Operation(both, list)}

    def epoch(self, work: Work) -> dict[str, Operation]:
        """One call of a plan that was made beforehand."""
        net = network(work)
        before = net.parameters.copy()
        plan = am.Plan(
            net, am.CrossEntropy(), batch=work.batch, optimizer=am.Adam(1e-3), seed=0
        )
        x, y = inputs.examples(work)
        orders = inputs.Orders()

        def run() -> float:
            return plan.epoch(x, y, orders.now)

        def change(_: float) -> list[Any]:
            return [net.parameters - before]

        return {"anymax": Operation(run, change, orders.next)}

    def predict(self, work: Work) -> dict[str, Operation]:
        """The compiled network, and the network itself."""
        net, x = network(work), inputs.batch(work)
        compiled = net.compile(batch=work.batch)
        return {
            "anymax": Operation(partial(compiled, x), alone),
            "anymax eager": Operation(partial(net, x), alone),
        }

    def alternating(self, work: Work) -> dict[str, Operation]:
        """Softmax with a product of NumPy's before each call, and without."""
        call = partial(am.softmax, inputs.logits(work))
        return {
            "anymax": Operation(call, alone, product()),
            "anymax alone": Operation(call, alone),
        }


def alone(result: Any) -> list[Any]:
    """One array of results."""
    return [result]


def product() -> Callable[[], Any]:
    """A matrix product of NumPy's, on its own threads."""
    drawn = np.random.default_rng(9).standard_normal((2, PRODUCT, PRODUCT), np.float32)
    return partial(np.matmul, drawn[0], drawn[1], np.empty_like(drawn[0]))


def network(work: Work) -> am.Chain:
    """ReLU between the layers, softmax behind them, the parameters of `inputs`."""
    *hidden, outputs = work.shape[1:]
    between = [part for width in hidden for part in (am.Dense(width), am.ReLU())]
    net = am.Chain(*between, am.Dense(outputs), am.Softmax()).build(work.shape[0])
    net.parameters[...] = inputs.flat(inputs.layers(work))
    return net
