"""Mistakes planted on purpose, one for each code and several maps, and what they are.

Each is a `Plant`: the code that `am.check` has to say first, what it is planted in, and
the arguments to check. The formulas here are written out by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Plant:
    code: str
    where: str
    thing: Any
    options: dict[str, Any] = field(default_factory=dict)


def total(x):
    return x.sum(-1, keepdims=True)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / total(e)


def log_softmax(z):
    m = z - z.max(-1, keepdims=True)
    return m - np.log(total(np.exp(m)))


def taylor(z):
    h = 1 + z + z**2 / 2
    return h / total(h)


def sparsemax(z):
    s = -np.sort(-z, -1)
    k = np.arange(1, z.shape[-1] + 1)
    c = np.cumsum(s, -1) - 1
    n = total(s * k > c)
    return np.maximum(z - np.take_along_axis(c, n - 1, -1) / n, 0)


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def relu(z):
    return np.maximum(z, 0)


def spherical(z):
    return z**2 / total(z**2)


def d_softmax(z, a, g):
    return a * (g - total(a * g))


def d_log_softmax(z, a, g):
    return g - np.exp(a) * total(g)


def d_taylor(z, a, g):
    return (1 + z) * (g - total(a * g)) / total(1 + z + z**2 / 2)


def d_sparsemax(z, a, g):
    s = a > 0
    return s * (g - total(s * g) / total(s))


def d_spherical(z, a, g):
    return 2 * z * (g - total(a * g)) / total(z**2)


def d_sigmoid(z, a, g):
    return g * a * (1 - a)


def d_tanh(z, a, g):
    return g * (1 - a**2)


def d_relu(z, a, g):
    return g * (z > 0)


MAPS = {
    "softmax": (softmax, d_softmax),
    "log-softmax": (log_softmax, d_log_softmax),
    "Taylor": (taylor, d_taylor),
    "sparsemax": (sparsemax, d_sparsemax),
    "sigmoid": (sigmoid, d_sigmoid),
    "tanh": (np.tanh, d_tanh),
    "ReLU": (relu, d_relu),
}
DIAGONALS = {
    "softmax": lambda z, a: a * (1 - a),
    "log-softmax": lambda z, a: 1 - np.exp(a),
    "Taylor": lambda z, a: (1 + z) * (1 - a) / total(1 + z + z**2 / 2),
    "sparsemax": lambda z, a: (a > 0) * (1 - 1 / total(a > 0)),
}


# ---- losses


def squared(a, y):
    return 0.5 * ((a - y) ** 2).sum(-1)


def cross_entropy(a, y):
    return -(y * np.log(a)).sum(-1)


def binary(a, y):
    return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(-1)


def huber(a, y):
    d = np.abs(a - y)
    return np.where(d <= 1, 0.5 * d**2, d - 0.5).sum(-1)


def d_squared(a, y):
    return a - y


def d_cross_entropy(a, y):
    return -y / a


def d_binary(a, y):
    return (a - y) / (a * (1 - a))


def d_huber(a, y):
    return np.clip(a - y, -1, 1)


LOSSES = {
    "squared error": (squared, d_squared),
    "cross-entropy": (cross_entropy, d_cross_entropy),
    "binary cross-entropy": (binary, d_binary),
    "Huber": (huber, d_huber),
}


def stateful(forward, backward):
    """A layer that stores what it saw: backward(g) of what forward stored."""

    class Layer:
        def forward(self, z):
            self.z = z
            self.a = forward(z)
            return self.a

        def backward(self, g):
            return backward(self.z, self.a, g)

    return Layer


def loss(value, gradient):
    class Loss:
        def value(self, a, y):
            return value(a, y)

        def gradient(self, a, y):
            return gradient(a, y)

    return Loss


def product(name, wrong):
    """The map with a mistaken backward(z, a, g)."""
    return MAPS[name][0], {"derivative": wrong}


def derivative_mistakes():
    """Mistakes in what is returned, told by the Jacobian."""
    for name, diagonal in DIAGONALS.items():
        f = MAPS[name][0]
        yield Plant("diagonal-only", name, f, {"derivative": diagonal})
        yield Plant(
            "diagonal-only",
            f"{name}, layer",
            stateful(f, lambda z, a, g, d=diagonal: d(z, a) * g),
        )
    ones = {
        "softmax": lambda z, a: a,
        "Taylor": lambda z, a: (1 + z) / total(1 + z + z**2 / 2),
        "sparsemax": lambda z, a: 1.0 * (a > 0),
        "spherical": lambda z, a: 2 * z / total(z**2),
    }
    for name, d in ones.items():
        f = spherical if name == "spherical" else MAPS[name][0]
        yield Plant(
            "rank-one-missing",
            name,
            f,
            {"derivative": lambda z, a, g, d=d: d(z, a) * g},
        )
    yield Plant(
        "rank-one-missing",
        "softmax, matrix",
        MAPS["softmax"][0],
        {"derivative": lambda a: a[..., None] * np.eye(a.shape[-1])},
    )
    for name, (f, df) in MAPS.items():
        yield Plant("jacobian-missing", name, stateful(f, lambda z, a, g: g))
        yield Plant(
            "jacobian-missing",
            f"{name}, derivative",
            f,
            {"derivative": lambda z, a: np.ones_like(z)},
        )
        if name not in ("softmax",):
            yield Plant(
                "output-as-derivative", name, *product(name, lambda z, a, g: a * g)
            )
        yield Plant(
            "output-as-derivative",
            f"{name}, derivative",
            f,
            {"derivative": lambda a: a},
        )
        yield Plant(
            "constant-factor",
            name,
            f,
            {"derivative": lambda z, a, g, d=df: 2 * d(z, a, g)},
        )
        yield Plant(
            "constant-factor",
            f"{name}, layer",
            stateful(f, lambda z, a, g, d=df: d(z, a, g) / 3),
        )
        yield Plant("sign", name, stateful(f, lambda z, a, g, d=df: -d(z, a, g)))
        yield Plant(
            "batch-factor",
            name,
            stateful(f, lambda z, a, g, d=df: d(z, a, g) / len(z)),
        )
        yield Plant(
            "feature-factor",
            name,
            f,
            {"derivative": lambda z, a, g, d=df: d(z, a, g) * z.shape[-1]},
        )
    yield Plant(
        "sign",
        "softmax, sum",
        *product("softmax", lambda z, a, g: a * (g + total(a * g))),
    )
    yield Plant(
        "sign",
        "log-softmax, sum",
        *product("log-softmax", lambda z, a, g: g + np.exp(a) * total(g)),
    )


def exchanged_mistakes():
    """One array where another belongs, and formulas of another place."""
    at_input = {
        "softmax": lambda z, g: z * (g - total(z * g)),
        "log-softmax": lambda z, g: g - np.exp(z) * total(g),
        "sparsemax": lambda z, g: d_sparsemax(None, z, g),
        "sigmoid": lambda z, g: g * z * (1 - z),
        "tanh": lambda z, g: g * (1 - z**2),
    }
    for name, wrong in at_input.items():
        f = MAPS[name][0]
        yield Plant("input-for-output", name, f, {"derivative": wrong})
        yield Plant(
            "input-for-output",
            f"{name}, layer",
            stateful(f, lambda z, a, g, w=wrong: w(z, g)),
        )
    for name, derivative in {
        "sigmoid": lambda x: x * (1 - x),
        "tanh": lambda x: 1 - x * x,
    }.items():
        yield Plant(
            "input-for-output", f"{name}(x)", MAPS[name][0], {"derivative": derivative}
        )
    turned = {
        "log-softmax": lambda z, a, g: g - total(np.exp(a) * g),
        "Taylor": lambda z, a, g: (
            ((1 + z) * g - a * total((1 + z) * g)) / total(1 + z + z**2 / 2)
        ),
        "spherical": lambda z, a, g: 2 * (z * g - a * total(z * g)) / total(z**2),
    }
    for name, wrong in turned.items():
        f = spherical if name == "spherical" else MAPS[name][0]
        yield Plant("transposed-jacobian", name, f, {"derivative": wrong})
    for name in ("softmax", "sigmoid", "tanh", "log-softmax", "Taylor"):
        f, df = MAPS[name]
        if name != "log-softmax":  # of itself it is itself
            yield Plant(
                "double-softmax",
                name,
                f,
                {"derivative": lambda a, g, f=f, df=df: df(a, f(a), g)},
            )
        if name in ("softmax", "sigmoid", "tanh"):
            yield Plant(
                "double-softmax",
                f"{name} of {name}",
                stateful(
                    lambda z, f=f: f(f(z)), lambda z, a, g, f=f, df=df: df(z, f(z), g)
                ),
            )
    for name in ("softmax", "sigmoid", "tanh", "ReLU"):
        f, df = MAPS[name]
        yield Plant(
            "arguments-swapped",
            name,
            f,
            {"derivative": lambda z, g, f=f, df=df: df(g, f(g), z)},
        )
    yield Plant(
        "fused-gradient", "softmax", *product("softmax", lambda z, a, g: a * g + a)
    )
    yield Plant(
        "fused-gradient",
        "log-softmax",
        *product("log-softmax", lambda z, a, g: g + np.exp(a)),
    )


def batch_mistakes():
    """Axes and rows."""

    def down(x):
        return x.sum(0, keepdims=True)

    axes = {
        "softmax": lambda z, a, g: a * (g - down(a * g)),
        "log-softmax": lambda z, a, g: g - np.exp(a) * down(g),
        "Taylor": lambda z, a, g: (1 + z) * (g - down(a * g)) / total(1 + z + z**2 / 2),
        "sparsemax": lambda z, a, g: (a > 0) * (g - down((a > 0) * g) / total(a > 0)),
    }
    for name, wrong in axes.items():
        yield Plant("wrong-axis", name, stateful(MAPS[name][0], wrong))
    yield Plant(
        "wrong-axis",
        "softmax, forward",
        stateful(lambda z: softmax(z.T).T, d_softmax),
    )
    whole = {
        "softmax": lambda z, a, g: a * (g - (a * g).sum()),
        "log-softmax": lambda z, a, g: g - np.exp(a) * g.sum(),
        "sparsemax": lambda z, a, g: (
            (a > 0) * (g - ((a > 0) * g).sum() / (a > 0).sum())
        ),
        "sigmoid": lambda z, a, g: a * (1 - a) * g.mean(0),
        "tanh": lambda z, a, g: (1 - a**2) * (g - g.mean(0)),
        "ReLU": lambda z, a, g: g * (z > z.mean(0)),
    }
    for name, wrong in whole.items():
        yield Plant("batch-coupled", name, stateful(MAPS[name][0], wrong))
    yield Plant(
        "batch-coupled",
        "softmax, forward",
        stateful(lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(), d_softmax),
    )


def loss_mistakes():
    """The same and others in losses."""
    for name, (f, df) in LOSSES.items():

        def mean(a, y, f=f):
            return f(a, y).mean()

        yield Plant("sign", name, loss(f, lambda a, y, d=df: -d(a, y)))
        yield Plant("constant-factor", name, loss(f, lambda a, y, d=df: 2 * d(a, y)))
        yield Plant("batch-factor", name, loss(mean, df))
        yield Plant(
            "batch-factor",
            f"{name}, sum",
            loss(lambda a, y, f=f: f(a, y).sum(), lambda a, y, d=df: d(a, y) / len(a)),
        )
        yield Plant(
            "feature-factor",
            name,
            loss(lambda a, y, f=f: f(a, y) / a.shape[-1], df),
        )
        yield Plant(
            "wrong-axis",
            f"{name}, mean",
            loss(mean, lambda a, y, d=df: d(a, y) / a.shape[-1]),
        )
        yield Plant(
            "fused-gradient",
            f"{name}, sigmoid",
            loss(f, lambda a, y, d=df: d(a, y) * a * (1 - a)),
        )
        yield Plant(
            "fused-gradient",
            f"{name}, softmax",
            loss(f, lambda a, y, d=df: a * (d(a, y) - total(a * d(a, y)))),
        )
        yield Plant(
            "double-softmax",
            name,
            loss(lambda a, y, f=f: f(softmax(a), y), df),
        )
        yield Plant(
            "double-softmax",
            f"{name}, gradient",
            loss(f, lambda a, y, d=df: d(softmax(a), y)),
        )
        yield Plant(
            "batch-coupled",
            name,
            loss(f, lambda a, y, d=df: d(a, y) - d(a, y).mean(0)),
        )
        yield Plant("wrong-shape", name, loss(f, lambda a, y, d=df: d(a, y).sum(-1)))
        yield Plant(
            "clipped-value",
            name,
            loss(lambda a, y, f=f: f(np.clip(a, 0.15, 0.4), y), df),
        )
        yield Plant(
            "float32-noise",
            name,
            loss(lambda a, y, f=f: f(a.astype("f4"), y.astype("f4")), df),
        )
        yield Plant(
            "wrong-derivative", name, loss(f, lambda a, y, d=df: d(a, y) + a**3)
        )
        yield Plant("non-deterministic", name, loss(f, Noisy(df)))
        yield Plant("mutates-input", name, loss(f, Spoiling(df)))
        yield Plant("stale-state", name, stale_loss(f, df))
    yield Plant(
        "arguments-swapped",
        "cross-entropy",
        loss(cross_entropy, lambda a, y: d_cross_entropy(y, a)),
    )
    yield Plant(
        "arguments-swapped",
        "binary cross-entropy",
        loss(binary, lambda a, y: d_binary(y, a)),
    )
    yield Plant(
        "kink",
        "absolute error",
        loss(lambda a, y: np.abs(a - y).sum(-1), lambda a, y: (a - y) / np.abs(a - y)),
    )
    yield Plant(
        "kink",
        "quantile",
        loss(
            lambda a, y: np.where(a > y, 0.7 * (a - y), 0.3 * (y - a)).sum(-1),
            lambda a, y: np.where(a == y, 7.0, np.where(a > y, 0.7, -0.3)),
        ),
    )
    yield Plant(
        "discontinuity",
        "Huber",
        loss(
            lambda a, y: np.where(
                np.abs(a - y) <= 1, (a - y) ** 2 / 2, np.abs(a - y)
            ).sum(-1),
            d_huber,
        ),
    )
    yield Plant(
        "unstable",
        "log-cosh",
        loss(lambda a, y: np.log(np.cosh(a - y)).sum(-1), lambda a, y: np.tanh(a - y)),
    )
    yield Plant(
        "unstable",
        "cross-entropy of logits",
        loss(
            lambda z, y: np.log(np.exp(z).sum(-1)) * y.sum(-1) - (y * z).sum(-1),
            lambda z, y: softmax(z) * total(y) - y,
        ),
    )


class Noisy:
    def __init__(self, f):
        self.f, self.rng = f, np.random.default_rng(0)

    def __call__(self, *arrays):
        out = self.f(*arrays)
        return out + 1e-3 * self.rng.normal(size=out.shape)


class Spoiling:
    """Right, and its first array is changed afterwards."""

    def __init__(self, f):
        self.f = f

    def __call__(self, *arrays):
        out = self.f(*arrays)
        arrays[0][...] *= 0.5
        return out


def stale_loss(f, df):
    class Stale:
        def value(self, a, y):
            self.seen = (a, y)
            return f(a, y)

        def gradient(self, a, y):
            return df(*self.seen)

    return Stale


def stale_layer(f, df):
    class Stale:
        def __init__(self):
            self.z = None

        def forward(self, z):
            if self.z is None:
                self.z = z
            return f(z)

        def backward(self, g):
            return df(self.z, f(self.z), g)

    return Stale


def last_layer(f, df):
    class Last:
        def forward(self, z):
            self.z, self.a = z, f(z)
            return self.a

        def backward(self, z, g):
            return df(self.z, self.a, g)

    return Last


def noisy_layer(f, df):
    class Noise:
        def __init__(self):
            self.rng = np.random.default_rng(0)

        def forward(self, z):
            self.z, self.a = z, f(z + 0.1 * self.rng.normal(size=z.shape))
            return self.a

        def backward(self, g):
            return df(self.z, self.a, g)

    return Noise


def behaviour_mistakes():
    """State, chance, changed arrays, precision, shapes, edges."""
    for name, (f, df) in MAPS.items():
        yield Plant("stale-state", name, stale_layer(f, df))
        yield Plant("stale-state", f"{name}, last", last_layer(f, df))
        yield Plant("non-deterministic", name, noisy_layer(f, df))
        yield Plant("mutates-input", name, f, {"derivative": _spoils_g(df)})
        yield Plant(
            "mutates-input",
            f"{name}, forward",
            lambda z, f=f: Spoiling(f)(z),
            {"derivative": lambda z, a, g, d=df: d(z, a, g)},
        )
        yield Plant(
            "float32-noise",
            name,
            stateful(
                lambda z, f=f: f(z.astype("f4")),
                lambda z, a, g, f=f, df=df: df(z, f(z), g),
            ),
        )
        yield Plant(
            "wrong-shape",
            name,
            f,
            {"derivative": lambda z, a, g, d=df: d(z, a, g).sum(-1)},
        )
        yield Plant(
            "clipped-value",
            name,
            stateful(
                lambda z, f=f: f(np.clip(z, -0.5, 0.5)),
                lambda z, a, g, f=f, df=df: df(
                    np.clip(z, -0.5, 0.5), f(np.clip(z, -0.5, 0.5)), g
                ),
            ),
        )
        yield Plant(
            "wrong-derivative",
            name,
            stateful(f, lambda z, a, g, d=df: d(z, a, g) + 0.1 * np.sin(z) * g),
        )
        yield Plant(
            "discontinuity",
            name,
            stateful(
                lambda z, f=f: f(z) + 0.25 * (z.sum(-1, keepdims=True) > 1.234),
                lambda z, a, g, f=f, df=df: df(z, f(z), g),
            ),
        )
    for name in ("softmax", "log-softmax", "sparsemax"):
        f, df = MAPS[name]

        def elementwise(z, a, g, df=df):
            units = np.broadcast_to(np.eye(z.shape[-1]), (*z.shape, z.shape[-1]))
            J = df(z[..., None, :], a[..., None, :], units)
            return g[..., None] * J

        yield Plant("wrong-shape", f"{name}, g * J", f, {"derivative": elementwise})
    yield from edges()


def _spoils_g(df):
    def backward(z, a, g):
        out = df(z, a, g)
        g *= 2
        return out

    return backward


def edges():
    kinks = {
        "ReLU": (
            relu,
            lambda z, g: g * (1 + np.sign(z)) * (z != 0) / 2 + 5 * g * (z == 0),
        ),
        "ReLU, 0/0": (relu, lambda z, g: g * (z + np.abs(z)) / (2 * np.abs(z))),
        "absolute value": (np.abs, lambda z, g: g * z / np.abs(z)),
        "leaky ReLU": (
            lambda z: np.where(z > 0, z, 0.1 * z),
            lambda z, g: g * np.where(z > 0, 1, 0.1) * (z != 0),
        ),
    }
    for name, (f, df) in kinks.items():
        yield Plant("kink", name, f, {"derivative": df})
    naive = {
        "softmax": (lambda z: np.exp(z) / total(np.exp(z)), d_softmax),
        "log-softmax": (lambda z: z - np.log(total(np.exp(z))), d_log_softmax),
        "log-softmax, log": (lambda z: np.log(softmax(z)), d_log_softmax),
        "sigmoid": (lambda z: np.exp(z) / (1 + np.exp(z)), d_sigmoid),
        "tanh": (
            lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
            d_tanh,
        ),
        "softplus": (
            lambda z: np.log(1 + np.exp(z)),
            lambda z, a, g: g * sigmoid(z),
        ),
        "sigmoid, backward": (
            sigmoid,
            lambda z, a, g: g * np.exp(-z) / (1 + np.exp(-z)) ** 2,
        ),
    }
    for name, (f, df) in naive.items():
        yield Plant("unstable", name, stateful(f, df))


def planted():
    """All of them."""
    return [
        *derivative_mistakes(),
        *exchanged_mistakes(),
        *batch_mistakes(),
        *loss_mistakes(),
        *behaviour_mistakes(),
    ]
