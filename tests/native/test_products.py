"""Matrix products against exact integers, with and without OpenBLAS."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest

from anymax import kernels

pytestmark = pytest.mark.skipif(kernels.core is None, reason="needs the native module")

SIZES, ARRAY, FLAG = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_bool


class Onto(ctypes.Structure):
    _fields_ = (("at", ARRAY), ("ld", SIZES))


PRODUCT = ctypes.CFUNCTYPE(None, FLAG, FLAG, *[SIZES] * 3, *[ARRAY, SIZES] * 3, Onto)
WAYS = ("nothing", "itself", "row")  # that a product is added onto


def product(turn_a, turn_b, sizes, a, b, c, onto=None):
    """The native product on arrays that may be wider than what is used of them, added
    onto an array of C's shape or of one row."""
    at = kernels.core.tables()[f"product_{a.dtype.name}"]
    pairs = [each for x in (a, b, c) for each in (x.ctypes.data, x.shape[1])]
    start = Onto(None, 0)
    if onto is not None:
        start = Onto(onto.ctypes.data, onto.shape[1] if len(onto) > 1 else 0)
    PRODUCT(at)(turn_a, turn_b, *sizes, *pairs, start)


def whole(rng, shape, spare, dtype):
    """Small whole numbers, beside columns of NaN that nobody may touch."""
    array = np.full((shape[0], shape[1] + spare), np.nan, dtype)
    array[:, : shape[1]] = rng.integers(-3, 4, shape)
    return array


def check(rng, sizes, turn_a, turn_b, way, dtype):
    """One product; whole numbers leave no rounding."""
    m, n, k = sizes
    a = whole(rng, (k, m) if turn_a else (m, k), int(rng.integers(5)), dtype)
    b = whole(rng, (n, k) if turn_b else (k, n), int(rng.integers(5)), dtype)
    c = whole(rng, (m, n), int(rng.integers(5)), dtype)
    onto = {"nothing": None, "itself": c, "row": whole(rng, (1, n), 0, dtype)}[way]
    used_a, used_b = a[:, : m if turn_a else k], b[:, : k if turn_b else n]
    expected = c.copy()
    expected[:, :n] = (used_a.T if turn_a else used_a) @ (
        used_b.T if turn_b else used_b
    ) + (0 if onto is None else onto[:, :n])
    if onto is not c:
        c[:, :n] = np.nan
    product(turn_a, turn_b, sizes, a, b, c, onto)
    np.testing.assert_array_equal(c, expected, f"{sizes} {turn_a} {turn_b} {way}")


def check_many(rng, dtype):
    """All kinds of shapes: few rows, tails of vectors, panels deeper than one."""
    for top, count in ((40, 400), (150, 60), (700, 12)):
        for number in range(count):
            sizes = rng.integers(1, top, 3)
            if number % 3 < 2:
                sizes[number % 3] = rng.integers(1, 20)
            turns = (bool(flag) for flag in rng.integers(0, 2, 2))
            way = WAYS[int(rng.integers(3))]
            check(rng, tuple(map(int, sizes)), *turns, way, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_whole_numbers_are_exact(dtype):
    check_many(np.random.default_rng(0), dtype)


@pytest.mark.parametrize("sizes", [(0, 3, 3), (3, 0, 3), (3, 3, 0), (1, 1, 1)])
@pytest.mark.parametrize("way", WAYS)
def test_a_product_may_be_empty(sizes, way):
    check(np.random.default_rng(0), sizes, False, False, way, "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(31, 50, 130), (3, 200, 17), (65, 9, 700)])
def test_products_of_any_numbers_are_as_numpy_says(sizes, dtype):
    rng = np.random.default_rng(1)
    m, n, k = sizes
    a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    c = np.empty((m, n), dtype)
    product(False, False, sizes, a, b, c)
    bound = k * np.finfo(dtype).eps * (abs(a) @ abs(b))
    assert np.all(abs(c - a.astype(float) @ b) <= bound)


def in_a_process(code, **environment):
    """What a fresh interpreter prints."""
    here = os.path.dirname(__file__)
    start = f"import sys; sys.path.insert(0, {here!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


MANY = """
import numpy as np, test_products
from anymax import kernels
{before}
for dtype in ("float32", "float64"):
    test_products.check_many(np.random.default_rng(2), dtype)
print(kernels.core.blas().replace(" ", "-"))
"""


@pytest.mark.parametrize("core", ["", "Haswell"])
def test_products_with_openblas_are_exact_on_any_core(core):
    set_ = {"OPENBLAS_CORETYPE": core} if core else {}
    (said,) = in_a_process(MANY.format(before="kernels.open_blas()"), **set_)
    assert said == "own" or said.startswith("OpenBLAS-0.")
    assert core in said or said == "own"


@pytest.mark.parametrize("target", ["scalar", "avx2", "avx512", "neon"])
def test_products_without_openblas_are_exact_on_any_target(target):
    if target not in kernels.core.targets():
        pytest.skip("not compiled, or not of this processor")
    assert in_a_process(MANY.format(before=""), ANYMAX_TARGET=target) == ["own"]


def test_threads_of_numpy_and_scipy_stay_as_they_are():
    pytest.importorskip("threadpoolctl")
    code = """
import numpy as np, scipy.linalg, threadpoolctl
def said():
    return {p["filepath"]: p["num_threads"] for p in threadpoolctl.threadpool_info()}
before = said()
import test_products
from anymax import kernels
kernels.open_blas()
test_products.check_many(np.random.default_rng(3), "float32")
after = said()
print(len(before) >= 2, all(after[path] == n for path, n in before.items()))
"""
    assert in_a_process(code, OMP_NUM_THREADS="2") == ["True", "True"]


def test_openblas_is_not_imported():
    code = (
        "import sys; from anymax import kernels; kernels.open_blas(); "
        "print('scipy_openblas32' in sys.modules)"
    )
    assert in_a_process(code) == ["False"]
