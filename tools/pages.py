"""Where the pages are, and how a picture stands on one."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
PICTURE = """<picture>
  <source media="(prefers-color-scheme: dark)" srcset="{file}-dark.svg">
  <img src="{file}-light.svg" width="{width}" alt="{said}">
</picture>"""


def picture(kind: str, name: str, said: str) -> str:
    """The picture of that name for a page one folder down, "" if none is drawn."""
    light = DOCS / "pictures" / kind / f"{name}-light.svg"
    if not light.exists():
        return ""
    width = "100%" if _width(light) > 500 else "60%"
    file = f"../pictures/{kind}/{name}"
    return PICTURE.format(file=file, said=said, width=width)


def _width(svg: Path) -> float:
    """The width of a picture in points."""
    head = svg.read_text()[:1000]
    return float(head.partition('width="')[2].partition("pt")[0])
