"""What it costs to have anymax: the time of its import, the size of its files."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import anymax
from anymax.benchmarking.environment import THREADS, variables
from anymax.benchmarking.libraries import missing

TIMED = (
    "import time, numpy; start = time.perf_counter(); import {name}; "
    "print(time.perf_counter() - start)"
)
FIRST = "anymax; anymax.softmax(numpy.ones((2, 3)))"  # names come when asked for
MODULES = {
    "anymax and a first softmax": FIRST,
    "torch": "torch",
    "jax": "jax",
    "onnxruntime": "onnxruntime",
    "sklearn": "sklearn.neural_network",
}
PEERS = ("torch", "jax", "onnxruntime", "sklearn")
BUILT = (".so", ".pyd", ".dylib")
MEGA = 1 << 20


def seconds(name: str) -> float:
    """The import in a new process that has NumPy already."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(name=name)],
        env=variables(THREADS, {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def built() -> int:
    """The bytes of the compiled files of ours, wherever they were installed."""
    places = {Path(anymax.__file__).parent}
    core = find_spec("anymax._core")
    if core is not None and core.origin:
        places.add(Path(core.origin).parent)
    files = {path.resolve() for place in places for path in place.rglob("*")}
    return sum(path.stat().st_size for path in files if path.suffix in BUILT)


def records(rounds: int = 5, *, peers: bool = True) -> list[dict[str, Any]]:
    """Two rows: milliseconds beyond NumPy's own, and megabytes."""
    others = [name for name in PEERS if peers and not missing(name)]
    ours = ("anymax", "anymax and a first softmax")
    took: dict[str, list[float]] = {name: [] for name in (*ours, *others)}
    for turn in range(rounds + 1):
        for name, found in took.items():
            spent = seconds(MODULES.get(name, name))
            if turn:  # the first reads the files from the disk
                found.append(spent)
    own = [1000 * each for each in took["anymax"]]
    size = built()
    return [
        {
            "work": "import beyond NumPy's own",
            "ours": {name: median(took[name]) for name in ours},
            "peers": {
                name: {"seconds": median(took[name]), "rounds": rounds, "tuned": False}
                for name in others
            },
            "limit": None,
            "fraction": None,
            "goals": [
                goal("NumPy alone", "ms", median(own), 40, 15, (min(own), max(own)))
            ],
            "remarks": [],
        },
        {
            "work": "size of the compiled files",
            "ours": {},
            "peers": {},
            "limit": None,
            "fraction": None,
            "goals": [goal("nothing", "MB", size / MEGA, 5, 1)] if size else [],
            "remarks": [] if size else ["nothing is compiled: NumPy only"],
        },
    ]


def goal(
    against: str,
    unit: str,
    value: float,
    must: float,
    aim: float,
    spread: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """An upper bound with what came of it."""
    low, high = spread or (value, value)
    verdict = "aim" if value <= aim else "must" if value <= must else "missed"
    return {
        "ours": "anymax",
        "against": against,
        "peer": against,
        "unit": unit,
        "value": value,
        "low": low,
        "high": high,
        "must": must,
        "aim": aim,
        "at_most": True,
        "verdict": verdict,
    }
