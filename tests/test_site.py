"""The site builds without a warning, holds every name, and asks nothing of others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from anymax import activations, losses
from anymax.registry import names

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TOOLS = ROOT / "tools"
NEEDED = ("mkdocs", "material", "mkdocstrings")
FETCHING = {("link", "href"), ("image", "href"), ("use", "href")}


@dataclass
class Page(HTMLParser):
    """What a page of the site links to, fetches, and can be linked to by."""

    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag, name) == ("a", "name"):
                self.ids.add(value)
            elif name in ("src", "srcset", "data", "poster") or (tag, name) in FETCHING:
                self.fetched.append(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)
            elif name == "style":
                self.fetched += addresses(value)


@cache
def page(path: Path) -> Page:
    read = Page()
    read.feed(path.read_text("utf-8"))
    return read


def addresses(style: str) -> list[str]:
    """What a style sheet asks for."""
    return re.findall(r"url\(\s*[\"']?([^)\"']+)", style)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for needed in NEEDED:
        pytest.importorskip(needed, reason="the site needs the extra [docs]")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    built = subprocess.run(
        [*command, "--site-dir", str(target)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return target


def pages(site: Path) -> list[Path]:
    return sorted(path for path in site.rglob("*.html") if path.name != "404.html")


def test_every_page_is_in_the_site(site: Path) -> None:
    wanted = {p.relative_to(DOCS).with_suffix(".html") for p in DOCS.rglob("*.md")}
    assert {path.relative_to(site) for path in pages(site)} == wanted


def test_every_public_name_has_an_entry(site: Path) -> None:
    there = set().union(*(page(path).ids for path in (site / "api").glob("*.html")))
    missing = [name for name, _ in api().public() if name not in there]
    assert not missing


def test_links_within_the_site_resolve(site: Path) -> None:
    broken = []
    for path in pages(site):
        for target in [*page(path).links, *page(path).fetched]:
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = unquote(target).partition("#")
            there = (path.parent / file).resolve() if file else path
            missing = not there.is_file() or (
                anchor and there.suffix == ".html" and anchor not in page(there).ids
            )
            # "#" alone, and what a script of the theme makes, lead to the top
            if missing and anchor != "__skip":
                broken.append(f"{path.relative_to(site)}: {target}")
    assert not broken


def test_nothing_is_asked_of_another_machine(site: Path) -> None:
    outside = re.compile(r"(?:[a-z]+:)?//")
    for path in site.rglob("*.html"):
        asked = [a for a in page(path).fetched if outside.match(a)]
        assert not asked, f"{path.relative_to(site)}: {asked}"
    for path in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        asked = [a for a in addresses(path.read_text("utf-8")) if outside.match(a)]
        assert not asked, f"{path.relative_to(site)}: {asked}"


def test_the_search_finds_every_class(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    titles = {entry["title"] for entry in index["docs"]}
    for package in (activations, losses):
        assert set(names(package)) <= titles


def test_dark_and_light_pages_have_a_picture_each(site: Path) -> None:
    shown = (site / "index.html").read_text("utf-8")
    assert "<picture>" not in shown
    assert shown.count("by-light") == shown.count("by-dark") == 1


# ---- what the site is made of; these need no extra


def test_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOLS / "make_pages.py"), "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"run python tools/make_pages.py\n{done.stdout}"


def test_pages_that_are_not_up_to_date_are_named(monkeypatch, capsys) -> None:
    tool = imported("make_pages")
    stale = DOCS / "activations" / "relu.md"
    monkeypatch.setattr(tool, "pages", lambda: iter([(stale, "something else")]))
    before = stale.read_text()
    assert tool.main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/activations/relu.md\n"
    assert stale.read_text() == before


def test_every_activation_is_in_one_family() -> None:
    families = imported("families").FAMILIES
    listed = [name for members in families.values() for name in members]
    assert sorted(listed) == sorted(names(activations))
    for family, members in families.items():
        text = (DOCS / "families" / f"{family}.md").read_text()
        for head in ("## The derivative", "## When to use which", "## Sources"):
            assert head in text, f"{family}: {head}"
        for name in members:
            assert f"[{name}](../activations/" in text, f"{family}: {name}"


def test_every_loss_and_family_has_its_pictures() -> None:
    wanted = {f"losses/{path.stem}" for path in one_each("losses")}
    wanted |= {f"families/{path.stem}" for path in one_each("families")}
    wanted |= {f"examples/{path.stem}" for path in (ROOT / "examples").glob("*.py")}
    for name in wanted:
        for theme in ("light", "dark"):
            path = DOCS / "pictures" / f"{name}-{theme}.svg"
            assert path.is_file(), f"{path}: run python tools/draw_pictures.py"


def test_the_documentation_stays_small() -> None:
    size = sum(path.stat().st_size for path in DOCS.rglob("*") if path.is_file())
    assert size < 6e6


def one_each(folder: str) -> list[Path]:
    """The pages of a folder but for its first."""
    return [path for path in (DOCS / folder).glob("*.md") if path.stem != "index"]


def api():  # type: ignore[no-untyped-def]
    return imported("api_pages")


def imported(name: str):  # type: ignore[no-untyped-def]
    """A tool as a module."""
    if str(TOOLS) not in sys.path:
        sys.path.insert(0, str(TOOLS))
    return __import__(name)
