"""Pictures of losses: value and slope as one logit moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from themes import Theme

import anymax as am
from anymax import losses
from anymax.activation import Activation
from anymax.loss import Loss
from anymax.registry import names

MOVING = np.linspace(-6, 6, 241)


class Curve(NamedTuple):
    """A pair, a target and the logits beside the one that moves."""

    said: str
    activation: Activation
    loss: Loss
    y: Any
    beside: tuple[float, ...] = ()


def _classes(loss: Loss, activation: Activation | None = None) -> list[Curve]:
    """Three classes: the logit of the target moves, or that of another class."""
    map_ = activation or am.Softmax()
    return [
        Curve("the target's logit", map_, loss, [1.0, 0.0, 0.0], (0.0, 0.0)),
        Curve("another class's logit", map_, loss, [0.0, 1.0, 0.0], (0.0, 0.0)),
    ]


def _one(loss: Loss, activation: Activation, *targets: float) -> list[Curve]:
    """One output, for some targets."""
    return [Curve(f"y = {y:g}", activation, loss, [y]) for y in targets]


def _smoothed(loss: Loss, share: float) -> list[Curve]:
    """For losses that ask for log y: targets without zeros."""
    rest = (1 - share) / 2
    return [
        Curve("the target's logit", am.Softmax(), loss, [share, rest, rest], (0, 0)),
        Curve("another class's logit", am.Softmax(), loss, [rest, share, rest], (0, 0)),
    ]


CURVES: dict[str, list[Curve]] = {
    "AbsoluteError": _one(am.AbsoluteError(), am.Identity(), 0.0, 2.0),
    "BinaryCrossEntropy": _one(am.BinaryCrossEntropy(), am.Sigmoid(), 0.0, 0.3, 1.0),
    "Brier": _classes(am.Brier()),
    "CategoricalHinge": _classes(am.CategoricalHinge(), am.Identity()),
    "CrossEntropy": _classes(am.CrossEntropy()),
    "Focal": [
        Curve(
            f"gamma = {g:g}", am.Softmax(), am.Focal(gamma=g), [1.0, 0.0, 0.0], (0, 0)
        )
        for g in (0.0, 1.0, 2.0, 5.0)
    ],
    "GeneralizedCrossEntropy": [
        Curve(
            f"q = {q:g}",
            am.Softmax(),
            am.GeneralizedCrossEntropy(q=q),
            [1.0, 0.0, 0.0],
            (0, 0),
        )
        for q in (0.1, 0.4, 0.7, 1.0)
    ],
    "Hinge": _one(am.Hinge(), am.Identity(), 1.0, -1.0),
    "Huber": [
        Curve(f"delta = {d:g}", am.Identity(), am.Huber(delta=d), [0.0])
        for d in (0.5, 1.0, 3.0)
    ],
    "JensenShannon": _classes(am.JensenShannon()),
    "KLDivergence": _smoothed(am.KLDivergence(), 0.8),
    "LogCosh": _one(am.LogCosh(), am.Identity(), 0.0, 2.0),
    "LogSpherical": _classes(am.LogSpherical(), am.Identity()),
    "LogTaylor": _classes(am.LogTaylor(), am.Identity()),
    "Matching": [
        Curve(
            f"{map_!r}, the target's logit",
            map_,
            am.Matching(),
            [1.0, 0.0, 0.0],
            (0.0, 0.0),
        )
        for map_ in (am.Softmax(), am.Entmax(alpha=1.5), am.Sparsemax())
    ],
    "MeanSquaredError": _one(am.MeanSquaredError(), am.Identity(), 0.0, 2.0),
    "NegativeLogLikelihood": _classes(am.NegativeLogLikelihood(), am.LogSoftmax()),
    "Poisson": _one(am.Poisson(), am.Exp(), 0.0, 1.0, 5.0),
    "Poly": [
        Curve(
            f"epsilon = {e:g}",
            am.Softmax(),
            am.Poly(epsilon=e),
            [1.0, 0.0, 0.0],
            (0, 0),
        )
        for e in (0.0, 1.0, 2.0)
    ],
    "ReverseKL": _smoothed(am.ReverseKL(), 0.8),
    "SphericalScore": _classes(am.SphericalScore()),
    "SquaredError": [
        Curve("Sigmoid(), y = 0", am.Sigmoid(), am.SquaredError(), [0.0]),
        Curve("Tanh(), y = 0", am.Tanh(), am.SquaredError(), [0.0]),
        Curve(
            "Softmax(), the target's logit",
            am.Softmax(),
            am.SquaredError(),
            [1.0, 0.0, 0.0],
            (0.0, 0.0),
        ),
    ],
    "ZLoss": [
        Curve("the target's logit", am.Identity(), am.ZLoss(), [1, 0, 0], (1.0, -1.0)),
        Curve("another's logit", am.Identity(), am.ZLoss(), [0, 1, 0], (1.0, -1.0)),
    ],
}


def loss_pictures(theme: Theme) -> Iterator[tuple[str, Any]]:
    """Each loss's picture under the name of its page."""
    for name in names(losses):
        if name in CURVES:
            file = getattr(losses, name).__module__.rpartition(".")[2]
            yield file, _picture(CURVES[name], theme)


def _picture(curves: list[Curve], theme: Theme) -> Any:
    figure, (values, slopes) = plt.subplots(1, 2, figsize=(10, 3.3))
    tops = []
    for curve, colour in zip(curves, theme.lines, strict=False):
        value, slope = _traced(curve)
        values.plot(MOVING, value, color=colour, lw=2, label=curve.said)
        broken = np.where(np.abs(np.gradient(slope)) > 0.4, np.nan, slope)
        slopes.plot(MOVING, broken, color=colour, lw=2)
        tops.append(value[np.abs(MOVING) <= 4].max())
    low = min(0.0, *(line.get_ydata().min() for line in values.lines))
    values.set_ylim(low - 0.05 * max(tops), 1.15 * max(tops))
    for axes, said in ((values, "value L"), (slopes, "slope dL/dz")):
        axes.set_title(f"{said}, {_after(curves)}", fontsize=10.5, loc="left")
        axes.set_xlabel("the logit that moves, z" if curves[0].beside else "z")
        axes.axhline(0, color=theme.faint, lw=0.8, zorder=0)
        axes.axvline(0, color=theme.faint, lw=0.8, zorder=0)
        axes.set_xlim(-6, 6)
        axes.spines[["top", "right"]].set_visible(False)
    values.legend(frameon=False, fontsize=9.5)
    figure.tight_layout()
    return figure


def _after(curves: list[Curve]) -> str:
    maps = {curve.activation.name for curve in curves}
    return f"after {maps.pop()}" if len(maps) == 1 else "after several maps"


def _traced(curve: Curve) -> tuple[Any, Any]:
    """Value and slope at every place of the moving logit."""
    rows = np.zeros((MOVING.size, 1 + len(curve.beside)))
    rows[:, 0], rows[:, 1:] = MOVING, curve.beside
    y = np.repeat(np.array([curve.y], float), MOVING.size, 0)
    pair = am.Pair(curve.activation, curve.loss)
    value = pair.value(rows, y, reduce="none")
    return value, pair.gradient(rows, y, reduce="none")[:, 0]
