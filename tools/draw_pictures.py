"""Draw the pictures of the documentation: python tools/draw_pictures.py.

Each is drawn twice, for light and for dark pages, on a transparent ground, from numbers
that anymax computes here and now. Needs `pip install '.[dev]'`.
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from example_pictures import example_pictures
from family_pictures import family_pictures
from loss_pictures import loss_pictures
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from themes import DARK, LIGHT, Theme, save, style

import anymax as am

LOGITS = np.array([1.0, 2.0, 0.0, 1.5])
TARGET = np.array([0.0, 1.0, 0.0, 0.0])


def main() -> None:
    """Write every picture for every theme."""
    for theme in (LIGHT, DARK):
        with mpl.rc_context(style(theme)):
            save(jacobian_picture(theme), f"jacobian-{theme.name}")
            save(cancelling_picture(theme), f"cancelling-{theme.name}")
            for name, figure in family_pictures(theme):
                save(figure, f"families/{name}-{theme.name}")
            for name, figure in loss_pictures(theme):
                save(figure, f"losses/{name}-{theme.name}")
            for name, figure in example_pictures(theme):
                save(figure, f"examples/{name}-{theme.name}")


def jacobian_picture(theme: Theme) -> Any:
    """J = diag(a) - a a^T as heat maps, and what its diagonal alone gives."""
    figure = plt.figure(figsize=(11, 3.3))
    grid = figure.add_gridspec(
        1, 4, width_ratios=(1, 1, 1, 1.75), wspace=0.26, left=0.04, right=0.995
    )
    grid.update(top=0.78, bottom=0.11)
    a = am.Softmax()(LOGITS)
    J = am.Softmax().jacobian(LOGITS).dense()
    parts = (("$J$", J), (r"diag$(a)$", np.diag(a)), (r"$-\,a\,a^T$", J - np.diag(a)))
    for at, (title, matrix) in enumerate(parts):
        axes = figure.add_subplot(grid[at])
        _heat(axes, matrix, theme, outlined=at == 0)
        axes.set_title(title, fontsize=14, pad=8)
        if at:
            sign = "=" if at == 1 else "+"
            axes.set_yticks([])
            axes.text(
                -0.14, 0.5, sign, transform=axes.transAxes, fontsize=17, ha="center"
            )
    figure.text(
        0.04,
        0.93,
        "Every output of softmax depends on every input: "
        "the outlined diagonal is only a part of the Jacobian",
        fontsize=11,
        weight="bold",
    )
    _gradients(figure.add_subplot(grid[3]), theme)
    return figure


def _heat(axes: Any, matrix: Any, theme: Theme, outlined: bool) -> None:
    colours = LinearSegmentedColormap.from_list(
        "", [theme.bad, theme.ground, theme.good]
    )
    axes.imshow(matrix, cmap=colours, norm=TwoSlopeNorm(0, -0.6, 0.6))
    for i, j in np.ndindex(matrix.shape):
        number = matrix[i, j]
        if number:
            text = f"{number:.2f}".replace("-", "−").replace("−0.00", "0.00")
            axes.text(j, i, text, ha="center", va="center", fontsize=9)
        if outlined and i == j:
            box = plt.Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, fill=False, lw=2)
            box.set_edgecolor(theme.ink)
            axes.add_patch(box)
    axes.set_xticks(range(4), [f"$z_{k + 1}$" for k in range(4)], fontsize=11)
    axes.set_yticks(range(4), [f"$a_{k + 1}$" for k in range(4)], fontsize=11)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _gradients(axes: Any, theme: Theme) -> None:
    """Squared error after softmax, dL/dz three ways."""
    a = am.Softmax()(LOGITS)
    g = 2 * (a - TARGET)
    at = np.arange(4)
    axes.axhline(0, color=theme.ink, lw=0.8)
    axes.bar(
        at - 0.2, a * (g - (g * a).sum()), 0.38, color=theme.good, label="the whole $J$"
    )
    axes.bar(
        at + 0.2,
        a * (1 - a) * g,
        0.38,
        color=theme.bad,
        label="its diagonal only",
    )
    pair, step = am.Pair(am.Softmax(), am.SquaredError()), 1e-5
    ends = [
        [pair.value(LOGITS + sign * step * unit, TARGET) for sign in (1, -1)]
        for unit in np.eye(4)
    ]
    slopes = np.array([(up - down) / (2 * step) for up, down in ends])
    axes.plot(
        np.repeat(at, 2) + np.tile([-0.2, 0.2], 4),
        np.repeat(slopes, 2),
        "D",
        ms=5,
        mfc="none",
        mec=theme.ink,
        mew=1.4,
        label="finite differences",
    )
    axes.set_xticks(at, [f"$z_{k + 1}$" for k in at], fontsize=11)
    axes.set_title("squared error after softmax: $dL/dz$", fontsize=12, pad=8)
    axes.set_ylim(-0.42, 0.27)
    axes.legend(
        frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1.02, 0.02)
    )
    axes.tick_params(length=3)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def cancelling_picture(theme: Theme) -> Any:
    """Float32 rows whose derivatives are right, cancelled and multiplied out."""
    figure, pair_of_axes = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)
    spreads = np.array([1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 70, 100, 150, 200, 300])
    kinds = ("gradient", "Hessian product")
    shares = np.array([_shares(float(s)) for s in spreads])
    for axes, kind, share in zip(
        pair_of_axes, kinds, np.moveaxis(shares, 1, 0), strict=True
    ):
        axes.plot(spreads, 100 * share[:, 0], "o-", color=theme.good, ms=4, lw=2)
        axes.plot(spreads, 100 * share[:, 1], "s-", color=theme.bad, ms=4, lw=2)
        axes.set_xscale("log")
        axes.set_xticks([1, 3, 10, 30, 100, 300], ["1", "3", "10", "30", "100", "300"])
        axes.minorticks_off()
        axes.set_ylim(-4, 107)
        axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
        axes.set_xlabel("standard deviation of the logits")
        axes.set_title(f"{kind}: rows right to 0.1 %", fontsize=11, loc="left")
        axes.grid(axis="y", color=theme.faint, lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    first = pair_of_axes[0]
    first.text(1, 90, "exponents subtracted first", color=theme.good, va="top")
    first.text(1, 10, r"$-y/a$, then $J$", color=theme.bad)
    figure.tight_layout()
    return figure


def _shares(spread: float) -> list[list[float]]:
    """Per kind of derivative, the share of right rows: cancelled, multiplied out."""
    rng = np.random.default_rng(0)
    z = (spread * rng.normal(size=(2000, 10))).astype(np.float32)
    v = rng.normal(size=z.shape).astype(np.float32)
    y = rng.integers(10, size=2000)
    hot = np.eye(10, dtype=np.float32)[y]
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    wide = z.astype(np.float64)
    true = pair.gradient(wide, y, reduce="none")
    true_hvp = pair.hvp(wide, y, v.astype(np.float64), reduce="none")
    with np.errstate(all="ignore"):
        J = am.Softmax().jacobian(z)
        a = am.Softmax()(z)
        g, dg = -hot / a, hot / a**2 * J.jvp(v)
        multiplied = J.vjp(g), J.vjp_derivative(v, g, dg)
    cancelled = (
        pair.gradient(z, y, reduce="none"),
        pair.hvp(z, y, v, reduce="none"),
    )
    return [
        [_right(cancelled[0], true), _right(multiplied[0], true)],
        [_right(cancelled[1], true_hvp), _right(multiplied[1], true_hvp)],
    ]


def _right(rows: Any, true: Any) -> float:
    """The share of rows within 0.1 % of the row's largest (or of the tiniest float)."""
    smallest = np.finfo(np.float32).tiny
    scale = 1e-3 * np.abs(true).max(-1, keepdims=True) + smallest
    with np.errstate(all="ignore"):
        near = np.abs(rows - true) <= scale
    return float(near.all(-1).mean())


if __name__ == "__main__":
    main()
