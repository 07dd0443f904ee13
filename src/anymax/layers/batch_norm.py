"""BatchNorm."""

from __future__ import annotations

from anymax.layers.normalizing import Normalizing, check_eps
from anymax.layers.standard import Held, Measured, Standard
from anymax.map import Arrays, State
from anymax.types import Array


class BatchNorm(Normalizing):
    """y = (x - mean) / sqrt(variance + eps) gain + shift, along each column.

    Shapes (..., n), gain and shift (n,). While training, mean and variance are those of
    the batch, over all axes but the last, and derivatives go through them; each step
    moves the running ones: running = momentum running + (1 - momentum) batch.
    Afterwards the running ones are used, and rows do not see each other. Both variances
    have the number of rows as divisor, as in Keras; PyTorch keeps a running one with
    one less, and its momentum is 1 - ours. A batch of one row gives y = shift, one of
    none leaves the running ones alone. Penalties skip gain and shift.

    Args: `momentum`, 0 <= momentum < 1; `eps` > 0, a part of the model; `scale` and
    `shift`, whether there is a gain, which starts at 1, and a shift, which starts at 0.
    Raises ValueError for momentum or eps outside, ShapeError for inputs of another
    width than it was built for.
    Source: Ioffe and Szegedy, ICML 2015, arXiv:1502.03167.

    >>> import anymax as am
    >>> net = am.Chain(am.BatchNorm()).build(2)
    >>> net([[1.0, 2.0], [3.0, 4.0]]).round(3)
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """

    coupling = "batch"

    def __init__(
        self,
        *,
        momentum: float = 0.9,
        eps: float = 1e-5,
        scale: bool = True,
        shift: bool = True,
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(
                f"BatchNorm needs 0 <= momentum < 1; got {momentum!r}. "
                "PyTorch's momentum is 1 minus this one."
            )
        self.momentum, self.eps = momentum, check_eps("BatchNorm", eps)
        self.scale, self.shift = scale, shift

    @property
    def state(self) -> tuple[State, ...]:  # type: ignore[override]
        return State("mean", (self.width,)), State("variance", (self.width,), 1.0)

    def standard(
        self, x: Array, state: Arrays, training: bool
    ) -> tuple[Standard, Arrays]:
        mean, variance = state
        if not training:
            return Held(x, mean, variance, self.eps), state
        batch = Measured(x, tuple(range(x.ndim - 1)), self.eps)
        if not x.size:
            return batch, state
        return batch, (
            self._moved(mean, batch.mean),
            self._moved(variance, batch.variance),
        )

    def _moved(self, running: Array, batch: Array) -> Array:
        return self.momentum * running + (1 - self.momentum) * batch.reshape(-1)
