"""What was found, as records for JSON, as Markdown and as a table in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from anymax.benchmarking.running import Reached, Row

Record = dict[str, Any]
HEADS = ("work", "anymax", "best peer", "its time", "ratio", "range", "of the limit")
WIDTH = 160
GOALS = ("must", "aim", "reached")


def record(row: Row) -> Record:
    """A row by names and numbers; times in seconds a call."""
    return {
        "work": row.case.work.label,
        "ours": {name: times.median for name, times in row.ours.items()},
        "peers": {
            name: {
                "seconds": times.median,
                "rounds": len(times.rounds),
                "tuned": name in row.tuned,
            }
            for name, times in row.peers.items()
        },
        "limit": row.limit,
        "fraction": row.fraction,
        "goals": [_goal(each) for each in row.reached],
        "remarks": row.remarks,
    }


def _goal(reached: Reached) -> Record:
    goal, ratio = reached.goal, reached.ratio
    return {
        "ours": goal.ours,
        "against": goal.against,
        "peer": reached.peer,
        "unit": "x",
        "value": ratio.median,
        "low": ratio.low,
        "high": ratio.high,
        "must": goal.must,
        "aim": goal.aim,
        "at_most": goal.at_most,
        "verdict": reached.verdict,
    }


# ---- cells


def time(seconds: float | None) -> str:
    """Three digits with the unit that fits.

    >>> time(6.84e-7), time(0.0123), time(2.5), time(None)
    ('0.684 us', '12.3 ms', '2.50 s', '')
    """
    if seconds is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            return f"{digits(seconds / size)} {unit}"
    return ""


def digits(number: float) -> str:
    """Three that mean something.

    >>> digits(0.684), digits(12.34), digits(1234.0)
    ('0.684', '12.3', '1234')
    """
    for bound, places in ((1, 3), (10, 2), (100, 1)):
        if abs(number) < bound:
            return f"{number:.{places}f}"
    return f"{number:.0f}"


def amount(goal: Record, number: float | None) -> str:
    """A number of a goal in its unit."""
    return "" if number is None else f"{digits(number)}{_unit(goal)}"


def wanted(goal: Record, number: float | None) -> str:
    """A bound of a goal: the least, or the most."""
    if number is None:
        return ""
    return f"{'at most ' if goal['at_most'] else ''}{number:g}{_unit(goal)}"


def _unit(goal: Record) -> str:
    unit: str = goal["unit"]
    return unit if unit == "x" else f" {unit}"


def lines(record: Record) -> Iterable[list[str]]:
    """The cells of a record, a line a goal, without what was wanted."""
    fraction = record["fraction"]
    limit = "" if fraction is None else f"{100 * fraction:.0f} %"
    for goal in record["goals"]:
        peer, own = record["peers"].get(goal["peer"]), record["ours"].get(goal["ours"])
        other = peer["seconds"] if peer else record["ours"].get(goal["peer"])
        said = goal["peer"]
        if goal["against"].startswith("installed"):
            said += ", as installed"
        who = "" if goal["ours"] == "anymax" else f", {goal['ours']}"
        between = f"{digits(goal['low'])}-{digits(goal['high'])}"
        yield [
            record["work"] + who,
            time(own),
            said,
            time(other),
            amount(goal, goal["value"]),
            between,
            limit,
        ]


# ---- tables


def markdown(records: list[Record]) -> str:
    """Two tables: the goals, then everybody's time."""
    rows = [
        [*cells, wanted(goal, goal["must"]), wanted(goal, goal["aim"]), goal["verdict"]]
        for each in records
        for cells, goal in zip(lines(each), each["goals"], strict=True)
    ]
    parts = [grid([*HEADS, *GOALS], rows), everybody(records)]
    remarks = [f"- {r['work']}: {said}" for r in records for said in r["remarks"]]
    return "\n\n".join([part for part in (*parts, "\n".join(remarks)) if part]) + "\n"


def everybody(records: list[Record]) -> str:
    """The time of every contestant; (1) behind those that sat out after a round."""
    names = list(
        dict.fromkeys(n for each in records for n in (*each["ours"], *each["peers"]))
    )
    if not names:
        return ""
    rows = [
        [each["work"], *(_took(each, name) for name in names), time(each["limit"])]
        for each in records
        if each["ours"]
    ]
    return grid(["", *names, "limit"], rows)


def _took(each: Record, name: str) -> str:
    if name in each["ours"]:
        return time(each["ours"][name])
    peer = each["peers"].get(name)
    if peer is None:
        return ""
    most = max(other["rounds"] for other in each["peers"].values())
    once = f" ({peer['rounds']})" if peer["rounds"] < most else ""
    return time(peer["seconds"]) + once


def grid(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    texts = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in texts)


def console() -> Console:
    """Stdout; wide enough for a table where it is not a terminal."""
    made = Console(highlight=False, soft_wrap=True)
    return made if made.is_terminal else Console(highlight=False, width=WIDTH)


def shown(title: str, records: list[Record], *, goals: bool = True) -> Grid:
    """The same for a terminal."""
    table = Grid(title=title, title_justify="left", title_style="bold", box=None)
    for head in (*HEADS, *(GOALS if goals else ())):
        words = head in ("work", "best peer", "reached")
        table.add_column(head, justify="left" if words else "right", no_wrap=not words)
    for each in records:
        for cells, goal in zip(lines(each), each["goals"], strict=True):
            must, aim = wanted(goal, goal["must"]), wanted(goal, goal["aim"])
            table.add_row(*cells, *((must, aim, goal["verdict"]) if goals else ()))
    return table
