"""The blocks of memory behind large outputs: kept, given again, and given back."""

import gc
import os
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import anymax as am
from anymax import kernels

pytestmark = pytest.mark.skipif(kernels.core is None, reason="no native kernels")

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def empty():
    gc.collect()
    am.trim()
    yield
    am.trim()
    assert kernels.core.kept() == 0


def rows(megabytes):
    return np.zeros((megabytes, MEGABYTE // 4), np.float32)


def test_a_freed_block_is_given_to_an_output_of_its_size():
    z = rows(2)
    a = am.softmax(z)
    where = a.ctypes.data
    assert kernels.core.kept() == 0
    del a
    assert kernels.core.kept() == 2 * MEGABYTE
    b = am.softmax(z)
    assert b.ctypes.data == where
    assert kernels.core.kept() == 0
    c = am.softmax(z)
    assert c.ctypes.data != where
    assert_array_equal(b, c)


def test_small_outputs_are_not_kept():
    a = am.softmax(np.zeros((10, 1000), np.float32))
    del a
    assert kernels.core.kept() == 0


def test_a_view_keeps_its_block():
    z = rows(1)
    a = am.softmax(z)
    view = a[0, :5]
    expected = view.copy()
    del a
    assert kernels.core.kept() == 0
    am.softmax(z + 1)
    assert_array_equal(view, expected)


def test_an_output_owns_its_data_and_can_be_resized():
    a = am.softmax(rows(2))
    assert a.flags.owndata
    first = a[0, 0]
    a.resize((3, MEGABYTE // 4), refcheck=False)
    assert a[0, 0] == first
    a.resize((1, 100), refcheck=False)
    assert a[0, 0] == first
    del a
    assert kernels.core.kept() == 0  # what is small now is freed as such


def test_other_arrays_stay_with_numpy():
    am.softmax(rows(1))
    before = kernels.core.kept()
    a = np.ones((4, MEGABYTE // 4), np.float32)
    del a
    assert kernels.core.kept() == before


def test_trim_gives_all_of_it_back():
    held = [am.softmax(rows(n)) for n in (1, 2, 3)]
    del held
    assert kernels.core.kept() == 6 * MEGABYTE
    am.trim()
    assert kernels.core.kept() == 0


def test_what_is_kept_has_a_cap():
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    cap = min(1 << 30, memory // 4)
    z = np.zeros((128, MEGABYTE // 4), np.float32)
    held = [am.softmax(z) for _ in range(10)]
    assert kernels.core.kept() == 0
    while held:
        held.pop()
        assert kernels.core.kept() <= cap
    assert kernels.core.kept() > 0


def test_how_many_are_kept_has_a_cap():
    z = np.zeros((32, 1024), np.float32)
    held = [am.softmax(z) for _ in range(300)]
    del held
    assert kernels.core.kept() == 256 * z.nbytes


def test_eight_threads_share_the_blocks():
    z = [rows(n) + n for n in (1, 2)]
    expected = [am.softmax(x) for x in z]
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        held = []
        for _ in range(30):
            i = int(rng.integers(2))
            a = am.softmax(z[i])
            if not np.array_equal(a, expected[i]):
                wrong.append(i)
            held = [*held[-1:], a]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_forked_process_has_blocks_of_its_own():
    z = rows(1)
    a = am.softmax(z)
    expected = a.copy()
    del a
    child = os.fork()
    if not child:
        good = np.array_equal(am.softmax(z), expected)
        am.trim()
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert_array_equal(am.softmax(z), expected)
