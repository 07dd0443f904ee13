"""Each example runs, prints its score, and reaches what it promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
EXPECTED = {
    "xor": 1.0,
    "spiral": 0.99,
    "digits": 0.97,
    "wine": 0.95,
    "iris": 0.92,
    "breast_cancer": 0.95,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_reaches_its_expected_score(name):
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    score = re.search(r"accuracy: (\S+)$", done.stdout.splitlines()[-1])
    assert float(score[1]) >= EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_states_its_expected_score(name):
    text = (EXAMPLES / f"{name}.py").read_text()
    first = text.split("\n\n")[0]
    assert float(re.search(r"accuracy: ([\d.]*\d)", first)[1]) == EXPECTED[name]


def test_every_example_has_an_expected_score():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(EXPECTED)
