"""What the site needs beyond its pages: lists in the navigation, and pictures by theme.

mkdocs.yml names this file under `hooks`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" '
    r'srcset="(?P<dark>[^"]+)">\s*<img src="(?P<light>[^"]+)" (?P<rest>[^>]*)>'
    r"\s*</picture>"
)
BOTH = (
    '<img class="by-light" src="{light}" {rest}><img class="by-dark" src="{dark}" '
    "{rest}>"
)


def on_config(config: Any) -> Any:
    """Put the pages of a folder where the navigation says `folder/*`."""
    config.nav = _expanded(config.nav, Path(config.docs_dir))
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Show the picture of the chosen theme, rather than of the machine's."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]
    return PICTURE.sub(lambda found: BOTH.format(**found.groupdict()), markdown)


def _expanded(items: list[Any], docs: Path) -> list[Any]:
    made: list[Any] = []
    for item in items:
        if isinstance(item, str):
            made += _pages(item, docs) if item.endswith("/*") else [item]
            continue
        ((title, inside),) = item.items()
        if isinstance(inside, list):
            inside = _expanded(inside, docs)
        elif inside.endswith("/*"):
            inside = _pages(inside, docs)
        made.append({title: inside})
    return made


def _pages(pattern: str, docs: Path) -> list[str]:
    """The pages of a folder but for its first, as paths from the docs."""
    found = sorted(docs.glob(pattern.removesuffix("*") + "*.md"))
    return [str(p.relative_to(docs).as_posix()) for p in found if p.stem != "index"]
