"""The pairs, written with JAX's functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Expression = Callable[[Any, Any], Any]


def expressions(jax: Any) -> dict[str, Expression]:
    """z and y to the mean over rows, by the pair's name."""
    jnp, nn = jax.numpy, jax.nn

    def cross_entropy(z: Any, y: Any) -> Any:
        right = jnp.take_along_axis(z, y[:, None], 1)[:, 0]
        return (nn.logsumexp(z, -1) - right).mean()

    def squared(a: Any, y: Any) -> Any:
        return ((a - y) ** 2).sum() / len(y)

    def huber(z: Any, y: Any) -> Any:
        r = jnp.tanh(z) - y
        size = jnp.abs(r)
        return jnp.where(size <= 1, r * r / 2, size - 0.5).sum() / len(y)

    def log_cosh(z: Any, y: Any) -> Any:
        r = jnp.abs(nn.gelu(z, approximate=False) - y)
        return (r + nn.softplus(-2 * r) - math.log(2)).sum() / len(y)

    def focal(z: Any, y: Any) -> Any:
        h = 1 + z + 0.5 * z * z
        right = jnp.take_along_axis(h, y[:, None], 1)[:, 0] / h.sum(-1)
        return -((1 - right) ** 2 * jnp.log(right)).mean()

    return {
        "softmax + cross_entropy": cross_entropy,
        "softmax + squared_error": lambda z, y: squared(nn.softmax(z), y),
        "tanh + huber": huber,
        "entmax15 + squared_error": lambda z, y: squared(_entmax15(jax)(z), y),
        "gelu + log_cosh": log_cosh,
        "taylor_softmax + focal": focal,
        "sigmoid + squared_error": lambda z, y: squared(nn.sigmoid(z), y),
    }


def _entmax15(jax: Any) -> Callable[[Any], Any]:
    """max(0, z / 2 - tau)^2 with tau from the sorted row (Peters et al., 2019); its
    derivative written out, as the entmax package does."""
    jnp = jax.numpy

    def forward(z: Any) -> tuple[Any, Any]:
        x = (z - z.max(-1, keepdims=True)) / 2
        falling = -jnp.sort(-x, -1)
        k = jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        mean = jnp.cumsum(falling, -1) / k
        square = jnp.cumsum(falling * falling, -1) / k
        inside = jnp.maximum((1 - k * (square - mean * mean)) / k, 0)
        tau = mean - jnp.sqrt(inside)
        support = (tau <= falling).sum(-1, keepdims=True)
        a = jnp.maximum(x - jnp.take_along_axis(tau, support - 1, -1), 0) ** 2
        return a, a

    def backward(a: Any, g: Any) -> tuple[Any]:
        w = jnp.sqrt(a)
        c = g * w
        return (c - w * c.sum(-1, keepdims=True) / w.sum(-1, keepdims=True),)

    entmax15: Callable[[Any], Any] = jax.custom_vjp(lambda z: forward(z)[0])
    entmax15.defvjp(forward, backward)  # type: ignore[attr-defined]
    return entmax15
