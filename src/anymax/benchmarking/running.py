"""Run a table: start processes, see that all compute the same, let them compete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import isclose
from time import sleep
from typing import Any

from anymax.benchmarking.libraries import missing
from anymax.benchmarking.method import PAUSE, Ratio, Times, best, compete, ratio
from anymax.benchmarking.peers.machine import least
from anymax.benchmarking.process import Failed, Process, Setting
from anymax.benchmarking.table import OURS, Case, Goal, Table, settings

LIMIT = "machine"


@dataclass(frozen=True)
class Reached:
    """A goal with what came of it."""

    goal: Goal
    peer: str
    ratio: Ratio

    @property
    def verdict(self) -> str:
        """ "aim", "must", "missed", or nothing where no number was asked for."""
        wanted = [("aim", self.goal.aim), ("must", self.goal.must)]
        asked = [(name, number) for name, number in wanted if number is not None]
        for name, number in asked:
            value = self.ratio.median
            if value <= number if self.goal.at_most else value >= number:
                return name
        return "missed" if asked else ""


@dataclass
class Row:
    """What was found for one case: seconds a call by name, goals, and remarks."""

    case: Case
    ours: dict[str, Times] = field(default_factory=dict)
    peers: dict[str, Times] = field(default_factory=dict)
    tuned: set[str] = field(default_factory=set)
    limit: float | None = None
    reached: list[Reached] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def fraction(self) -> float | None:
        """The least time the machine allows over the time ours takes."""
        if self.limit is None or OURS not in self.ours:
            return None
        return self.limit / self.ours[OURS].median


class Entry:
    """One operation of one process, as a contestant."""

    def __init__(self, process: Process, operation: str, said: dict[str, Any]) -> None:
        self.process, self.operation = process, operation
        self.library = process.setting.library
        self.name = operation + process.setting.suffix
        self.ours, self.limits = self.library == OURS, self.library == LIMIT
        self.stays = self.ours or self.limits
        self.tuned = said["tuned"] or process.setting.tuned
        self.fingerprint: list[float] = said["fingerprint"]
        self.failed = False

    def block(self, seconds: float) -> list[float]:
        """Have it run."""
        try:
            return self.process.block(self.operation, seconds)
        except Failed:
            self.failed = True
            raise


class Runner:
    """Keeps the processes between cases; a context, so that all of them end."""

    def __init__(
        self,
        *,
        rounds: int = 5,
        seconds: float = 0.1,
        pause: float = PAUSE,
        compiled: bool = True,
        patience: float = 90,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.rounds, self.seconds, self.patience = rounds, seconds, patience
        self.pause, self.compiled, self.say = partial(sleep, pause), compiled, say
        self.processes: dict[tuple[str, str], Process] = {}
        self.missing: dict[str, str] = {}

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *wrong: object) -> None:
        for process in self.processes.values():
            process.close()

    def run(self, table: Table) -> Iterator[Row]:
        """The rows, as they come."""
        self.start(each for case in table.cases for each in self._settings(table, case))
        for case in table.cases:
            self.say(f"{table.name}: {case.work.label}")
            self.start(self._settings(table, case))  # those that were lost
            yield self.row(table, case)

    def start(self, wanted: Iterable[Setting]) -> None:
        """Begin all processes at once, so that their imports overlap."""
        for setting in wanted:
            key, absent = (setting.library, setting.suffix), missing(setting.library)
            if absent and setting.library not in self.missing:
                self.missing[setting.library] = f"needs {' and '.join(absent)}"
                self.say(f"{setting.library} is left out: install {', '.join(absent)}.")
            if key not in self.processes and setting.library not in self.missing:
                self.processes[key] = Process(setting)
        for key, process in list(self.processes.items()):
            try:
                process.wait()
            except Failed as wrong:
                self.lose(key, str(wrong))

    def lose(self, key: tuple[str, str], reason: str) -> None:
        """Leave a library out from now on, since it cannot be loaded."""
        if key[0] == OURS:
            raise RuntimeError(f"anymax cannot be loaded: {reason}")
        self.processes.pop(key).close()
        self.missing[key[0]] = reason
        self.say(f"{key[0]} is left out: {reason}")

    def row(self, table: Table, case: Case) -> Row:
        """One case: prepare everybody, compare results, compete."""
        row = Row(case)
        entries = [*self._prepared(table, case, row)]
        entries = [*_agreeing(entries, table.tolerance, row)]
        self.say(f"{table.name}: {case.work.label}: {self.rounds} rounds")
        entries, found = self._competed(case, entries, row)
        for process in self._of(table, case):
            if not self._dropped(process):
                del self.processes[process.setting.library, process.setting.suffix]
        limits: dict[str, list[float]] = {}
        for each in entries:
            if each.limits:
                limits.setdefault(each.operation, []).append(found[each.name].least)
        row.limit = least(case.work, limits)
        for each in entries:
            if not each.limits:
                (row.ours if each.ours else row.peers)[each.name] = found[each.name]
                if each.tuned:
                    row.tuned.add(each.name)
        row.reached = [*judged(row)]
        return row

    def _competed(
        self, case: Case, entries: list[Entry], row: Row
    ) -> tuple[list[Entry], dict[str, Times]]:
        """All who come through, with their times; from the start if one is lost."""
        try:
            teams = groups(case, entries)
            return entries, compete(
                entries, self.rounds, self.seconds, teams, pause=self.pause
            )
        except Failed as wrong:
            lost = next(each for each in entries if each.failed)
            row.remarks.append(f"{lost.name}: {wrong}")
            rest = [each for each in entries if each.process is not lost.process]
            return self._competed(case, rest, row)

    def _dropped(self, process: Process) -> bool:
        """Whether it could still be told to."""
        try:
            process.drop()
        except Failed:
            process.close()
            return False
        return True

    def _settings(self, table: Table, case: Case) -> list[Setting]:
        return [*settings(case.work, compiled=self.compiled), *table.extra]

    def _of(self, table: Table, case: Case) -> list[Process]:
        keys = [(each.library, each.suffix) for each in self._settings(table, case)]
        return [self.processes[key] for key in keys if key in self.processes]

    def _prepared(self, table: Table, case: Case, row: Row) -> Iterator[Entry]:
        for process in self._of(table, case):
            setting = process.setting
            name = setting.library + setting.suffix
            self.say(f"{table.name}: {case.work.label}: {name} begins")
            try:
                process.prepare(case.work)
                # one by one: the waiting threads of several would stand in their way
                answer = process.receive(self.patience)
            except Failed as wrong:
                row.remarks.append(f"{name}: {wrong}")
                if process.process.poll() is not None:
                    del self.processes[setting.library, setting.suffix]
                continue
            for operation, said in answer["operations"].items():
                yield Entry(process, operation, said)


def _agreeing(entries: list[Entry], tolerance: float, row: Row) -> Iterator[Entry]:
    """Those whose results are ours; the others are named and left out."""
    ours = next((each for each in entries if each.ours), None)
    for each in entries if ours else ():
        if each.limits or _same(each, ours, tolerance):
            yield each
        else:
            row.remarks.append(f"{each.name}: its results are not ours")


def _same(one: Entry, other: Entry | None, tolerance: float) -> bool:
    """Whether two fingerprints tell of the same results."""
    if other is None or len(one.fingerprint) != len(other.fingerprint):
        return False
    both = zip(one.fingerprint, other.fingerprint, strict=True)
    return all(isclose(a, b, rel_tol=tolerance) for a, b in both)


def judged(row: Row) -> Iterator[Reached]:
    """Each goal with the best of the peers it means."""
    for goal in row.case.goals:
        against = {
            name: row.peers[name] for name in row.peers if meant(goal, name, row.tuned)
        }
        if goal.at_most:
            against = {
                name: row.ours[name] for name in row.ours if name == goal.against
            }
        if against and goal.ours in row.ours:
            name = best(against)
            own, other = row.ours[goal.ours], against[name]
            if goal.at_most:
                own, other = other, own
            yield Reached(goal, name, ratio(own, other))


def meant(goal: Goal, name: str, tuned: set[str]) -> bool:
    """Whether a goal compares with the peer of that name."""
    group, _, names = goal.against.rpartition(":")
    if goal.against in ("best", "installed"):
        group, names = goal.against, ""
    if group == "installed" and name in tuned:
        return False
    return not names or name.startswith(tuple(names.split(",")))


def groups(case: Case, entries: list[Entry]) -> list[set[str]]:
    """For each goal the peers it compares with."""
    peers = {each.name for each in entries if not each.stays}
    tuned = {each.name for each in entries if each.tuned}
    return [{name for name in peers if meant(goal, name, tuned)} for goal in case.goals]
