"""The two kinds of page a picture is drawn for, light and dark."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

OUTLINE = re.compile(r' d="[^"]*"')
LONG = re.compile(r"-?\d+\.\d{3,}")
HERE = Path(__file__).parents[1] / "docs" / "pictures"


@dataclass(frozen=True)
class Theme:
    """The colours of one kind of page."""

    name: str
    ink: str
    faint: str
    ground: str
    good: str
    bad: str
    others: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The colours of curves, in the order they are taken."""
        return (self.good, self.bad, *self.others)


LIGHT = Theme(
    "light",
    "#1f2328",
    "#d1d9e0",
    "#f6f8fa",
    "#0969da",
    "#bc4c00",
    ("#1a7f37", "#8250df", "#bf3989", "#57606a", "#9a6700"),
)
DARK = Theme(
    "dark",
    "#e6edf3",
    "#3d444d",
    "#1c2128",
    "#58a6ff",
    "#f0883e",
    ("#56d364", "#bc8cff", "#ff7bc5", "#8b949e", "#e3b341"),
)


def style(theme: Theme) -> dict[str, Any]:
    """What Matplotlib is to draw with."""
    inks = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
    return dict.fromkeys(inks, theme.ink) | {
        "axes.edgecolor": theme.faint,
        "axes.facecolor": "none",
        "font.size": 10,
        "mathtext.fontset": "dejavusans",
        "svg.hashsalt": "anymax",
    }


def save(figure: Any, name: str) -> None:
    """Write a picture, `name` being its path in docs/pictures without the ending."""
    path = HERE / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    path.write_text(OUTLINE.sub(_shorter, text.getvalue()))
    plt.close(figure)


def _shorter(outline: re.Match[str]) -> str:
    """An outline to a hundredth of a point, which nobody can see."""
    return LONG.sub(lambda n: f"{float(n[0]):.2f}", outline[0])
