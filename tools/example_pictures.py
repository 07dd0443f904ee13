"""Pictures of the examples: each is run as it stands, and what it trained is drawn."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from themes import Theme

import anymax as am
from anymax.data import load

EXAMPLES = Path(__file__).parents[1] / "examples"


def example_pictures(theme: Theme) -> Iterator[tuple[str, Any]]:
    """Each example's picture under its name."""
    for name, draw in DRAWN.items():
        module, fits = _run(name)
        yield name, draw(theme, module, fits)


@cache
def _run(name: str) -> tuple[ModuleType, list[tuple[Any, Any]]]:
    """The example as a module, and the network and history of each fit in it."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fits, fit = [], am.fit

    def watched(net: Any, *given: Any, **options: Any) -> Any:
        history = fit(net, *given, **options)
        fits.append((net, history))
        return history

    with mock.patch.object(am, "fit", watched), contextlib.redirect_stdout(None):
        module.main()
    return module, fits


def _xor(theme: Theme, module: ModuleType, fits: list[tuple[Any, Any]]) -> Any:
    net, _ = fits[-1]
    figure, axes = plt.subplots(figsize=(4.6, 3.8))
    side = np.linspace(-0.4, 1.4, 121)
    points = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    share = np.asarray(net(points)).reshape(121, 121)
    colours = LinearSegmentedColormap.from_list(
        "", [theme.bad, theme.ground, theme.good]
    )
    ends = (side[0], side[-1], side[0], side[-1])
    shown = axes.imshow(
        share, origin="lower", extent=ends, cmap=colours, vmin=0, vmax=1
    )
    bar = figure.colorbar(shown, ax=axes, ticks=[0, 0.5, 1])
    bar.set_label(f"probability of {str(net.classes[1])!r}")
    bar.outline.set_visible(False)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    for corner, label in zip(corners, net.predict(corners), strict=True):
        axes.plot(*corner, "o", ms=9, color=theme.ink)
        side_of = 10 if corner[1] == 0 else -10
        place = "bottom" if side_of > 0 else "top"
        axes.annotate(
            label,
            corner,
            (0, side_of),
            textcoords="offset points",
            ha="center",
            va=place,
        )
    axes.set_xticks([0, 1])
    axes.set_yticks([0, 1])
    axes.spines[:].set_visible(False)
    figure.tight_layout()
    return figure


def _spiral(theme: Theme, module: ModuleType, fits: list[tuple[Any, Any]]) -> Any:
    net, history = fits[-1]
    figure, (plane, curve) = plt.subplots(
        1, 2, figsize=(10, 4.2), width_ratios=(1, 1.15)
    )
    side = np.linspace(-1.15, 1.15, 221)
    points = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    tints = np.array([to_rgb(colour) for colour in theme.lines[:3]])
    shares = np.asarray(net(points)).reshape(221, 221, 3)
    image = np.concatenate([shares @ tints, np.full((221, 221, 1), 0.3)], -1)
    ends = (side[0], side[-1], side[0], side[-1])
    plane.imshow(np.clip(image, 0, 1), origin="lower", extent=ends)
    x, y = module.arms(1000, seed=2)
    for arm in range(3):
        plane.scatter(*x[y == arm].T, s=6, color=theme.lines[arm], linewidths=0)
    plane.set_xticks([])
    plane.set_yticks([])
    plane.spines[:].set_visible(False)
    plane.set_title("test points, and what the network says", fontsize=10.5, loc="left")
    _losses(curve, theme, history)
    figure.tight_layout()
    return figure


def _losses(axes: Any, theme: Theme, history: Any) -> None:
    for name, colour in zip(("loss", "validation loss"), theme.lines, strict=False):
        axes.plot(history[name], color=colour, lw=2, label=name)
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_title("loss", fontsize=10.5, loc="left")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _digits(theme: Theme, module: ModuleType, fits: list[tuple[Any, Any]]) -> Any:
    net, history = fits[-1]
    rows = load("digits").split(seed=0)
    found = net.predict(rows.x_test)
    wrong = np.flatnonzero(found != rows.y_test)[:4]
    right = np.flatnonzero(found == rows.y_test)[: 20 - len(wrong)]
    figure = plt.figure(figsize=(10, 4.2))
    left, side = figure.subfigures(1, 2, width_ratios=(1.3, 1))
    ink = LinearSegmentedColormap.from_list("", [theme.ground, theme.ink])
    shown = np.concatenate([right, wrong])
    for axes, row in zip(left.subplots(4, 5).flat, shown, strict=True):
        axes.imshow(rows.x_test[row].reshape(8, 8), cmap=ink)
        axes.axis("off")
        sure = f"{float(np.max(net(rows.x_test[row]))):.0%}"
        said = f"{found[row]}, {sure}"
        if row in wrong:
            said = f"{said}: is {rows.y_test[row]}"
        axes.set_title(
            said, fontsize=9, color=theme.bad if row in wrong else theme.ink, pad=3
        )
    left.subplots_adjust(0.01, 0.01, 0.99, 0.93, 0.1, 0.35)
    axes = side.subplots()
    _losses(axes, theme, history)
    side.subplots_adjust(0.16, 0.13, 0.97, 0.9)
    return figure


def _wine(theme: Theme, module: ModuleType, fits: list[tuple[Any, Any]]) -> Any:
    figure, axes = plt.subplots(figsize=(7, 3.4))
    ends = [history["validation loss"][-1] for _, history in fits]
    best = int(np.argmin(ends))
    colours = [theme.bad if i == best else theme.good for i in range(len(ends))]
    axes.bar(range(len(ends)), ends, 0.6, color=colours)
    for i, value in enumerate(ends):
        axes.text(i, value, f"{value:.3f}", ha="center", va="bottom")
    axes.set_xticks(range(len(ends)), [f"{l2:g}" for l2 in module.PENALTIES])
    axes.set_xlabel("l2")
    axes.set_yticks([])
    axes.set_ylim(0, 1.15 * max(ends))
    axes.set_title(
        "loss on validation rows; the least is taken", fontsize=10.5, loc="left"
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.tight_layout()
    return figure


def _iris(theme: Theme, module: ModuleType, fits: list[tuple[Any, Any]]) -> Any:
    net, _ = fits[-1]
    rows = load("iris").split(seed=0)
    shares = np.asarray(net(rows.x_test))
    order = np.lexsort((*-shares.T[::-1], rows.y_test))
    figure, axes = plt.subplots(figsize=(10, 3.3))
    below = np.zeros(len(order))
    for k, name in enumerate(net.classes):
        colour = theme.lines[k]
        axes.bar(
            range(len(order)), shares[order, k], 0.85, below, color=colour, label=name
        )
        below += shares[order, k]
    edges = np.flatnonzero(np.diff(rows.y_test[order])) + 0.5
    for edge in edges:
        axes.axvline(edge, color=theme.ink, lw=1.2)
    starts = [-0.5, *edges]
    for k, start in enumerate(starts):
        axes.text(start + 0.3, 1.03, f"is {net.classes[k]}", fontsize=9.5)
    axes.set_ylim(0, 1.12)
    axes.set_xlim(-0.6, len(order) - 0.4)
    axes.set_xticks([])
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("test rows, each with its probabilities")
    axes.legend(frameon=False, fontsize=9.5, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


def _tumours(theme: Theme, module: ModuleType, fits: list[tuple[Any, Any]]) -> Any:
    net, history = fits[-1]
    data = load("breast_cancer")
    rows, names = data.split(seed=0), np.array(data.classes)
    share = np.asarray(net(rows.x_test))[:, 0]
    figure, (counts, curve) = plt.subplots(1, 2, figsize=(10, 3.6))
    bins = np.linspace(0, 1, 21)
    is_second = names[rows.y_test] == net.classes[1]
    parts = [share[~is_second], share[is_second]]
    counts.hist(
        parts,
        bins,
        stacked=True,
        color=theme.lines[:2][::-1],
        label=[f"is {name}" for name in net.classes],
    )
    counts.axvline(0.5, color=theme.ink, lw=1, ls="--")
    counts.set_xlabel(f"predicted probability of {str(net.classes[1])!r}")
    counts.set_title("test rows", fontsize=10.5, loc="left")
    counts.legend(frameon=False, loc="upper center")
    counts.spines[["top", "right"]].set_visible(False)
    _losses(curve, theme, history)
    figure.tight_layout()
    return figure


DRAWN: dict[str, Callable[[Theme, ModuleType, list[tuple[Any, Any]]], Any]] = {
    "xor": _xor,
    "spiral": _spiral,
    "digits": _digits,
    "wine": _wine,
    "iris": _iris,
    "breast_cancer": _tumours,
}
