"""Right implementations, in the conventions that people write them in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import anymax as am
import planted as p


@dataclass(frozen=True)
class Right:
    name: str
    thing: Any
    options: dict[str, Any] = field(default_factory=dict)


def functions():
    """Two functions."""
    for name, (f, df) in p.MAPS.items():
        yield Right(
            f"{name}(z, a, g)", f, {"derivative": lambda z, a, g, d=df: d(z, a, g)}
        )
        yield Right(
            f"{name}(x, dout)",
            f,
            {"derivative": lambda x, dout, f=f, d=df: d(x, f(x), dout)},
        )
        yield Right(
            f"{name}(grad_output, input)",
            f,
            {
                "derivative": lambda grad_output, input, f=f, d=df: d(
                    input, f(input), grad_output
                )
            },
        )
    yield Right("sigmoid(a)", p.sigmoid, {"derivative": lambda a: a * (1 - a)})
    yield Right("tanh(y)", np.tanh, {"derivative": lambda y: 1 - y**2})
    yield Right("tanh(x)", np.tanh, {"derivative": lambda x: 1 - np.tanh(x) ** 2})
    yield Right(
        "ReLU(x) 1.0", p.relu, {"derivative": lambda x: np.where(x > 0, 1.0, 0.0)}
    )
    yield Right("ReLU(x) >= 0", p.relu, {"derivative": lambda x: 1.0 * (x >= 0)})
    yield Right("unnamed", p.sigmoid, {"derivative": lambda q: q * (1 - q)})
    yield Right(
        "args",
        p.softmax,
        {"derivative": lambda u, v: p.d_softmax(None, u, v), "args": "a,g"},
    )
    yield Right("softmax_grad(s)", softmax_vector, {"derivative": softmax_grad_loops})
    yield Right("softmax_grad(softmax)", softmax_vector, {"derivative": softmax_grad})
    yield Right(
        "softmax Jacobian (N, n, n)",
        p.softmax,
        {
            "derivative": lambda a: (
                np.einsum("bi,ij->bij", a, np.eye(a.shape[-1]))
                - a[:, :, None] * a[:, None, :]
            )
        },
    )
    yield Right(
        "log-softmax Jacobian (n, n)",
        log_softmax_vector,
        {
            "derivative": lambda x: (
                np.eye(len(x)) - np.exp(log_softmax_vector(x))[None, :]
            )
        },
    )
    yield Right(
        "softplus", lambda z: np.logaddexp(0, z), {"derivative": lambda z: p.sigmoid(z)}
    )
    yield Right("math.tanh", math.tanh, {"derivative": lambda x: 1 - math.tanh(x) ** 2})
    yield Right("if x > 0", leaky, {"derivative": d_leaky})
    yield Right(
        "columns",
        softmax_columns,
        {"derivative": lambda a, g: a * (g - (a * g).sum(0))},
    )
    yield Right(
        "column vectors",
        softmax_column,
        {"derivative": lambda a, g: (np.diagflat(a) - a @ a.T) @ g},
    )
    yield Right(
        "logsumexp",
        lambda z: np.logaddexp.reduce(z, -1),
        {"derivative": lambda z: p.softmax(z)},
    )
    yield Right("ELU", elu, {"derivative": lambda z, a: np.where(z > 0, 1, a + 1)})
    yield Right("swish", lambda z: z * p.sigmoid(z), {"derivative": d_swish})
    yield Right("normalise", unit, {"derivative": d_unit})
    yield Right("standardise", standard, {"derivative": d_standard})
    yield Right("square", lambda z: z**2, {"derivative": lambda z, g: 2 * z * g})
    yield Right("exp", np.exp, {"derivative": np.exp})
    yield Right("log", np.log, {"derivative": lambda x: 1 / x})
    yield Right("sqrt", np.sqrt, {"derivative": lambda y: 1 / (2 * y)})
    yield Right("step", lambda z: 1.0 * (z > 100), {"derivative": lambda z: 0 * z})
    yield Right(
        "maximum",
        lambda z: z.max(-1),
        {"derivative": lambda z: 1.0 * (z == z.max(-1, keepdims=True))},
    )


def softmax_vector(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def log_softmax_vector(x):
    return x - x.max() - np.log(np.exp(x - x.max()).sum())


def softmax_grad_loops(s):
    jacobian = np.diag(s)
    for i in range(len(jacobian)):
        for j in range(len(jacobian)):
            if i == j:
                jacobian[i][j] = s[i] * (1 - s[i])
            else:
                jacobian[i][j] = -s[i] * s[j]
    return jacobian


def softmax_grad(softmax):
    s = softmax.reshape(-1, 1)
    return np.diagflat(s) - np.dot(s, s.T)


def softmax_columns(z):
    e = np.exp(z - z.max(0))
    return e / e.sum(0)


def softmax_column(z):
    assert z.shape[1] == 1
    e = np.exp(z - z.max())
    return e / e.sum()


def leaky(x):
    return x if x > 0 else 0.01 * x


def d_leaky(x):
    return 1.0 if x > 0 else 0.01


def elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def d_swish(z, g):
    s = p.sigmoid(z)
    return g * (s + z * s * (1 - s))


def unit(z):
    return z / np.sqrt(p.total(z**2))


def d_unit(z, a, g):
    return (g - a * p.total(a * g)) / np.sqrt(p.total(z**2))


def standard(z):
    c = z - z.mean(-1, keepdims=True)
    return c / np.sqrt((c**2).mean(-1, keepdims=True) + 1e-5)


def d_standard(x, y, dy):
    s = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    mean = dy.mean(-1, keepdims=True)
    return (dy - mean - y * (dy * y).mean(-1, keepdims=True)) / s


class Layered:
    def __call__(self, incoming):
        e = np.exp(incoming - incoming.max())
        return e / e.sum()

    def delta(self, incoming, outgoing, above):
        delta = outgoing * above
        return delta - outgoing * delta.sum()


class LayeredOuter:
    def __call__(self, incoming):
        e = np.exp(incoming - incoming.max())
        return e / e.sum()

    def delta(self, incoming, outgoing, above):
        jacobian = np.diag(outgoing) - np.outer(outgoing, outgoing)
        return jacobian.dot(above)


class Statics:
    @staticmethod
    def forward(z):
        return p.sigmoid(z)

    @staticmethod
    def backward(a):
        return a * (1 - a)


class NoSelf:
    def forward(z):  # noqa: N805
        return np.tanh(z)

    def derivative(z):  # noqa: N805
        return 1 / np.cosh(z) ** 2


class Prime:
    def fn(self, z):
        return p.sigmoid(z)

    def prime(self, z):
        return p.sigmoid(z) * (1 - p.sigmoid(z))


class Values:
    """dvalues and a loop over the samples."""

    def forward(self, inputs):
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.empty_like(dvalues)
        for i, (one, below) in enumerate(zip(self.output, dvalues, strict=True)):
            one = one.reshape(-1, 1)
            self.dinputs[i] = np.dot(np.diagflat(one) - np.dot(one, one.T), below)
        return self.dinputs


class Cached:
    def forward(self, x):
        out = np.maximum(0, x)
        return out, x

    def backward(self, dout, cache):
        dx = dout.copy()
        dx[cache <= 0] = 0
        return dx


class Closure:
    """forward gives back its backward."""

    def forward(self, X):
        Y = np.tanh(X)

        def backprop(dY):
            return dY * (1 - Y**2)

        return Y, backprop

    def backward(self, dY):
        raise RuntimeError("not this one")


class Affine:
    def __init__(self, n=5):
        self.W = np.random.default_rng(3).normal(size=(n, 3))
        self.b = np.ones(3)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(0)
        return grad @ self.W.T


class Dropped:
    """Nothing is dropped outside training."""

    def forward(self, x, training=False):
        self.mask = np.random.rand(*x.shape) > 0.5 if training else 1.0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


class BatchNorm:
    def forward(self, x):
        self.s = np.sqrt(x.var(0) + 1e-5)
        self.y = (x - x.mean(0)) / self.s
        return self.y

    def backward(self, dout):
        y = self.y
        return (dout - dout.mean(0) - y * (dout * y).mean(0)) / self.s


class Module:
    def compute(self, z):
        return p.taylor(z)

    def jacobian(self, z, a):
        one = (
            np.eye(z.shape[-1]) * (1 + z)[..., None, :]
            - a[..., :, None] * (1 + z)[..., None, :]
        )
        return one / p.total(1 + z + z**2 / 2)[..., None]


def classes():
    own = (
        Layered, LayeredOuter, Statics, NoSelf, Prime, Values, Cached, Closure, Affine,
        Dropped, BatchNorm, Module,
    )  # fmt: skip
    for each in own:
        yield Right(each.__name__, each)
    for name, (f, df) in p.MAPS.items():
        yield Right(f"{name}, layer", p.stateful(f, df))
        yield Right(f"{name}, instance", p.stateful(f, df)())


class CrossEntropyIndices:
    def forward(self, probs, labels):
        return -np.log(probs[np.arange(len(labels)), labels]).mean()

    def backward(self, probs, labels):
        grad = np.zeros_like(probs)
        rows = np.arange(len(labels))
        grad[rows, labels] = -1 / probs[rows, labels]
        return grad / len(labels)


class SoftmaxCrossEntropy:
    """From logits, class indices, and the state of the forward."""

    def forward(self, logits, y):
        shifted = logits - logits.max(1, keepdims=True)
        self.logp = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        self.y = y
        return -self.logp[np.arange(len(y)), y].mean()

    def backward(self):
        grad = np.exp(self.logp)
        grad[np.arange(len(self.y)), self.y] -= 1
        return grad / len(self.y)


class OnlyOneHot:
    def value(self, y_true, y_pred):
        return -np.log((y_true * y_pred).sum(-1))

    def gradient(self, y_true, y_pred):
        return -y_true / y_pred


class ClippedAlike:
    """Value and gradient at the clipped outputs."""

    def loss(self, y_pred, y_true):
        q = np.clip(y_pred, 1e-7, 1 - 1e-7)
        return -np.sum(y_true * np.log(q), axis=1).mean()

    def gradient(self, y_pred, y_true):
        q = np.clip(y_pred, 1e-7, 1 - 1e-7)
        return -y_true / q / len(q)


class ClippedHonestly:
    def loss(self, y_pred, y_true):
        return -(y_true * np.log(np.clip(y_pred, 1e-7, 1))).sum()

    def gradient(self, y_pred, y_true):
        inside = (y_pred > 1e-7) & (y_pred < 1)
        return np.where(inside, -y_true / np.where(inside, y_pred, 1), 0)


class LayeredSquared:
    def __call__(self, prediction, target):
        return (prediction - target) ** 2 / 2

    def delta(self, prediction, target):
        return prediction - target


class Bishop:
    def value(self, y, t):
        return 0.5 * np.sum((y - t) ** 2)

    def grad(self, y, t):
        return y - t


class WithUpstream:
    def forward(self, pred, target):
        self.d = pred - target
        return (self.d**2).mean()

    def backward(self, grad):
        return grad * 2 * self.d / self.d.size


class LogitsBinary:
    def forward(self, logits, targets):
        return (np.logaddexp(0, logits) - targets * logits).mean()

    def backward(self, logits, targets):
        return (p.sigmoid(logits) - targets) / logits.size


class Hinge:
    def value(self, scores, y):
        return np.maximum(0, 1 - y * scores).sum(-1)

    def gradient(self, scores, y):
        return np.where(y * scores < 1, -y, 0)


class Logistic:
    def value(self, scores, y):
        return np.logaddexp(0, -y * scores).sum(-1)

    def gradient(self, scores, y):
        return -y * p.sigmoid(-y * scores)


class LogCosh:
    def value(self, a, y):
        d = np.abs(a - y)
        return (d + np.log1p(np.exp(-2 * d)) - np.log(2)).sum(-1)

    def gradient(self, a, y):
        return np.tanh(a - y)


def losses():
    for name, (f, df) in p.LOSSES.items():
        yield Right(f"{name}, rows", p.loss(f, df))
        yield Right(
            f"{name}, mean",
            p.loss(
                lambda a, y, f=f: f(a, y).mean(), lambda a, y, d=df: d(a, y) / len(a)
            ),
        )
        yield Right(f"{name}, sum", p.loss(lambda a, y, f=f: float(f(a, y).sum()), df))
        yield Right(
            f"{name}(y_true, y_pred)",
            lambda y_true, y_pred, f=f: f(y_pred, y_true),
            {"derivative": lambda y_true, y_pred, d=df: d(y_pred, y_true)},
        )
    yield Right(
        "mean squared error",
        lambda a, y: np.mean((a - y) ** 2),
        {"derivative": lambda a, y: 2 * (a - y) / a.size},
    )
    yield Right(
        "absolute error",
        lambda a, y: np.abs(a - y).sum(),
        {"derivative": lambda a, y: np.sign(a - y)},
    )
    yield Right(
        "Kullback-Leibler",
        lambda q, t: (t * np.log(t / q)).sum(-1),
        {"derivative": lambda q, t: -t / q},
    )
    own = (
        CrossEntropyIndices, SoftmaxCrossEntropy, OnlyOneHot, ClippedAlike,
        ClippedHonestly, LayeredSquared, Bishop, WithUpstream, LogitsBinary, Hinge,
        Logistic, LogCosh,
    )  # fmt: skip
    for each in own:
        yield Right(each.__name__, each)


def ours():
    """What anymax offers."""
    for name in am.activations.__all__:
        yield Right(f"am.{name}", getattr(am, name).sample())
    for name in am.losses.__all__:
        loss = getattr(am, name).sample()
        if not loss.needs:
            yield Right(f"am.{name}", loss)
    for activation, loss in (
        (am.Softmax(), am.CrossEntropy()),
        (am.Sparsemax(), am.SquaredError()),
        (am.Sigmoid(), am.BinaryCrossEntropy()),
        (am.Entmax(alpha=1.5), am.Matching()),
        (am.TaylorSoftmax(), am.Brier()),
    ):
        yield Right(repr(am.Pair(activation, loss)), am.Pair(activation, loss))
    yield Right("am.Dense", am.Dense(3))
    yield Right("am.LayerNorm", am.LayerNorm())
    net = am.Chain(am.Dense(4), am.Tanh(), am.Dense(3), am.Softmax()).build(2)
    yield Right("am.Chain", net)
    yield Right("am.Objective", am.Objective(net, am.SquaredError()))


def right():
    """All of them."""
    return [*functions(), *classes(), *losses(), *ours()]
