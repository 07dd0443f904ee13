"""Pictures of the families of activations: outputs beside derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from families import FAMILIES
from themes import Theme

import anymax as am
from anymax.activation import Activation

# What is drawn, where that is not the class with its defaults.
DRAWN: dict[str, Activation] = {
    "LeakyReLU": am.LeakyReLU(negative_slope=0.1),
    "PReLU": am.PReLU(),
    "CELU": am.CELU(alpha=2.0),
    "Swish": am.Swish(beta=2.5),
    "SoftCap": am.SoftCap(cap=2.0),
}
ELEMENT = ("piecewise-linear", "exponential-units", "sigmoidal", "gates")
HEIGHTS = {
    "piecewise-linear": (-1.6, 3.2),
    "exponential-units": (-3.2, 3.2),
    "sigmoidal": (-2.1, 2.1),
    "gates": (-0.6, 3.2),
}
ROW = np.array([0.0, 0.5, -0.5])  # the row whose first entry moves
MAPS: dict[str, list[tuple[str, Activation]]] = {
    "softmax": [
        ("Softmax()", am.Softmax()),
        ("Softmax(temperature=0.4)", am.Softmax(temperature=0.4)),
        ("Softmin()", am.Softmin()),
    ],
    "sparse": [
        ("Softmax(), to compare", am.Softmax()),
        ("Entmax(alpha=1.5)", am.Entmax(alpha=1.5)),
        ("Sparsemax()", am.Sparsemax()),
    ],
    "separable": [
        ("TaylorSoftmax()", am.TaylorSoftmax()),
        ("SphericalSoftmax()", am.SphericalSoftmax()),
        ("NormalizedSigmoid()", am.NormalizedSigmoid()),
    ],
    "normalising": [
        ("L2Normalize()", am.L2Normalize()),
        ("Standardize()", am.Standardize()),
    ],
}


def family_pictures(theme: Theme) -> Iterator[tuple[str, Any]]:
    """Each family's picture under its name."""
    for family in FAMILIES:
        yield (
            family,
            _element(family, theme)
            if family in ELEMENT
            else _rows(MAPS[family], theme),
        )


def _element(family: str, theme: Theme) -> Any:
    """a and da/dz of every member against z."""
    figure, (values, slopes) = plt.subplots(1, 2, figsize=(10, 3.8))
    z = np.linspace(-4, 4, 321)
    members = list(zip(FAMILIES[family], theme.lines, strict=False))
    for place, (name, colour) in enumerate(members):
        made = DRAWN.get(name) or getattr(am, name)()
        below = len(members) - 1 - place
        wide = 2 + 0.75 * below if family == "piecewise-linear" else 2  # all show
        a = np.array(made(z), float)
        slope = np.array(made.jacobian(z[:, None]).diagonal())[:, 0]
        _line(values, z, a, color=colour, lw=wide, label=_label(name))
        _line(slopes, z, slope, color=colour, lw=wide)
    values.set_ylim(*HEIGHTS[family])
    low, high = slopes.get_ylim()
    slopes.set_ylim(max(low, -0.6), min(high, 2.1))
    _finish(values, theme, "output a")
    _finish(slopes, theme, "derivative da/dz")
    handles, labels = values.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="lower center", ncols=4, frameon=False, fontsize=9.5
    )
    rows = -(-len(labels) // 4)
    figure.tight_layout(rect=(0, 0.03 + 0.06 * rows, 1, 1))
    return figure


def _label(name: str) -> str:
    return repr(DRAWN[name]) if name in DRAWN else f"{name}()"


def _rows(maps: list[tuple[str, Activation]], theme: Theme) -> Any:
    """The outputs of a row, and one column of J, as its first entry moves."""
    figure, grid = plt.subplots(
        2, len(maps), figsize=(10, 4.9), sharex=True, sharey="row", squeeze=False
    )
    moving = np.linspace(-4, 4, 321)
    z = np.repeat(ROW[None], moving.size, 0)
    z[:, 0] = moving
    for k, (name, made) in enumerate(maps):
        a = np.asarray(made(z))
        column = np.stack([made.jacobian(row).dense()[:, 0] for row in z])
        for i in range(3):
            label = f"$a_{i + 1}$" if k == 0 else None
            _line(grid[0, k], moving, a[:, i], color=theme.lines[i], label=label)
            _line(grid[1, k], moving, column[:, i], color=theme.lines[i])
        _finish(grid[0, k], theme, name, low="")
        _finish(grid[1, k], theme, "", low="$z_1$")
    grid[0, 0].set_ylabel("outputs")
    grid[1, 0].set_ylabel(r"$\partial a_i / \partial z_1$")
    low, high = grid[1, 0].get_ylim()
    grid[1, 0].set_ylim(max(low, -1.2), min(high, 1.2))
    said = ", ".join(f"$z_{i} = {ROW[i - 1]:g}$" for i in (2, 3))
    figure.suptitle(f"a row of three, {said}", fontsize=10, x=0.99, ha="right")
    figure.legend(
        frameon=False, fontsize=10.5, loc="upper left", ncols=3, handlelength=1.2
    )
    figure.tight_layout()
    return figure


def _line(axes: Any, x: Any, y: Any, **kept: Any) -> None:
    """A curve, broken where it jumps."""
    steps = np.abs(np.diff(y))
    jumps = np.flatnonzero(steps > max(0.1, 8 * np.median(steps))) + 1
    drawn = np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)
    axes.plot(*drawn, **{"lw": 2, "solid_capstyle": "butt"} | kept)


def _finish(axes: Any, theme: Theme, title: str, low: str = "z") -> None:
    axes.set_title(title, fontsize=10.5, loc="left")
    axes.set_xlabel(low)
    axes.axhline(0, color=theme.faint, lw=0.8, zorder=0)
    axes.axvline(0, color=theme.faint, lw=0.8, zorder=0)
    axes.set_xlim(-4, 4)
    axes.spines[["top", "right"]].set_visible(False)
