"""The pairs, written with PyTorch's functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

Expression = Callable[[Any, Any], Any]


def expressions(torch: Any) -> dict[str, Expression]:
    """z and y to the mean over rows, by the pair's name."""
    functional = torch.nn.functional

    def cross_entropy(z: Any, y: Any) -> Any:
        return functional.cross_entropy(z, y)

    def squared(a: Any, y: Any) -> Any:
        return ((a - y) ** 2).sum() / len(y)

    def huber(z: Any, y: Any) -> Any:
        return functional.huber_loss(torch.tanh(z), y, reduction="sum") / len(y)

    def log_cosh(z: Any, y: Any) -> Any:
        r = (functional.gelu(z) - y).abs()
        return (r + functional.softplus(-2 * r) - math.log(2)).sum() / len(y)

    def focal(z: Any, y: Any) -> Any:
        h = 1 + z + 0.5 * z * z
        right = h.gather(1, y[:, None])[:, 0] / h.sum(-1)
        return -((1 - right) ** 2 * torch.log(right)).mean()

    return {
        "softmax + cross_entropy": cross_entropy,
        "softmax + squared_error": lambda z, y: squared(torch.softmax(z, -1), y),
        "tanh + huber": huber,
        "gelu + log_cosh": log_cosh,
        "taylor_softmax + focal": focal,
        "sigmoid + squared_error": lambda z, y: squared(torch.sigmoid(z), y),
        **_sparse(squared),
    }


def _sparse(squared: Expression) -> dict[str, Expression]:
    """With the maps of the entmax package, if it is there."""
    if find_spec("entmax") is None:
        return {}
    entmax = import_module("entmax").entmax15
    return {"entmax15 + squared_error": lambda z, y: squared(entmax(z, -1, 100), y)}
