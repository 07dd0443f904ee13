"""The method of the benchmarks on made-up times, their tables, and anymax bench."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anymax.benchmarking import inputs
from anymax.benchmarking.environment import UNSET, variables
from anymax.benchmarking.libraries import NEEDED
from anymax.benchmarking.method import Ratio, Times, best, compete, ratio
from anymax.benchmarking.operation import Operation, fingerprint
from anymax.benchmarking.peers.machine import SIDE, least
from anymax.benchmarking.process import Failed, Process, Setting
from anymax.benchmarking.report import digits, lines, markdown, record
from anymax.benchmarking.running import Reached, Row, Runner, judged
from anymax.benchmarking.short import SHORT
from anymax.benchmarking.table import OURS, Case, Goal, Table, peers, settings
from anymax.benchmarking.work import ROWS, Work

SCRIPTS = Path(__file__).parents[1] / "benchmarks"
WORK = Work("softmax", (6, 10))


class Fake:
    """A contestant that takes a known time, and notes when it had its turn."""

    def __init__(self, name: str, seconds: float, log: list[str], stays: bool = False):
        self.name, self.seconds, self.log, self.stays = name, seconds, log, stays

    def block(self, seconds: float) -> list[float]:
        self.log.append(self.name)
        return [self.seconds, self.seconds * 3, self.seconds * 2]


class Lost(Fake):
    """One whose process ends in the second round."""

    def block(self, seconds: float) -> list[float]:
        if super().block(seconds) and len(self.log) > 1:
            self.failed = True
            raise Failed("out of memory")
        return [self.seconds]


def competed(rounds=3, **options):
    log = []
    fakes = [Fake("a", 2.0, log, stays=True), Fake("b", 1.0, log), Fake("c", 9.0, log)]
    groups = options.pop("groups", [{"b", "c"}])
    pause = options.pop("pause", lambda: log.append("-"))
    return compete(fakes, rounds, 0.1, groups, pause=pause, **options), log


def test_everybody_has_a_turn_in_order_after_a_pause():
    _, log = competed(out=100)
    assert log == ["-", "a", "-", "b", "-", "c"] * 3


def test_a_hopeless_peer_sits_out_after_the_first_round():
    found, log = competed(pause=lambda: None)
    assert log == ["a", "b", "c", "a", "b", "a", "b"]
    assert [len(found[name].rounds) for name in "abc"] == [3, 3, 1]


def test_the_best_of_any_group_stays():
    _, log = competed(pause=lambda: None, groups=[{"b", "c"}, {"c"}])
    assert log == ["a", "b", "c"] * 3


def test_three_rounds_are_enough_where_they_take_long():
    _, log = competed(rounds=5, pause=lambda: None, patience=0, out=100)
    assert log == ["a", "b", "c"] * 3


def test_times_are_medians_and_ratios_pair_rounds():
    found, _ = competed(pause=lambda: None)
    assert (found["a"].median, found["a"].least) == (4.0, 2.0)
    assert best({name: found[name] for name in "bc"}) == "b"
    drifting = Times([[1.0, 1.0, 9.0], [10.0], [100.0]])
    other = Times([[3.0], [20.0], [500.0]])
    assert ratio(drifting, other) == Ratio(3.0, 2.0, 5.0)


def test_a_goal_says_whether_it_was_reached():
    row = Row(Case(WORK, (Goal("best", 2.0, 4.0), Goal("installed", 5.0))))
    row.ours, row.tuned = {OURS: Times([[1.0]])}, {"fast out"}
    row.peers = {"slow": Times([[9.0]]), "fast out": Times([[3.0]])}
    first, second = judged(row)
    assert (first.peer, first.ratio.median, first.verdict) == ("fast out", 3.0, "must")
    assert (second.peer, second.ratio.median, second.verdict) == ("slow", 9.0, "must")


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.1, "aim"), (1.3, "must"), (1.6, "missed")]
)
def test_a_bound_from_above(value, verdict):
    goal = Goal("alone", 1.5, 1.15, at_most=True)
    assert Reached(goal, "alone", Ratio(value, value, value)).verdict == verdict
    row = Row(Case(WORK, (goal,)))
    row.ours = {OURS: Times([[value]]), "alone": Times([[1.0]])}
    assert [each.ratio.median for each in judged(row)] == [value]


def test_an_operation_is_timed_without_what_goes_before_it():
    log = []
    made = Operation(lambda: log.append("call"), lambda _: [], lambda: log.append("-"))
    made.prepare(0)
    made.block(0)
    assert log == ["-", "call"] * (len(log) // 2)
    assert made.calls == 1


def test_a_fingerprint_tells_of_values_and_of_order():
    x = np.arange(6.0)
    assert fingerprint([x]) == [pytest.approx(55**0.5), 3.0]
    assert fingerprint([x]) != fingerprint([x[::-1]])


def test_the_processes_are_alike_and_bound_to_no_kernel(monkeypatch):
    for name in UNSET:
        monkeypatch.setenv(name, "Haswell")
    made = variables(2, {"MORE": "1"})
    assert not set(UNSET) & set(made)
    assert {made[f"{n}_NUM_THREADS"] for n in ("OMP", "MKL", "OPENBLAS")} == {"2"}
    assert made["MORE"] == "1"


def test_the_products_of_an_epoch_are_counted():
    work = Work("epoch", (5, 3, 2), batch=32)
    forward = 2 * (5 * 3 + 3 * 2)
    backward = 2 * (5 * 3 + 3 * 2) + 2 * 3 * 2
    assert work.products == ROWS * (forward + backward)


def test_the_limit_is_the_longer_of_copies_and_products():
    work = Work("predict", (784, 128, 10), batch=1)
    share = work.products / (2 * SIDE**3)
    assert least(work, {"copy": [3.0, 2.0], "products": [1.0 / share]}) == 2.0
    assert least(work, {"copy": [0.5], "products": [1.0 / share]}) == pytest.approx(1.0)
    assert least(work, {}) is None


def test_every_table_has_peers_and_goals():
    for table in tables():
        for case in table.cases:
            assert peers(case.work)
            assert settings(case.work)[0].library == OURS
            assert any(goal.must is not None for goal in case.goals), case.work.label


def tables() -> list[Table]:
    """Those of the scripts."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location("run", SCRIPTS / "run.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    scripts = {path.stem for path in SCRIPTS.glob("*.py")} - {"run", "profiled"}
    assert set(module.TABLES) == scripts
    return list(module.TABLES.values())


def test_a_page_is_written_of_records():
    row = Row(Case(WORK, (Goal("best", 2.0, 4.0),)))
    row.ours, row.limit = {OURS: Times([[2e-6]])}, 1e-6
    row.peers = {"a": Times([[8e-6], [8e-6]]), "b": Times([[1.0]])}
    row.reached = [*judged(row)]
    made = record(row)
    assert next(iter(lines(made)))[:4] == ["(6, 10)", "2.00 us", "a", "8.00 us"]
    page = markdown([made])
    assert "| 4.00x | 4.00-4.00 | 50 % | 2x | 4x | aim |" in page
    assert "1.00 s (1)" in page
    assert digits(0.0) == "0.000"


def test_softmax_is_numpys():
    z = inputs.logits(WORK)
    a = np.exp(z.astype(float))
    np.testing.assert_allclose(inputs.softmax(z), a / a.sum(-1, keepdims=True), 1e-5)


# ---- the program


def test_a_process_that_ends_loses_its_own_rows_only():
    work = Work("softmax", (6, 10))
    table = Table("t", "t", (Case(work), Case(work)))
    with Runner(rounds=2, seconds=0.001, pause=0) as runner:
        runner.processes = {
            (name, ""): Process(Setting(name)) for name in ("anymax", "numpy")
        }
        runner.missing = dict.fromkeys(NEEDED, "not asked for")
        numpy = runner.processes["numpy", ""]
        numpy.wait()
        numpy.process.kill()
        numpy.process.wait()
        first, second = runner.run(table)
    assert list(first.peers) == []
    assert first.remarks[0].startswith("numpy: ")
    assert list(second.peers) == ["numpy"]
    assert second.reached[0].ratio.median > 0


def test_one_that_is_lost_in_a_round_is_left_out_of_it():
    lost = Lost("b", 1.0, [])
    row = Row(Case(WORK))
    runner = Runner(rounds=2, pause=0)
    entries = [Fake("a", 2.0, [], stays=True), lost]
    for each in entries:
        each.tuned, each.process, each.failed = False, object(), False
    left, found = runner._competed(row.case, entries, row)
    assert [each.name for each in left] == list(found) == ["a"]
    assert row.remarks == ["b: out of memory"]


def test_a_missing_library_is_left_out_with_a_sentence(monkeypatch):
    monkeypatch.setattr(
        "anymax.benchmarking.running.missing",
        lambda name: ["it"] if name == "jax" else [],
    )
    said = []
    runner = Runner(say=said.append)
    runner.start(each for each in settings(WORK) if each.library == "jax")
    assert said == ["jax is left out: install it."]
    assert runner.missing == {"jax": "needs it"}


def test_bench_gives_a_ratio_row_for_every_table(tmp_path):
    """Beside NumPy alone, which is always there and quickly loaded."""
    code = (
        "import sys; import anymax.cli.app as a; "
        "import anymax.benchmarking.libraries as l; "
        "l.NEEDED.update(dict.fromkeys(l.NEEDED, ('no_such_package',))); "
        "sys.exit(a.run(['bench', '--json', '--rounds', '1']))"
    )
    path = os.pathsep.join(each for each in sys.path if each)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["tables"]
    assert list(found) == [table.name for table in SHORT]
    for table in SHORT:
        for case, each in zip(table.cases, found[table.name], strict=True):
            assert each["ours"]["anymax"] > 0
            if "numpy" in peers(case.work):
                assert each["goals"][0]["value"] > 0, each["work"]
