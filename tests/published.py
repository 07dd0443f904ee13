"""Mistakes that were published, in a few lines of our own, and their names."""

from __future__ import annotations

import numpy as np

from planted import Plant, log_softmax, sigmoid, softmax, stateful, total


class SeedSoftmax:
    """The question that asks why its gradient check fails by about 1 %."""

    def compute(self, incoming):
        exps = np.exp(incoming)
        return exps / exps.sum()

    def delta(self, incoming, outgoing):
        exps = np.exp(incoming)
        others = exps.sum() - exps
        return 1 / (2 + exps / others + others / exps)


class NeuroSoftmax:
    def eval(self, x):
        return softmax(x)

    def grad(self, x):
        return np.ones(x.shape)


class NeuroSoftmaxAsDocumented:
    def eval(self, x):
        return softmax(x)

    def grad(self, x):
        return softmax(x)


class NeuroLeakyReLU:
    def eval(self, x):
        return np.maximum(0, 0.01 * x)

    def grad(self, x):
        return np.where(x >= 0, 1.0, 0.01)


class NeuroSoftmaxCrossEntropy:
    def eval(self, y_pred, y_true):
        return -(y_true * np.log(np.clip(y_pred, 1e-15, 1 - 1e-15))).sum() / len(y_pred)

    def grad(self, y_pred, y_true):
        return y_pred - y_true


class NeuroMeanSquaredError:
    def eval(self, y_pred, y_true):
        return ((y_pred - y_true) ** 2).sum() / len(y_pred)

    def grad(self, y_pred, y_true):
        return 2 * (y_pred - y_true)


class NeuroBinaryCrossEntropy:
    """Its value is clamped; its gradient is not."""

    def eval(self, y_pred, y_true):
        q = np.clip(y_pred, 1e-15, 1 - 1e-15)
        return -(y_true * np.log(q) + (1 - y_true) * np.log(1 - q)).sum(-1)

    def grad(self, y_pred, y_true):
        return (y_pred - y_true) / (y_pred * (1 - y_pred))


class LayeredCrossEntropy:
    epsilon = 1e-11

    def __call__(self, prediction, target):
        q = np.clip(prediction, self.epsilon, 1 - self.epsilon)
        return -(target * np.log(q) + (1 - target) * np.log(1 - q))

    def delta(self, prediction, target):
        return (prediction - target) / np.maximum(
            prediction - prediction**2, self.epsilon
        )


class ThincSoftmax:
    """forward gives back its backward, which leaves the Jacobian out."""

    def forward(self, X):
        return softmax(X), lambda dY: dY

    def backward(self, dY):
        return dY


class ThincCrossEntropy:
    def value(self, guesses, target):
        return -(target * np.log(guesses)).sum(-1)

    def get_grad(self, guesses, target):
        return guesses - target


class ThincLoss:
    """The value is the squared gradient."""

    def loss(self, guesses, target):
        return ((guesses - target) ** 2).sum()

    def gradient(self, guesses, target):
        return guesses - target


class MlpackLogSoftmax:
    def forward(self, input):
        return log_softmax(input)

    def backward(self, output, gy):
        return np.exp(output) + gy


class DarknetSoftmax:
    def forward(self, x):
        return softmax(x)

    def backward(self, delta):
        return 1 * delta


class OffByTwo:
    def forward(self, x):
        self.a = softmax(x)
        return self.a

    def backward(self, grad):
        return 2 * self.a * (grad - total(self.a * grad))


class PerOutput:
    """The reduction is folded into the loss: off by the number of outputs."""

    def value(self, a, y):
        return ((a - y) ** 2).mean(-1)

    def gradient(self, a, y):
        return 2 * (a - y)


class ToolkitProduct:
    """L' * sigma' with sigma' of shape (n, n)."""

    def forward(self, z):
        return softmax(z)

    def backward(self, z, g):
        a = softmax(z)
        return g * (np.diag(a) - np.outer(a, a))


SOURCES = {
    "stackoverflow: softmax derivative off by about 1 %": Plant(
        "diagonal-only", "softmax", SeedSoftmax
    ),
    "neuro: Softmax.grad is ones": Plant("jacobian-missing", "softmax", NeuroSoftmax),
    "neuro: Softmax.grad as its page has it": Plant(
        "output-as-derivative", "softmax", NeuroSoftmaxAsDocumented
    ),
    "neuro: LeakyReLU is max(0, 0.01 z)": Plant(
        "clipped-value", "leaky ReLU", NeuroLeakyReLU
    ),
    "neuro: SoftmaxCrossEntropy.grad": Plant(
        "fused-gradient", "cross-entropy", NeuroSoftmaxCrossEntropy
    ),
    "neuro: eval divides by the batch, grad does not": Plant(
        "batch-factor", "squared error", NeuroMeanSquaredError
    ),
    "neuro: BinaryCrossEntropy clamps its value alone": Plant(
        "clipped-value", "binary cross-entropy", NeuroBinaryCrossEntropy
    ),
    "layered: CrossEntropy clips value and slope apart": Plant(
        "clipped-value", "binary cross-entropy", LayeredCrossEntropy
    ),
    "thinc: Softmax.backprop": Plant("jacobian-missing", "softmax", ThincSoftmax),
    "thinc: CategoricalCrossentropy.get_grad": Plant(
        "fused-gradient",
        "cross-entropy",
        ThincCrossEntropy,
        {"backward": "get_grad"},
    ),
    "thinc: get_loss is the squared gradient": Plant(
        "constant-factor", "squared error", ThincLoss
    ),
    "libnd4j#440: a (1 - a) alone": Plant(
        "diagonal-only", "softmax", stateful(softmax, lambda z, a, g: a * (1 - a) * g)
    ),
    "mlpack#2360, #3468: LogSoftMax::Backward": Plant(
        "fused-gradient", "log-softmax", MlpackLogSoftmax
    ),
    "darknet#212, #96: backward copies its input": Plant(
        "jacobian-missing", "softmax", DarknetSoftmax
    ),
    "ledger#307: right where cross-entropy is next": Plant(
        "fused-gradient", "softmax", stateful(softmax, lambda z, a, g: a * g + a)
    ),
    "Neural-Network-Experiments#5: softmax as if element-wise": Plant(
        "diagonal-only",
        "softmax",
        softmax,
        {
            "derivative": lambda z: (
                sigmoid(np.log(softmax(z) / (1 - softmax(z)))) * (1 - softmax(z))
            )
        },
    ),
    "fromscratchtoml#65: off by exactly 2": Plant(
        "constant-factor", "softmax", OffByTwo
    ),
    "simd_neuralnet#1: off by the number of outputs": Plant(
        "feature-factor", "squared error", PerOutput
    ),
    "oneDNN#616: log-softmax with the sum of softmax": Plant(
        "wrong-derivative",
        "log-softmax",
        stateful(log_softmax, lambda z, a, g: g - total(g * a)),
    ),
    "stackexchange: n x 1 and n x n do not multiply": Plant(
        "wrong-shape", "softmax", ToolkitProduct
    ),
}
