"""All tables, or one of them, into RESULTS.md: python benchmarks/run.py --only NAME.

What is found goes to results.json, a table at a time, and RESULTS.md is written from
it; the text behind its marker is by hand and stays. With --short nothing is written.
"""

import argparse
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import alternating
import imports
import pairs
import predict
import softmax_cross_entropy
import softmax_forward
import softmax_vjp
import sparse
import squared_error
import training

from anymax.benchmarking.environment import THREADS, machine, ours, versions
from anymax.benchmarking.report import Record, markdown
from anymax.benchmarking.script import arguments, printed, run
from anymax.benchmarking.table import Table

HERE = Path(__file__).parent
KEPT, RESULTS = HERE / "results.json", HERE / "RESULTS.md"
MARKER = "<!-- by hand from here on -->"
TABLES = {
    module.TABLE.name: module.TABLE
    for module in (
        *(softmax_forward, softmax_vjp, softmax_cross_entropy, squared_error, pairs),
        *(sparse, training, predict, alternating, imports),
    )
}
INTRODUCTION = """\
# Results

Written by `python benchmarks/run.py`. Every time is the median of one call; a ratio is
how many times longer the best peer takes, the median over rounds in which everybody had
a turn, with the range of the rounds. "out", "bound" and "memory kept" are peers that
were handed their memory or an allocator that keeps it; all others are as one installs
them. A number in brackets: so many rounds only, since its shortest time was more than
2.5 times that of the best. "Of the limit" is the time that copying the same bytes, or
multiplying the same matrices at the peak rate, takes on this machine in the same
rounds, over ours.
"""


def main() -> None:
    """Run what was asked for; write unless it was the short form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=TABLES, metavar="NAME", action="append")
    parser.add_argument("--render", action="store_true", help="write RESULTS.md alone")
    asked = arguments(parser)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in () if asked.render else asked.only or TABLES:
        records = run(TABLES[name], asked)
        printed(TABLES[name], records)
        if not asked.short:
            now = facts(name, asked)
            found = [{**each, "date": now["date"]} for each in records]
            old = kept.get(name, {}).get("records", []) if asked.rows else []
            kept[name] = {**now, "records": merged(TABLES[name], old, found)}
            KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    if not asked.short:
        RESULTS.write_text(page(kept))


def merged(table: Table, old: list[Record], new: list[Record]) -> list[Record]:
    """The new rows, and the old ones that were not run again, in the table's order."""
    found = {each["work"]: each for each in (*old, *new)}
    order = [case.work.label for case in table.cases] or list(found)
    return [found[label] for label in order if label in found]


def facts(name: str, asked: argparse.Namespace) -> Record:
    """When, where, of what and how."""
    rows = f" --rows '{asked.rows}'" if asked.rows else ""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": machine(),
        "kernels": ours(),
        "threads": THREADS,
        "rounds": asked.rounds,
        "command": f"python benchmarks/run.py --only {name}{rows}",
        "versions": versions(),
    }


def commit() -> str:
    """The commit that is checked out, with a + where files differ from it."""
    said = ["git", "describe", "--always", "--dirty=+"]
    done = subprocess.run(said, cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def page(kept: dict[str, Record]) -> str:
    """RESULTS.md, with what stands behind its marker."""
    parts = [INTRODUCTION]
    for name, table in TABLES.items():
        if name in kept:
            parts.append(section(table.title, kept[name]))
    old = RESULTS.read_text() if RESULTS.exists() else MARKER
    return "\n".join(parts) + f"\n{MARKER}{old.partition(MARKER)[2] or WHERE}"


def section(title: str, found: Record) -> str:
    """A heading, the circumstances, the tables."""
    named = ", ".join(f"{name} {said}" for name, said in found["versions"].items())
    where = f"{found['date']}, commit {found['commit']}, {found['rounds']} rounds, "
    where += f"{found['threads']} threads, {found['machine']}, {found['kernels']}"
    others = {r["date"]: r["work"] for r in found["records"]}
    others.pop(found["date"], None)
    if others:
        where += f" (other rows: {', '.join(others)})"
    head = f"## {title}\n\n`{found['command']}`: {where}; {named}.\n"
    return f"{head}\n{markdown(found['records'])}"


WHERE = "\n\n## Where the time goes\n\nNothing is written here yet.\n"

if __name__ == "__main__":
    main()
