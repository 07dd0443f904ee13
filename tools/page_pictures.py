"""Take docs/pictures/explain-*.png: the pages in both themes, wide and narrow.

python tools/page_pictures.py; needs the extra [browser], and chromium on the path.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import anymax as am
from anymax.explaining.page import page
from anymax.pages import live_page, pairs_page

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WIDTHS = {"": (1280, 1180), "-narrow": (360, 900)}
LIVE = "#map=entmax&loss=squared_error&target=2&T=0.8&z=1.4,0.9,-0.4,-2"


def pages() -> dict[str, tuple[str, str]]:
    """Each page with what its address ends with."""
    net = am.Chain(am.Dense(5), am.Tanh(), am.Dense(4), am.Softmax())
    net.build(3)
    made = am.Objective(net, am.SquaredError()).explanation(
        np.array([0.5, -1.0, 2.0]), np.eye(4)[1]
    )
    command = [sys.executable, "-m", "anymax", "pairs", "--json"]
    cells = json.loads(subprocess.check_output(command))
    return {
        "page": (page(made.to_dict()), "#step-3"),
        "live": (live_page(), LIVE),
        "pairs": (pairs_page(cells), ""),
        "cell": (pairs_page(cells), "#Sparsemax+CrossEntropy"),
    }


def take(browser: Browser, address: str, name: str) -> None:
    """Take one page in both themes and widths."""
    for theme in ("light", "dark"):
        for said, (width, height) in WIDTHS.items():
            tab = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=theme
            )
            tab.goto(address)
            tab.wait_for_timeout(300)
            path = PICTURES / f"explain-{name}{said}-{theme}.png"
            tab.screenshot(path=path)
            shrink(path)
            tab.close()


def shrink(path: Path) -> None:
    """Keep 128 colours: a third of the size, and nothing that one sees."""
    small = Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main() -> None:
    """All of them."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as where:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for name, (text, end) in pages().items():
            path = Path(where) / f"{name}.html"
            path.write_text(text, "utf-8")
            take(browser, path.as_uri() + end, name)
        browser.close()


if __name__ == "__main__":
    main()
