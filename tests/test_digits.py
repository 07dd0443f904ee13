"""The main job: `anymax train digits`, its accuracy with each way to end a network."""

import re
import statistics
import subprocess
import sys

import pytest


def accuracy(*arguments: str) -> float:
    command = [sys.executable, "-m", "anymax", "train", "digits", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    checked = re.search(r"largest relative error (\S+)", done.stdout)
    assert float(checked[1]) < 1e-7
    return float(re.search(r"^test accuracy: (\S+)$", done.stdout, re.M)[1])


def test_defaults_reach_97_percent_as_the_median_over_five_splits():
    found = [accuracy("--seed", str(seed)) for seed in range(5)]
    assert statistics.median(found) >= 0.97


@pytest.mark.parametrize(
    "options",
    [
        ["--loss", "SquaredError"],
        ["--loss", "Focal"],
        ["--loss", "GeneralizedCrossEntropy"],
        ["--output", "Sparsemax", "--loss", "Matching"],
        ["--output", "TaylorSoftmax", "--loss", "CrossEntropy"],
        ["--output", "Sigmoid", "--loss", "BinaryCrossEntropy"],
    ],
    ids=" ".join,
)
def test_other_ways_to_end_reach_95_percent(options):
    assert accuracy(*options) >= 0.95
