"""The checker names planted and published mistakes, and leaves right ones alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import anymax as am
from anymax.checking.check import CheckError, Report, check
from conventions import right
from planted import planted
from published import SOURCES, SeedSoftmax

ROOT = Path(__file__).parents[1]
PLANTED, RIGHT = planted(), right()
NAMED = {
    "softmax", "log-softmax", "Taylor", "sparsemax", "sigmoid", "tanh", "ReLU",
    "squared error", "cross-entropy", "binary cross-entropy", "Huber",
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTED, ids=lambda p: f"{p.code}, {p.where}")
def test_a_planted_mistake_is_the_first_finding(plant):
    report = check(plant.thing, **plant.options)
    assert [each.code for each in report.findings][:1] == [plant.code], str(report)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("size", [4, 7])
def test_what_is_found_hangs_on_no_seed_and_no_size(size, seed):
    missed, silent = [], []
    for plant in PLANTED[seed::5]:
        found = check(plant.thing, **plant.options, size=size, seed=seed).findings
        if not found:
            silent.append(plant.where)
        elif found[0].code != plant.code:
            missed.append((plant.code, plant.where, found[0].code))
    assert silent == []
    assert len(missed) <= 0.05 * len(PLANTED[seed::5]), missed


def test_there_are_enough_kinds_in_enough_maps_and_losses():
    kinds = defaultdict(set)
    for plant in PLANTED:
        kinds[plant.code].add(plant.where.split(",")[0])
    assert len(kinds) >= 20
    assert all(len(where) >= 3 for where in kinds.values()), kinds
    assert set().union(*kinds.values()) >= NAMED


@pytest.mark.parametrize("each", RIGHT, ids=lambda each: each.name)
def test_a_right_implementation_has_no_finding(each):
    report = check(each.thing, **each.options)
    assert report.ok, str(report)


@pytest.mark.parametrize("seed", [1, 3])
def test_no_false_alarm_with_another_seed(seed):
    alarms = [
        (each.name, str(report))
        for each in RIGHT[seed::4]
        if not (report := check(each.thing, **each.options, seed=seed, size=6)).ok
    ]
    assert alarms == []


def test_at_least_sixty_conventions_are_not_our_own():
    assert sum(not each.name.startswith(("am.", "Pair(")) for each in RIGHT) >= 60


@pytest.mark.parametrize("name", SOURCES)
def test_a_published_mistake_is_named(name):
    plant = SOURCES[name]
    report = check(plant.thing, **plant.options)
    assert [each.code for each in report.findings][:1] == [plant.code], str(report)


# ---- the question that started it


def test_the_softmax_that_is_off_by_one_percent_has_the_diagonal_only():
    report = am.check(SeedSoftmax)
    assert [each.code for each in report.findings] == ["diagonal-only", "unstable"]
    first, second = report.findings
    assert first.fix.startswith(
        "return outgoing * (g - (outgoing * g).sum(-1, keepdims=True))"
    )
    assert 709 < second.evidence["largest |z|"] < 711  # log of the largest float64


def test_the_line_that_mends_it_mends_it():
    class Mended(SeedSoftmax):
        def compute(self, incoming):
            exps = np.exp(incoming - incoming.max(-1, keepdims=True))
            return exps / exps.sum(-1, keepdims=True)

        def delta(self, incoming, outgoing, g):
            return outgoing * (g - (outgoing * g).sum(-1, keepdims=True))

    assert am.check(Mended).ok


def test_width_ten_takes_less_than_a_second():
    start = time.perf_counter()
    am.check(SeedSoftmax, size=10)
    am.check(am.Softmax(), size=10)
    assert time.perf_counter() - start < 2


# ---- the report


def test_a_report_reads_as_text_and_as_json():
    report = am.check(SeedSoftmax)
    assert isinstance(report, Report)
    said = json.loads(report.json())
    assert said["ok"] is False
    first = said["findings"][0]
    assert set(first) == {"code", "message", "evidence", "fix"}
    assert first["code"] == "diagonal-only"
    assert isinstance(first["evidence"]["z"], list)
    text = str(report)
    assert "1. diagonal-only" in text
    assert first["fix"] in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_report_says_how_it_was_read():
    said = {
        "the product with g": lambda a, g: a * (g - (a * g).sum(-1, keepdims=True)),
        "a Jacobian (n, n)": lambda s: np.diagflat(s) - np.outer(s, s),
        "an element-wise derivative": lambda a: a * (1 - a),
    }

    def softmax(z):
        e = np.exp(z - z.max())
        return e / e.sum()

    for kind, derivative in said.items():
        assert kind in am.check(softmax, derivative=derivative).said


def test_factors_are_said():
    def squared(a, y):
        return ((a - y) ** 2).mean()

    report = am.check(squared, derivative=lambda a, y: 2 * (a - y))
    assert [each.code for each in report.findings] == ["batch-factor", "feature-factor"]
    assert report.findings[0].evidence["factor"] == pytest.approx(20)
    assert report.findings[0].fix == "return 2 * (a - y) / a.size"


def test_a_wrong_derivative_says_where():
    report = am.check(
        lambda z: np.where(z > 0, z, 0.25 * z),
        derivative=lambda z: np.where(z > 0, 1, 0.01),
    )
    (found,) = report.findings
    assert found.code == "wrong-derivative"
    assert "wrong for z in" in found.evidence
    assert "right for z in" in found.evidence


# ---- what cannot be checked


class TwoNeeded:
    def __init__(self, one, two):
        pass


@pytest.mark.parametrize(
    ("thing", "options", "said"),
    [
        (np.tanh, {}, "derivative"),
        (object(), {}, "forward"),
        (TwoNeeded, {}, "instance"),
        (lambda z: z * np.nan, {"derivative": lambda z: z}, "NaN"),
        (lambda z: 1 / 0, {"derivative": lambda z: z}, "ZeroDivisionError"),
        (lambda z: z, {"derivative": lambda u, v: 0 * u}, "args"),
        (lambda z: z, {"derivative": lambda g: g, "args": "q"}, "args"),
        (lambda z: z, {"derivative": lambda g: g, "size": 1}, "size"),
        (lambda a, b, c: a, {"derivative": lambda g: g}, "targets"),
        (lambda z: "no", {"derivative": lambda g: g}, "numbers"),
        (am.Matching(), {}, "Pair"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(thing, options, said):
    with pytest.raises(CheckError, match=said) as raised:
        am.check(thing, **options)
    assert isinstance(raised.value, ValueError)


# ---- other libraries


def test_torch_functions_and_modules():
    torch = pytest.importorskip("torch")

    class Diagonal(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            a = torch.softmax(z, -1)
            ctx.save_for_backward(a)
            return a

        @staticmethod
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            return a * (1 - a) * g

    assert am.check(Diagonal).findings[0].code == "diagonal-only"
    linear = torch.nn.Linear(5, 3)
    assert am.check(linear).ok
    assert linear.weight.dtype == torch.float32  # it is not changed
    assert am.check(torch.nn.CrossEntropyLoss()).ok


def test_jax_functions():
    jax = pytest.importorskip("jax")

    @jax.custom_vjp
    def softmax(z):
        return jax.nn.softmax(z)

    softmax.defvjp(lambda z: (softmax(z), softmax(z)), lambda a, g: (a * g,))
    assert am.check(softmax).findings[0].code == "rank-one-missing"
    assert am.check(jax.nn.log_softmax).ok


# ---- our own, wrong on purpose


def test_an_activation_of_ones_own_with_a_wrong_structure():
    class Half(am.Activation):
        """a = tanh z, its derivative halved."""

        def apply(self, z):
            return np.tanh(z)

        def structure(self, z, a):
            return am.Diagonal(a, factor=0.5 * (1 - a**2), bend=-a * (1 - a**2))

    (found,) = am.check(Half()).findings
    assert found.code == "constant-factor"
    net = am.Chain(am.Dense(3), Half(), am.Dense(2), am.Softmax()).build(4)
    objective = am.Objective(net, am.CrossEntropy())
    assert am.check(objective).findings[0].code == "wrong-derivative"


# ---- the program

SEED = '''
import numpy as np
class Softmax:
    def compute(self, incoming):
        exps = np.exp(incoming)
        return exps / exps.sum()
    def delta(self, incoming, outgoing):
        exps = np.exp(incoming)
        others = exps.sum() - exps
        return 1 / (2 + exps / others + others / exps)
def tanh(x):
    return np.tanh(x)
def tanh_grad(x):
    return 1 - np.tanh(x) ** 2
def sixth(u, v):
    return v * (1 - u**2)
class Broken:
    def forward(self, z):
        raise RuntimeError("broken")
    def backward(self, g):
        return g
'''  # fmt: skip


def run(tmp_path, *arguments):
    (tmp_path / "mine.py").write_text(SEED)
    command = [sys.executable, "-m", "anymax", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)


def test_the_program_checks_a_class_in_a_file(tmp_path):
    done = run(tmp_path, "mine.py:Softmax")
    assert done.returncode == 1, done.stderr
    assert "1. diagonal-only" in done.stdout
    done = run(tmp_path, "mine.py:Softmax", "--json", "--size", "10")
    assert json.loads(done.stdout)["findings"][0]["code"] == "diagonal-only"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["mine.py:tanh"], 0, "right"),
        (["mine.py", "--forward", "tanh", "--backward", "tanh_grad"], 0, "right"),
        (["mine.py:tanh", "--backward", "sixth", "--args", "a,g"], 0, "right"),
        (["mine.py:tanh", "--backward", "sixth", "--args", "g,a"], 1, "swapped"),
        (["mine.py:sixth"], 2, "derivative"),
        (["mine.py:Broken"], 2, "broken"),
        (["mine.py:Softmx"], 2, "did you mean Softmax?"),
        (["mine.py"], 2, "needs a name"),
        (["other.py:Softmax"], 2, "no file"),
        (["Softmax"], 2, "FILE.py:NAME"),
        (["mine.py:Softmax", "--size", "1"], 2, "size"),
        (["--help"], 0, "it is run"),
    ],
)
def test_the_program_says_what_it_found_by_its_status(
    tmp_path, arguments, status, said
):
    done = run(tmp_path, *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_the_page_shows_what_is_found():
    command = [sys.executable, ROOT / "tools" / "checker_page.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
