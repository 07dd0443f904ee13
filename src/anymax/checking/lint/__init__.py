"""Lint: what is doubtful about a network, its loss and its data, before training."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from anymax.activation import Activation
from anymax.checking.lint import saturation
from anymax.checking.lint.meeting import paired
from anymax.checking.lint.network import normalized_twice
from anymax.checking.lint.report import Finding as Finding
from anymax.checking.lint.report import LintReport as LintReport
from anymax.checking.lint.targets import targets_of
from anymax.errors import DomainError, ShapeError
from anymax.loss import Loss
from anymax.network import Network
from anymax.pair import Pair
from anymax.types import Array, as_float, numbers, quiet


@quiet
def lint(
    net: Network | Activation,
    loss: Loss,
    y: ArrayLike | None = None,
    x: ArrayLike | None = None,
) -> LintReport:
    """What is probably a mistake in this network, this loss and these data.

    From declared data alone: a map to the simplex that gets another one's outputs, a
    loss on outputs it is not meant for, at the edge of its domain, or refused. From
    targets y as well: those out of range or out of reach, indices and one-hot rows
    taken for each other, rows that do not sum to one, a batch all ignored. From
    inputs x (for an activation: logits) as well: saturated rows. Nothing is changed,
    and a doubtful pair may be meant: none of it is an error.

    Args: `net`, a network, built if x is given, or the last activation alone.
    Raises TypeError for what is no network, activation or loss.

    >>> import anymax as am
    >>> print(am.lint(am.Sigmoid(), am.CrossEntropy()))
    sigmoid-exclusive: cross-entropy after outputs that do not sum to one never pushes \
the other outputs down; use Softmax, or BinaryCrossEntropy.
        net = am.Chain(..., am.Softmax())
    >>> am.lint(am.Chain(am.Dense(3), am.Softmax()), am.CrossEntropy()).ok
    True
    """
    if not isinstance(net, Network | Activation):
        raise TypeError(f"lint needs a network or an activation first; got {net!r}.")
    if not isinstance(loss, Loss):
        raise TypeError(f"lint needs a loss second; got {loss!r}.")
    found: list[Finding] = []
    activation = net
    if isinstance(net, Network):
        found += normalized_twice(net)
        activation = net.split()[1]
    assert isinstance(activation, Activation)
    pair, doubts = paired(activation, loss)
    found += doubts
    if pair is not None:
        found += _on_data(net, pair, y, x)
    return LintReport(tuple(found))


def _on_data(
    net: Network | Activation, pair: Pair, y: ArrayLike | None, x: ArrayLike | None
) -> list[Finding]:
    """What only numbers show."""
    found: list[Finding] = []
    z = None if x is None else _logits(net, x)
    if y is not None:
        moved = np.asarray(y)
        shape = z.shape if z is not None else _shape(net, pair, numbers(y, "y"))
        if moved.ndim == len(shape) and z is not None:
            moved = np.moveaxis(moved, pair.activation.axis, -1)
        found += targets_of(pair, moved, shape)
        y = moved
    if z is None or x is None:
        return found
    if isinstance(net, Network):
        found += saturation.hidden(net, net.enter(x))
    return found + _saturated(pair, z, y)


def _saturated(pair: Pair, z: Array, y: ArrayLike | None) -> list[Finding]:
    if y is None:
        return list(saturation.without_targets(pair, z))
    try:
        meeting = pair.meet(z, y, reduce="none")
    except (ShapeError, DomainError):
        return []  # said already
    return list(saturation.last(pair, meeting))


def _logits(net: Network | Activation, x: ArrayLike) -> Array:
    """What the last map gets, features last."""
    if isinstance(net, Network):
        return np.moveaxis(net.logits(x), net.split()[1].axis, -1)
    return net.enter(as_float(x, "x"), None, None)[0]


def _shape(net: Network | Activation, pair: Pair, y: Array) -> tuple[int, ...]:
    """The outputs' shape, features last, as far as it can be known from y."""
    if isinstance(net, Network) and net.input_shapes:
        shape = net.output_shape(*net.input_shapes)
        return (*y.shape[:1], *shape)
    n = pair.fixed_width
    if y.ndim > 1:
        return (*y.shape[:-1], n or y.shape[-1])
    several = pair.activation.coupling == "row" or pair.targets.classes
    if n is None:
        n = max(2, int(y.max(initial=0)) + 1) if several else 1
    return (*y.shape, n)
