"""Forked processes, the interpreter's end, and what is set for the whole process."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

SANITIZED = os.environ.get("ANYMAX_SANITIZED")
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
# The allocator of AddressSanitizer takes no locks of its own before a fork (g++ 12), so
# that a child waits for ever if another thread was allocating. The C library's does.
OTHERS_ALLOCATE = pytest.mark.skipif(
    SANITIZED == "address", reason="the sanitizer's allocator does not outlive a fork"
)
RUNS = 4 if SANITIZED else 25

WORK = """
import os, threading, time
import numpy as np
import anymax as am

z = np.random.default_rng(0).normal(size=(400, 500)).astype(np.float32)
labels = np.random.default_rng(1).integers(500, size=400)
pair = am.Pair(am.Softmax(), am.CrossEntropy())

def learned():
    net = am.Chain(am.Dense(64), am.ReLU(), am.Dense(5), am.Softmax())
    am.fit(net, am.CrossEntropy(), z[:, :30], labels % 5, epochs=2, verbose=0)
    return net.predict(z[:, :30])

def work():
    value, gradient = pair.value_and_gradient(z, labels)
    return [am.softmax(z), np.asarray(value), gradient, am.sparsemax(z[:50])]

wanted, prediction = work(), learned()

def right():
    same = all(np.array_equal(a, b) for a, b in zip(work(), wanted, strict=True))
    return same and np.array_equal(learned(), prediction)

def in_children(count):
    for _ in range(count):
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if right() else 3)
            finally:
                os._exit(4)
        assert os.waitpid(child, 0)[1] == 0, "the child failed"
"""


def run(code: str, **variables: str) -> str:
    """What a new interpreter prints after WORK; it must end well and say nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORK + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=100,
        env=os.environ | variables,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@FORKS
def test_a_forked_child_and_its_parent_go_on():
    assert run("in_children(10); print(right())") == "True\n"


@OTHERS_ALLOCATE
@FORKS
@pytest.mark.parametrize("threads", ["2", "4"])
def test_a_fork_while_another_thread_is_in_the_pool(threads):
    code = """
    over = threading.Event()
    def busy():
        while not over.is_set():
            work()
    threads = [threading.Thread(target=busy) for _ in range(2)]
    for each in threads:
        each.start()
    in_children(12)
    over.set()
    for each in threads:
        each.join()
    print(right())
    """
    assert run(code, ANYMAX_NUM_THREADS=threads) == "True\n"


@OTHERS_ALLOCATE
@FORKS
def test_a_fork_while_another_thread_trains():
    code = """
    over = threading.Event()
    def busy():
        while not over.is_set():
            learned()
    thread = threading.Thread(target=busy)
    thread.start()
    in_children(12)
    over.set()
    thread.join()
    print(right())
    """
    assert run(code) == "True\n"


@FORKS
def test_a_pool_of_forked_processes():
    code = """
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(all(pool.starmap(right, [()] * 6)))
    """
    assert run(code) == "True\n"


@FORKS
def test_a_child_of_a_child():
    code = """
    child = os.fork()
    if child == 0:
        right()
        in_children(2)
        os._exit(0)
    print(os.waitpid(child, 0)[1], right())
    """
    assert run(code) == "0 True\n"


@pytest.mark.parametrize("what", ["work", "learned"])
def test_daemon_threads_at_the_end_of_the_interpreter(what):
    code = f"""
    def busy():
        while True:
            {what}()
    for _ in range(3):
        threading.Thread(target=busy, daemon=True).start()
    time.sleep(np.random.default_rng().uniform(0.01, 0.05))
    print("end")
    """
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, [code] * RUNS)) == ["end\n"] * RUNS


def test_the_thread_settings_of_others_stay_as_they_are():
    pytest.importorskip("threadpoolctl")
    code = """
    import scipy.linalg
    from threadpoolctl import threadpool_info, threadpool_limits

    def settings():
        return {each["filepath"]: each["num_threads"] for each in threadpool_info()}

    def ours(path):
        return "scipy_openblas32" in path

    before = {path: n for path, n in settings().items() if not ours(path)}
    am.set_num_threads(1)
    learned()
    am.set_num_threads(3)
    learned(), work()
    after = settings()
    print(len(before) > 0, before == {path: after[path] for path in before})
    with threadpool_limits(1):
        print(right())
    print(before == {path: n for path, n in settings().items() if not ours(path)})
    """
    assert run(code).splitlines() == ["True True", "True", "True"]


def test_importing_and_training_change_nothing_in_the_process():
    code = """
    import json, os, signal, sys, threading
    import numpy as np
    import scipy.linalg, sklearn.datasets
    from threadpoolctl import threadpool_info

    tiny = np.float32(1e-40)

    def found():
        return {
            "environment": dict(os.environ),
            "signals": [str(signal.getsignal(s)) for s in signal.valid_signals()],
            "errors": np.geterr(),
            "printing": str(np.get_printoptions()),
            "recursion": sys.getrecursionlimit(),
            "subnormal": bool(tiny * np.float32(1) > 0),
            "rounding": float(np.float32(1) / np.float32(3)),
            "threads": [each.name for each in threading.enumerate()],
            "pools": {
                each["filepath"]: each["num_threads"]
                for each in threadpool_info()
                if "scipy_openblas32" not in each["filepath"]
            },
            "own BLAS": "scipy_openblas32" in sys.modules,
            "scipy": "scipy.linalg" in sys.modules,
        }

    before = found()
    """
    after = """
    now = found()
    print([name for name in before if before[name] != now[name]])
    """
    pytest.importorskip("threadpoolctl")
    program = textwrap.dedent(code) + WORK + "right()\n" + textwrap.dedent(after)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100
    )
    assert done.stdout == "[]\n", done.stderr
