"""The pool of threads by itself, in C++, compiled here; under sanitizers by
tools/sanitize.sh."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("tests/native/pool_check.cpp", "native/core/pool.cpp")


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
@pytest.mark.skipif("ANYMAX_SANITIZED" in os.environ, reason="tools/sanitize.sh ran it")
def test_every_chunk_is_done_once_by_any_number_of_callers_and_after_forks(tmp_path):
    program = str(tmp_path / "pool_check")
    command = ["g++", "-std=c++20", "-O2", "-Inative", "-pthread", "-o", program]
    subprocess.run([*command, *SOURCES], cwd=ROOT, check=True)
    subprocess.run([program, "fork"], check=True, timeout=120)
