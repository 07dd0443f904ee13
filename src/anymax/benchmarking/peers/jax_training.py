"""A network trained with JAX and optax."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Operation
from anymax.benchmarking.peers.jax_pairs import expressions
from anymax.benchmarking.work import Work

TOGETHER = 10  # steps that are dispatched before one is waited for


def forward(jax: Any, layers: Any, x: Any) -> Any:
    """The logits."""
    *hidden, (w, b) = layers
    for inner, bias in hidden:
        x = jax.nn.relu(x @ inner + bias)
    return x @ w + b


def training(jax: Any, work: Work) -> dict[str, Operation]:
    """A jitted step called in a loop, and the whole epoch as one compiled scan; the
    state is donated in both."""
    adam = import_module("optax").adam(1e-3)
    entropy = expressions(jax)["softmax + cross_entropy"]
    x, y = (jax.device_put(each) for each in inputs.examples(work))

    def step(state: Any, at: Any) -> Any:
        layers, memory = state

        def cost(layers: Any) -> Any:
            return entropy(forward(jax, layers, x[at]), y[at])

        value, slopes = jax.value_and_grad(cost)(layers)
        change, memory = adam.update(slopes, memory, layers)
        moved = jax.tree.map(lambda p, d: p + d, layers, change)
        return (moved, memory), value

    return {
        "jax": _looped(jax, work, adam, step),
        "jax scan": _scanned(jax, work, adam, step),
    }


def _looped(jax: Any, work: Work, adam: Any, step: Any) -> Operation:
    compiled = jax.jit(step, donate_argnums=0)
    held = [_start(jax, work, adam)]
    orders = inputs.Orders()

    def epoch() -> float:
        values = []
        for i, at in enumerate(orders.now.reshape(-1, work.batch)):
            held[0], value = compiled(held[0], at)
            values.append(value)
            if i % TOGETHER == TOGETHER - 1:
                value.block_until_ready()
        jax.block_until_ready(held[0])
        return float(np.mean(jax.device_get(values)))

    return Operation(epoch, lambda _: _change(work, held[0]), orders.next)


def _scanned(jax: Any, work: Work, adam: Any, step: Any) -> Operation:
    def whole(state: Any, order: Any) -> Any:
        state, values = jax.lax.scan(step, state, order)
        return state, values.mean()

    compiled = jax.jit(whole, donate_argnums=0)
    held = [_start(jax, work, adam)]
    orders = inputs.Orders()

    def epoch() -> float:
        held[0], value = compiled(held[0], orders.now.reshape(-1, work.batch))
        jax.block_until_ready(held[0])
        return float(value)

    return Operation(epoch, lambda _: _change(work, held[0]), orders.next)


def _start(jax: Any, work: Work, adam: Any) -> Any:
    layers = jax.tree.map(jax.numpy.array, inputs.layers(work))
    return layers, adam.init(layers)


def _change(work: Work, state: Any) -> list[Any]:
    before = inputs.flat(inputs.layers(work))
    after = [(np.asarray(w), np.asarray(b)) for w, b in state[0]]
    return [inputs.flat(after) - before]
