"""Write the tables of docs/checker.md: python tools/checker_page.py [--check].

Every planted mistake and every right implementation is checked anew; the page says
what was found. With --check nothing is written, and the status is 1 if the page is
stale.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from anymax.checking.check import check  # noqa: E402
from conventions import right  # noqa: E402
from planted import Plant, planted  # noqa: E402
from published import SOURCES  # noqa: E402

PAGE = ROOT / "docs" / "checker.md"


def first(plant: Plant) -> str:
    """The code of the first finding."""
    report = check(plant.thing, **plant.options)
    return report.findings[0].code if report.findings else "none"


def planted_table() -> list[str]:
    """A row for each code: where it was planted, and what else was found instead."""
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for plant in planted():
        rows[plant.code].append((plant.where, first(plant)))
    every = [(code, found) for code, said in rows.items() for _, found in said]
    good = sum(code == found for code, found in every)
    lines = [
        f"{good} of {len(every)} planted mistakes, of {len(rows)} kinds, are named "
        f"first; {sum(found == 'none' for _, found in every)} are called right.",
        "",
        "| planted | in | named first |",
        "| --- | --- | --- |",
    ]
    for code, said in rows.items():
        where = "; ".join(
            name if found == code else f"{name} (found: {found})"
            for name, found in said
        )
        count = sum(found == code for _, found in said)
        lines.append(f"| `{code}` | {where} | {count} of {len(said)} |")
    return lines


def published_table() -> list[str]:
    """A row for each published mistake."""
    lines = ["| published | first finding |", "| --- | --- |"]
    lines += [f"| {name} | `{first(plant)}` |" for name, plant in SOURCES.items()]
    return lines


def right_table() -> list[str]:
    """How many right implementations there are, and those with a finding."""
    found = [(each.name, check(each.thing, **each.options)) for each in right()]
    alarms = [name for name, report in found if not report.ok]
    theirs = [name for name, _ in found if not name.startswith(("am.", "Pair("))]
    lines = [
        f"{len(found)} right implementations, {len(found) - len(theirs)} of them "
        f"anymax's own: {len(alarms) or 'no'} false alarms.",
        "",
        ", ".join(f"`{name}`" for name in theirs) + ".",
    ]
    return lines + [f"- false alarm: {name}" for name in alarms]


def made(text: str) -> str:
    """The page with its tables made anew, between their comments."""
    tables = {
        "planted": planted_table,
        "published": published_table,
        "right": right_table,
    }
    for name, table in tables.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        body = "\n".join(table())
        text = re.sub(pattern, lambda m, b=body: f"{m[1]}{b}\n{m[2]}", text, flags=re.S)
    return text


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is stale."""
    old = PAGE.read_text()
    new = made(old)
    if arguments == ["--check"]:
        if old != new:
            print("docs/checker.md is stale: run python tools/checker_page.py")
        return int(old != new)
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
