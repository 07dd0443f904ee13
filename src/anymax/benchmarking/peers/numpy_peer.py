"""NumPy, by hand: what one writes without a library."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from anymax.benchmarking import inputs
from anymax.benchmarking.operation import Library, Operation
from anymax.benchmarking.ours import alone
from anymax.benchmarking.peers.numpy_training import Training
from anymax.benchmarking.work import Work


class NumPy(Library):
    """Formulas with as few temporaries as they can be written with."""

    def __init__(self) -> None:
        self.tasks: dict[str, Callable[[Work], dict[str, Operation]]] = {
            "softmax": self.softmax,
            "softmax_vjp": self.softmax_vjp,
            "pair": self.pair,
            "epoch": self.epoch,
            "predict": self.predict,
        }

    def operations(self, work: Work) -> dict[str, Operation]:
        return self.tasks[work.task](work)

    def softmax(self, work: Work) -> dict[str, Operation]:
        """Three passes, one new array."""
        call = partial(inputs.softmax, inputs.logits(work))
        return {"numpy": Operation(call, alone)}

    def softmax_vjp(self, work: Work) -> dict[str, Operation]:
        """a * (g - <g, a>)."""
        a, g = inputs.softmax(inputs.logits(work)), inputs.covector(work)

        def vjp() -> Any:
            c = g * a
            c -= a * c.sum(-1, keepdims=True)
            return c

        return {"numpy": Operation(vjp, alone)}

    def pair(self, work: Work) -> dict[str, Operation]:
        """The two pairs that people write by hand."""
        written = {
            "softmax + cross_entropy": cross_entropy,
            "softmax + squared_error": squared_error,
        }
        z, y = inputs.logits(work), inputs.targets(work)
        return {"numpy": Operation(partial(written[work.option], z, y), list)}

    def epoch(self, work: Work) -> dict[str, Operation]:
        """Steps with every buffer made beforehand and Adam on one flat vector."""
        training = Training(work)
        x, y = inputs.examples(work)
        orders, before = inputs.Orders(), training.parameters.copy()
        return {
            "numpy": Operation(
                lambda: training.epoch(x, y, orders.now),
                lambda _: [training.parameters - before],
                orders.next,
            )
        }

    def predict(self, work: Work) -> dict[str, Operation]:
        """A loop over the layers."""
        layers, x = inputs.layers(work), inputs.batch(work)

        def forward() -> Any:
            h = x
            for i, (w, b) in enumerate(layers):
                h = h @ w
                h += b
                if i + 1 < len(layers):
                    np.maximum(h, 0, out=h)
            return inputs.softmax(h)

        return {"numpy": Operation(forward, alone)}


def cross_entropy(z: Any, y: Any) -> tuple[Any, Any]:
    """Mean of log(sum exp z) - z_y, and (a - y) / rows."""
    rows = np.arange(len(z))
    top = z.max(-1, keepdims=True)
    a = z - top
    np.exp(a, out=a)
    total = a.sum(-1, keepdims=True)
    value = (np.log(total[:, 0]) + top[:, 0] - z[rows, y]).mean()
    a *= 1 / (total * len(z))
    a[rows, y] -= 1 / len(z)
    return value, a


def squared_error(z: Any, y: Any) -> tuple[Any, Any]:
    """Mean over rows of |a - y|^2, and its gradient through the softmax."""
    a = inputs.softmax(z)
    r = a - y
    value = np.einsum("ij,ij->", r, r) / len(z)
    r *= a
    r -= a * r.sum(-1, keepdims=True)
    r *= 2 / len(z)
    return value, r
