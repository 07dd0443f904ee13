"""JAX, compiled by XLA."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.ours import alone
from anymax.benchmarking.peers.jax_pairs import expressions
from anymax.benchmarking.peers.jax_training import forward, training
from anymax.benchmarking.work import Work


class Jax(Library):
    """jit on arrays of its own, each call waited for."""

    def __init__(self) -> None:
        self.jax = import_module("jax")
        import_module("jax.nn")
        self.tasks: dict[str, Callable[[Work], dict[str, Operation]]] = {
            "softmax": self.softmax,
            "softmax_vjp": self.softmax_vjp,
            "pair": self.pair,
            "epoch": lambda work: training(self.jax, work),
            "predict": self.predict,
        }

    def operations(self, work: Work) -> dict[str, Operation]:
        return self.tasks[work.task](work)

    def release(self) -> None:
        self.jax.clear_caches()

    def compiled(self, function: Any, *arrays: Any) -> Callable[[], Any]:
        """A call of the jitted function that waits for its result."""
        own = [self.jax.device_put(each) for each in arrays]
        call, wait = partial(self.jax.jit(function), *own), self.jax.block_until_ready
        return lambda: wait(call())

    def softmax(self, work: Work) -> dict[str, Operation]:
        """Its own softmax."""
        call = self.compiled(self.jax.nn.softmax, inputs.logits(work))
        return {"jax": Operation(call, alone)}

    def softmax_vjp(self, work: Work) -> dict[str, Operation]:
        """a * (g - <g, a>) from the saved output."""

        def vjp(a: Any, g: Any) -> Any:
            c = g * a
            return c - a * c.sum(-1, keepdims=True)

        a = inputs.softmax(inputs.logits(work))
        return {"jax": Operation(self.compiled(vjp, a, inputs.covector(work)), alone)}

    def pair(self, work: Work) -> dict[str, Operation]:
        """value_and_grad of the expression."""
        both = self.jax.value_and_grad(expressions(self.jax)[work.option])
        call = self.compiled(both, inputs.logits(work), inputs.targets(work))
        return {"jax": Operation(call, list)}

    def predict(self, work: Work) -> dict[str, Operation]:
        """From its own arrays, and from NumPy's as a server has them."""
        jax, layers, x = self.jax, inputs.layers(work), inputs.batch(work)
        held = jax.device_put(layers)
        net = jax.jit(lambda x: jax.nn.softmax(forward(jax, held, x)))
        own, wait = jax.device_put(x), jax.block_until_ready
        return {"jax": Operation(lambda: wait(net(own)), alone)}
