"""The live page: six maps and five losses, their chain rule computed in the browser."""

from __future__ import annotations

import json
from string import Template
from typing import Any

from anymax.activation import Activation
from anymax.activations import (
    Entmax,
    Sigmoid,
    Softmax,
    Sparsemax,
    Tanh,
    TaylorSoftmax,
)
from anymax.checking.cells import describe
from anymax.errors import DomainError
from anymax.explaining.markup import asset, choice, document, top
from anymax.explaining.mathml import mathml, sentence
from anymax.loss import Loss
from anymax.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Focal,
    Huber,
    SquaredError,
)
from anymax.pair import Pair

# of u = z / T: the map, and J = da/dz
MAPS: dict[str, tuple[str, Activation, str, str]] = {
    "softmax": (
        "softmax",
        Softmax(),
        "a = exp(u) / sum exp(u), u = z / T",
        "J = (diag(a) - a a^T) / T",
    ),
    "sparsemax": (
        "sparsemax",
        Sparsemax(),
        "a = max(u - tau, 0), u = z / T",
        "J = (diag(s) - s s^T / sum s) / T, s = 1 where a > 0",
    ),
    "entmax": (
        "entmax-1.5",
        Entmax(alpha=1.5),
        "a = max(u / 2 - tau, 0)^2, u = z / T",
        "J = (diag(s) - s s^T / sum s) / T, s = a^0.5",
    ),
    "taylor": (
        "Taylor, order 2",
        TaylorSoftmax(order=2),
        "a = h / sum h, h = 1 + u + u^2 / 2, u = z / T",
        "J = (diag(a) - a a^T) diag(h' / h) / T",
    ),
    "sigmoid": (
        "sigmoid",
        Sigmoid(),
        "a = 1 / (1 + exp(-u)), u = z / T",
        "J = diag(a (1 - a)) / T",
    ),
    "tanh": (
        "tanh",
        Tanh(),
        "a = tanh(u), u = z / T",
        "J = diag((1 - a) (1 + a)) / T",
    ),
}
LOSSES: dict[str, tuple[str, Loss, str, str]] = {
    "cross_entropy": (
        "cross-entropy",
        CrossEntropy(),
        "L = - sum y log a",
        "dL/da = - y / a",
    ),
    "squared_error": (
        "squared error",
        SquaredError(),
        "L = sum (a - y)^2",
        "dL/da = 2 (a - y)",
    ),
    "binary_cross_entropy": (
        "binary cross-entropy",
        BinaryCrossEntropy(),
        "L = - sum (y log a + (1 - y) log (1 - a))",
        "dL/da = (a - y) / (a (1 - a))",
    ),
    "huber": (
        "Huber",
        Huber(delta=1.0),
        "L = sum huber(a - y), delta = 1",
        "dL/da = min(max(a - y, -1), 1)",
    ),
    "focal": (
        "focal",
        Focal(gamma=2.0),
        "L = - sum y (1 - a)^2 log a",
        "dL/da = - y (1 - a) (1 - a - 2 a log a) / a",
    ),
}


def live_page() -> str:
    """The page as one HTML file; it asks for nothing and works from a file: address.

    Its script holds the formulas, in plain JavaScript; statuses, refusals and what
    cancels are Python's own sentences.

    >>> "<script" in live_page()
    True
    """
    main = Template(asset(__package__, "assets", "live.html")).substitute(
        maps=choice("map", "map", [(key, it[0], "") for key, it in MAPS.items()]),
        losses=choice("loss", "loss", [(key, it[0], "") for key, it in LOSSES.items()]),
        targets=choice("target", "target", [(c, c, "") for c in "1234"]),
    )
    head = top(
        "The chain rule of one row, live",
        "Any of six maps with any of five losses: what goes up, what comes down, and "
        "what cancels on the way.",
    )
    # "</" would end the element that holds the data
    facts = json.dumps(_facts(), ensure_ascii=False).replace("</", "<\\/")
    data = f'<script type="application/json" id="facts">{facts}</script>'
    return document(
        "The chain rule, live",
        head + main + data,
        asset(__package__, "assets", "live.css"),
        asset(__package__, "assets", "chain.js")
        + asset(__package__, "assets", "live.js").replace('"use strict";\n', "", 1),
    )


def _facts() -> dict[str, Any]:
    return {
        "maps": {
            key: {"map": mathml(formula), "J": mathml(J)}
            for key, (_, _, formula, J) in MAPS.items()
        },
        "losses": {
            key: {"loss": mathml(formula), "slope": mathml(slope)}
            for key, (_, _, formula, slope) in LOSSES.items()
        },
        "pairs": {
            f"{left} {right}": _pair(activation, loss)
            for left, (_, activation, *_) in MAPS.items()
            for right, (_, loss, *_) in LOSSES.items()
        },
    }


def _pair(activation: Activation, loss: Loss) -> dict[str, str]:
    """What Python says of a pair."""
    title = f"{activation.name} with {loss.name}"
    try:
        pair = Pair(activation, loss)
    except (DomainError, TypeError) as refusal:
        said = {"status": "refused", "sentence": str(refusal), "cancellation": ""}
    else:
        status, reason = describe(pair)
        said = {
            "status": status,
            "sentence": reason,
            "cancellation": sentence(pair.cancellation),
        }
    return {"title": title, **said}
