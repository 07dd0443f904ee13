"""A network trained with NumPy alone, as well as it can be written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymax.benchmarking import inputs
from anymax.benchmarking.work import Work


class Training:
    """Dense layers, ReLU between them, softmax with cross-entropy, Adam."""

    def __init__(self, work: Work) -> None:
        layers = inputs.layers(work)
        self.batch, self.steps = work.batch, 0
        self.parameters = inputs.flat(layers)
        self.gradient = np.empty_like(self.parameters)
        self.first, self.second, self.scratch, self.root = (
            np.zeros_like(self.parameters) for _ in range(4)
        )
        self.layers = _views(self.parameters, layers)
        self.slopes = _views(self.gradient, layers)
        self.x = np.empty((work.batch, work.shape[0]), np.float32)
        self.outputs, self.covectors, self.masks = (
            [np.empty((work.batch, n), kind) for n in work.shape[1:]]
            for kind in (np.float32, np.float32, bool)
        )
        self.rows = np.arange(work.batch)

    def epoch(self, x: Any, y: Any, order: Any) -> float:
        """Steps over all rows; the mean loss."""
        total, starts = 0.0, range(0, len(order), self.batch)
        for start in starts:
            at = order[start : start + self.batch]
            np.take(x, at, 0, out=self.x, mode="clip")
            total += self.step(y[at])
        return total / len(starts)

    def step(self, y: Any) -> float:
        """Forward, loss, backward, update."""
        h = self.x
        last = len(self.layers) - 1
        for i, (w, b) in enumerate(self.layers):
            out = self.outputs[i]
            np.matmul(h, w, out=out)
            out += b
            if i < last:
                np.maximum(out, 0, out=out)
            h = out
        value = self._loss(h, y)
        for i in range(last, -1, -1):
            self._down(i)
        self._update()
        return value

    def _loss(self, z: Any, y: Any) -> float:
        g = self.covectors[-1]
        np.subtract(z, z.max(-1, keepdims=True), out=g)
        right = g[self.rows, y]
        np.exp(g, out=g)
        total = g.sum(-1, keepdims=True)
        g *= 1 / (total * len(y))
        g[self.rows, y] -= 1 / len(y)
        return float((np.log(total[:, 0]) - right).mean())

    def _down(self, i: int) -> None:
        g = self.covectors[i]
        slope_w, slope_b = self.slopes[i]
        below = self.outputs[i - 1] if i else self.x
        np.matmul(below.T, g, out=slope_w)
        g.sum(0, out=slope_b)
        if i:
            down = self.covectors[i - 1]
            np.matmul(g, self.layers[i][0].T, out=down)
            np.greater(below, 0, out=self.masks[i - 1])
            down *= self.masks[i - 1]

    def _update(self, rate: float = 1e-3, b1: float = 0.9, b2: float = 0.999) -> None:
        self.steps += 1
        scratch, root = self.scratch, self.root
        self.first *= b1
        np.multiply(self.gradient, 1 - b1, out=scratch)
        self.first += scratch
        self.second *= b2
        np.square(self.gradient, out=scratch)
        scratch *= 1 - b2
        self.second += scratch
        np.sqrt(self.second, out=root)
        root *= (1 - b2**self.steps) ** -0.5
        root += 1e-8
        np.divide(self.first, root, out=scratch)
        scratch *= rate / (1 - b1**self.steps)
        self.parameters -= scratch


def _views(vector: Any, layers: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """W and b of each layer, as views of one vector."""
    made, at = [], 0
    for w, b in layers:
        middle, end = at + w.size, at + w.size + b.size
        made.append((vector[at:middle].reshape(w.shape), vector[middle:end]))
        at = end
    return made
