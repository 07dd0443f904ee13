"""The README and the pages do what they say: code runs, links resolve, pages exist."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import anymax as am
from anymax import activations, losses
from anymax.registry import names

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / "tools"
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = [
    "pip install '.[cli]' && anymax train digits",
    "pip install '.[test]' && pytest",
]
CLASSES = [
    *(("activations", name) for name in names(activations)),
    *(("losses", name) for name in names(losses)),
]

fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
link = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)")
attribute = re.compile(r'(?:src|srcset|href)="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and what follows it directly."""

    language: str
    text: str
    line: int
    expected: str | None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page; a ```text block behind code is what it prints."""
    text = page.read_text()
    found = list(fence.finditer(text))
    made = []
    for i, match in enumerate(found):
        after = found[i + 1] if i + 1 < len(found) else None
        between = text[match.end() : after.start()].strip() if after else "-"
        printed = after is not None and after[1] == "text" and not between
        expected = after[2] if after is not None and printed else None
        line = text[: match.start()].count("\n") + 2
        made.append(Block(match[1], match[2], line, expected))
    return made


def run_console(text: str, page: Path) -> str:
    """What a console session prints that it should not; "" if all is well."""
    runner, report = doctest.DocTestRunner(), io.StringIO()
    session = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    runner.run(session, out=report.write)
    return report.getvalue()


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


def heading_ids(page: Path) -> set[str]:
    """The anchors GitHub gives to the headings of a page."""
    text = fence.sub("", page.read_text())
    heads = re.findall(r"^#+ (.*)$", text, re.M)
    bare = [re.sub(r"[^\w\- ]", "", head.lower()) for head in heads]
    return {head.strip().replace(" ", "-") for head in bare}


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_code_of_the_page_runs(page: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "pycon":
            failed = run_console(block.text, page)
            assert not failed, f"{page}:{block.line}\n{failed}"
        if block.language != "python":
            continue
        printed = io.StringIO()
        source = "\n" * (block.line - 1) + block.text
        with contextlib.redirect_stdout(printed):
            exec(compile(source, str(page), "exec"), namespace)
        if block.expected is not None:
            assert printed.getvalue() == block.expected, f"{page}:{block.line}"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_local_links_resolve(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", fence.sub("", page.read_text()))
    targets = link.findall(text) + attribute.findall(text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in heading_ids(there), f"{page}: {target}"


def test_readme_holds_the_two_commands_and_no_other() -> None:
    shell = [b.text.strip() for b in blocks(README) if b.language == "bash"]
    assert shell == COMMANDS


def test_readme_names_the_three_lines_of_numpy() -> None:
    assert "a * (g - (g * a).sum())" in README.read_text()


@pytest.mark.parametrize(("kind", "name"), CLASSES, ids=lambda x: str(x))
def test_class_has_a_page_that_is_up_to_date(kind: str, name: str) -> None:
    pages = maker()
    page = pages.place(kind, name)
    assert page.exists(), f"{page} is missing: run python tools/make_pages.py"
    written = page.read_text()
    assert written == pages.page(kind, name, written), "run python tools/make_pages.py"
    assert "```pycon" in written
    assert pages.WHEN in written, f"{page} needs a section {pages.WHEN!r}"


def test_every_class_page_belongs_to_a_class() -> None:
    pages = maker()
    wanted = {pages.place(kind, name) for kind, name in CLASSES}
    there = {
        p
        for kind in ("activations", "losses")
        for p in (ROOT / "docs" / kind).glob("*")
    }
    assert {p for p in there if p.name != "index.md"} == wanted


def test_class_lists_are_up_to_date() -> None:
    pages = maker()
    for kind in ("activations", "losses"):
        index = ROOT / "docs" / kind / "index.md"
        assert index.read_text() == pages.index(kind), "run python tools/make_pages.py"


def test_every_page_is_reached_from_the_map() -> None:
    reached, todo = set(), [README, ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        text = fence.sub("", page.read_text())
        paths = [
            (page.parent / t.partition("#")[0]).resolve() for t in link.findall(text)
        ]
        todo += [path for path in paths if path.suffix == ".md"]
    assert set(PAGES) <= reached


def test_tests_named_on_pages_exist() -> None:
    there = "\n".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    for page in PAGES:
        for name in re.findall(r"`(test_\w+)`", page.read_text()):
            assert f"def {name}(" in there, f"{page}: {name}"


def test_pages_hold_a_reason_for_every_decision() -> None:
    for page in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        text = page.read_text()
        for head in ("## What", "## Why", "## What is lost"):
            assert head in text, f"{page}: {head}"


def test_the_page_of_the_command_line_names_every_command_and_option() -> None:
    typer = pytest.importorskip("typer")
    group = typer.main.get_command(importlib.import_module("anymax.cli.app").app)
    text = (ROOT / "docs" / "command-line.md").read_text()
    wanted = set()
    for name, command in group.commands.items():
        assert f"anymax {name}" in text
        for parameter in command.params:
            wanted |= {*parameter.opts, *parameter.secondary_opts}
    wanted = {option for option in wanted if option.startswith("--")}
    named = set(re.findall(r"--[a-z][a-z0-9-]*", text))
    assert named <= wanted | {"--help", "--version", "--json"}
    assert wanted - {"--help"} <= named


def test_seed_number_of_the_readme_is_right() -> None:
    J = am.Softmax().jacobian([1.0, 2.0]).dense()
    assert f"{J[0, 0]:.8f}" == "0.19661193"
    assert "0.19661193" in (ROOT / "docs" / "questions.md").read_text()


def maker() -> ModuleType:
    """tools/make_pages.py as a module."""
    if str(TOOLS) not in sys.path:
        sys.path.insert(0, str(TOOLS))
    return importlib.import_module("make_pages")
