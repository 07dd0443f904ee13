"""What every script of benchmarks/ does with its table."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from math import prod

from rich.console import Console

from anymax.benchmarking import imports
from anymax.benchmarking.report import Record, console, everybody, record, shown
from anymax.benchmarking.running import Runner
from anymax.benchmarking.table import Table

ROUNDS, SECONDS = 5, 0.1
FEW = 200_000  # the logits, or the weights, of what --short still runs


def arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options of all scripts."""
    parser.add_argument("--short", action="store_true", help="small shapes, 2 rounds")
    parser.add_argument("--rows", metavar="WORD", help="the rows that name it")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a block")
    parser.add_argument("--no-compile", action="store_true", help="no torch.compile")
    parser.add_argument("--json", metavar="FILE", help="append the rows, one a line")
    asked = parser.parse_args()
    if asked.short:
        asked.rounds, asked.seconds = min(asked.rounds, 2), min(asked.seconds, 0.02)
    return asked


def main(table: Table) -> None:
    """One table, printed."""
    asked = arguments(argparse.ArgumentParser(description=table.title))
    printed(table, run(table, asked))


def run(table: Table, asked: argparse.Namespace) -> list[Record]:
    """The rows that were asked for."""
    if table.name == "imports":
        found = imports.records(asked.rounds, peers=not asked.short)
    else:
        found = measured(chosen(table, asked), asked)
    if asked.json:
        with open(asked.json, "a") as file:
            for each in found:
                print(json.dumps({"table": table.name, **each}), file=file)
    return found


def measured(table: Table, asked: argparse.Namespace) -> list[Record]:
    """Everybody on every case."""
    notes = Console(stderr=True, highlight=False)
    with Runner(
        rounds=asked.rounds,
        seconds=asked.seconds,
        compiled=not (asked.no_compile or asked.short),
        say=notes.print,
    ) as runner:
        return [record(row) for row in runner.run(table)]


def chosen(table: Table, asked: argparse.Namespace) -> Table:
    """The table without the rows that were not asked for."""
    cases = table.cases
    if asked.rows:
        cases = tuple(each for each in cases if asked.rows in each.work.label)
    if asked.short:
        cases = tuple(each for each in cases if size(each.work.shape) <= FEW)
    return replace(table, cases=cases)


def size(shape: tuple[int, ...]) -> int:
    """Logits of (rows, n); for a network more than its weights, which will do."""
    return prod(shape[:2])


def printed(table: Table, records: list[Record]) -> None:
    """Goals, everybody's time, remarks."""
    out = console()
    out.print(shown(table.title, records))
    print(f"\n{everybody(records)}\n")
    for each in records:
        for said in each["remarks"]:
            print(f"{each['work']}: {said}")
