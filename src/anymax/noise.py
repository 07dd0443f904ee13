"""Counter-based random numbers: Philox4x64-10, addressed by layer, step and row.

A number depends on its address alone, so that a resumed run, or one that takes the rows
in other slices, draws the same.
Source: Salmon et al., SC 2011, doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymax.types import Array

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


@dataclass(frozen=True)
class Key:
    """Where noise is drawn: the seed, the layer, the step, and the number of a row.

    A slice of rows that starts at `first_row` draws what the whole batch would there.
    """

    seed: int
    layer: int = 0
    step: int = 0
    first_row: int = 0

    def __post_init__(self) -> None:
        for name in ("seed", "layer", "step", "first_row"):
            number = getattr(self, name)
            if not isinstance(number, int | np.integer) or not 0 <= number < 1 << 64:
                raise ValueError(
                    f"Key needs a whole {name} from 0 to 2^64 - 1; got {number!r}."
                )

    def uniform(self, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
        """Numbers strictly between 0 and 1, (..., n), a counter a row and block."""
        dtype = np.dtype(dtype)
        n = shape[-1]
        rows, blocks = int(np.prod(shape[:-1])), -(-n // 4)
        counters = np.zeros((rows, blocks, 4), np.uint64)
        counters[..., 0] = np.arange(blocks, dtype=np.uint64)
        numbers = self.first_row * (rows // max(shape[0], 1)) + np.arange(rows)
        counters[..., 1] = numbers.astype(np.uint64)[:, None]
        counters[..., 2] = np.uint64(self.step)
        words = philox(counters, (self.seed, self.layer))
        words = words.reshape(rows, 4 * blocks)[:, :n]
        bits = 24 if dtype == np.float32 else 53
        whole = (words >> np.uint64(64 - bits + 1)).astype(dtype)
        return (
            (whole + np.asarray(0.5, dtype)) * dtype.type(2.0 ** (1 - bits))
        ).reshape(shape)


def philox(counters: Array, key: tuple[int, int]) -> Array:
    """Four 64-bit words for each counter (..., 4), ten rounds."""
    c0, c1, c2, c3 = (counters[..., i].copy() for i in range(4))
    k0, k1 = key
    for _ in range(ROUNDS):
        high0, low0 = _product(MULTIPLIERS[0], c0)
        high1, low1 = _product(MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ _word(k0), low1, high0 ^ c3 ^ _word(k1), low0
        k0, k1 = k0 + WEYL[0], k1 + WEYL[1]
    return np.stack([c0, c1, c2, c3], -1)


def _word(x: int) -> np.uint64:
    return np.uint64(x & 0xFFFFFFFFFFFFFFFF)


def _product(m: int, x: Array) -> tuple[Array, Array]:
    """The high and low words of m * x, by halves."""
    m_low, m_high = np.uint64(m) & LOW, np.uint64(m) >> HALF
    x_low, x_high = x & LOW, x >> HALF
    low = m_low * x_low
    middle = m_high * x_low + (low >> HALF)
    other = m_low * x_high + (middle & LOW)
    return m_high * x_high + (middle >> HALF) + (other >> HALF), np.uint64(m) * x
