"""Arrays of any kind and any number of threads: native is as NumPy, nothing is harmed.

What NumPy alone gives for the same arguments, an error's sentence included, is what is
expected; arguments stay as they were.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am
from anymax import activations, kernels
from anymax.registry import samples

RNG = np.random.default_rng(0)
ROWS, N = 5, 7
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-10}
Call = Callable[..., Any]


@cache
def maps() -> dict[str, Call]:
    """What takes logits and a vector along them."""
    found: dict[str, Call] = {
        "softmax": lambda z, v: am.softmax(z),
        "log_softmax": lambda z, v: am.log_softmax(z),
        "logsumexp": lambda z, v: am.logsumexp(z),
        "sparsemax": lambda z, v: am.sparsemax(z),
        "entmax": lambda z, v: am.entmax(z),
        "softmax by columns": lambda z, v: am.softmax(z, axis=0),
    }
    for name, each in samples(activations).items():
        if name == "GumbelSoftmax":  # draws anew each time
            continue
        found[name] = lambda z, v, f=each: f(z)
        found[f"{name} vjp"] = lambda z, v, f=each: f.jacobian(z).vjp(v)
        found[f"{name} jvp"] = lambda z, v, f=each: f.jacobian(z).jvp(v)
    return found


@cache
def pairs() -> dict[str, am.Pair]:
    return {
        "softmax and squared error": am.Pair(am.Softmax(), am.SquaredError()),
        "softmax and cross-entropy": am.Pair(am.Softmax(), am.CrossEntropy()),
        "sigmoid and its loss": am.Pair(am.Sigmoid(), am.BinaryCrossEntropy()),
        "sigmoid and squared error": am.Pair(am.Sigmoid(), am.SquaredError()),
        "tanh and Huber": am.Pair(am.Tanh(), am.Huber()),
        "entmax and squared error": am.Pair(am.Entmax(), am.SquaredError()),
        "GELU and log-cosh": am.Pair(am.GELU(), am.LogCosh()),
    }


LABELLED = {
    "softmax and cross-entropy": am.Pair(am.Softmax(), am.CrossEntropy()),
    "Taylor softmax and focal": am.Pair(am.TaylorSoftmax(), am.Focal()),
    "smoothed": am.Pair(am.Softmax(), am.CrossEntropy(label_smoothing=0.1)),
    "ignoring": am.Pair(am.Softmax(), am.CrossEntropy(ignore_index=3)),
}


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)
    there = memory[1:].view(x.dtype).reshape(x.shape)
    there[...] = x
    return there


FORMS: dict[str, Call] = {
    "plain": lambda x: x.copy(),
    "read-only": read_only,
    "every other column": lambda x: np.repeat(x, 2, axis=-1)[:, ::2],
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "reversed": lambda x: x[::-1, ::-1],
    "by columns": np.asfortranarray,
    "one row for all": lambda x: np.broadcast_to(x[:1], x.shape),
    "one column for all": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "unaligned": unaligned,
    "list": lambda x: x.tolist(),
    "half": lambda x: x.astype(np.float16),
    "long double": lambda x: x.astype(np.longdouble),
    "int64": lambda x: (4 * x).astype(np.int64),
    "uint8": lambda x: (8 * abs(x)).astype(np.uint8),
    "bool": lambda x: x > 0,
    "object": lambda x: x.astype(object),
    "text": lambda x: x.astype(str),
    "complex": lambda x: x.astype(np.complex128),
    "no rows": lambda x: x[:0].copy(),
    "no columns": lambda x: x[:, :0].copy(),
    "one column": lambda x: x[:, :1].copy(),
    "one row": lambda x: x[0].copy(),
    "three axes": lambda x: x.reshape(ROWS, 1, N).repeat(2, axis=1),
    "matrix of rows in F order, three axes": lambda x: np.asfortranarray(
        x.reshape(ROWS, 1, N).repeat(3, axis=1)
    ),
    "masked": lambda x: np.ma.masked_array(x.copy()),
    "beside other numbers": lambda x: np.pad(x, 3)[3:-3, 3:-3],
}
LABELS: dict[str, Call] = {
    "int64": lambda y: y.copy(),
    "read-only": read_only,
    "int32": lambda y: y.astype(np.int32),
    "uint8": lambda y: y.astype(np.uint8),
    "other byte order": lambda y: y.astype(y.dtype.newbyteorder()),
    "every other": lambda y: np.repeat(y, 2)[::2],
    "unaligned": unaligned,
    "list": lambda y: y.tolist(),
    "whole floats": lambda y: y.astype(float),
    "not whole": lambda y: y + 0.5,
    "bool": lambda y: y > 3,
    "negative": lambda y: y - 100,
    "too large": lambda y: y + N,
    "as large as can be": lambda y: np.full(ROWS, np.iinfo(np.int64).max),
    "as small as can be": lambda y: np.full(ROWS, np.iinfo(np.int64).min),
    "all ignored": lambda y: np.full(ROWS, 3),
    "too few": lambda y: y[:-1],
    "too many": lambda y: np.append(y, 0),
    "none": lambda y: y[:0],
    "one for all": lambda y: np.broadcast_to(y[:1], y.shape),
}


def outcome(call: Call, *arguments: Any) -> tuple[Any, ...]:
    """What a call gives, its numbers as arrays, or its error in words."""
    before = [np.array(each) for each in arguments]
    try:
        with np.errstate(all="ignore"):
            found = call(*arguments)
    except Exception as wrong:
        return type(wrong).__name__, str(wrong)
    finally:
        for each, was in zip(arguments, before, strict=True):
            assert_array_equal(np.array(each), was)
    return tuple(map(np.asarray, found if isinstance(found, tuple) else (found,)))


def agree(close: float, call: Call, *arguments: Any) -> None:
    """Native gives what NumPy gives, in its type, up to rounding."""
    native = outcome(call, *arguments)
    with kernels.numpy_only():
        plain = outcome(call, *arguments)
    assert len(native) == len(plain)
    for found, wanted in zip(native, plain, strict=True):
        if isinstance(wanted, str):
            assert found == wanted
            continue
        assert not isinstance(found, str), found
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        if wanted.dtype == object:
            found, wanted = found.astype(float), wanted.astype(float)
        if wanted.dtype == np.float32:  # of half precision too
            close = TOLERANCE[np.float32]
        assert_allclose(found, wanted, rtol=close, atol=close)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", maps())
def test_any_array_goes_through_a_map_as_in_numpy(name, form, dtype):
    z, v = (RNG.normal(size=(2, ROWS, N)) * 2).astype(dtype)
    agree(TOLERANCE[dtype], maps()[name], FORMS[form](z), FORMS[form](v))
    agree(TOLERANCE[dtype], maps()[name], z, FORMS[form](v))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", pairs())
def test_any_array_goes_through_a_pair_as_in_numpy(name, form, dtype):
    z, y = RNG.normal(size=(2, ROWS, N)).astype(dtype)
    y = am.Softmax()(y)
    pair = pairs()[name]
    for what in (pair.value, pair.gradient, pair.value_and_gradient):
        agree(TOLERANCE[dtype], what, FORMS[form](z), y)
        agree(TOLERANCE[dtype], what, z, FORMS[form](y))
        agree(TOLERANCE[dtype], what, FORMS[form](z), FORMS[form](y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", LABELS)
@pytest.mark.parametrize("name", LABELLED)
def test_any_labels_are_taken_or_refused_as_in_numpy(name, form, dtype):
    z = RNG.normal(size=(ROWS, N)).astype(dtype)
    y = RNG.integers(N, size=ROWS)
    pair = LABELLED[name]
    for what in (pair.value, pair.gradient, pair.value_and_gradient):
        agree(TOLERANCE[dtype], what, z, LABELS[form](y))


def test_a_result_given_is_written_and_nothing_beside_it():
    z = RNG.normal(size=(ROWS, N))
    wide = np.full((ROWS, 2 * N), 7.0)
    for out in (wide[:, ::2], wide[:, N:]):
        wide[...] = 7
        assert am.softmax(z, out=out) is out
        assert_allclose(out, am.softmax(z), rtol=1e-14)
        out[...] = 7
        assert (wide == 7).all()
    with pytest.raises(ValueError, match="read-only"):
        am.softmax(z, out=read_only(z))


def test_a_result_may_be_its_own_argument():
    for f in (am.softmax, am.log_softmax, am.sparsemax, am.entmax):
        z = RNG.normal(size=(ROWS, 100))
        wanted = f(z.copy())
        assert_allclose(f(z, out=z), wanted, rtol=1e-14)


def test_a_result_may_overlap_its_argument():
    for move in (-1, 1):
        memory = RNG.normal(size=(64, 100))
        z = memory[1:-1]
        wanted = am.softmax(z.copy())
        assert_allclose(
            am.softmax(z, out=memory[1 + move : 63 + move]), wanted, rtol=1e-14
        )


# ---- threads


def at_once(work: Callable[[int], Any], threads: int = 8) -> list[Any]:
    """What each of some threads makes, all starting together."""
    start, made, wrong = threading.Barrier(threads), [None] * threads, []

    def body(i: int) -> None:
        start.wait()
        try:
            made[i] = work(i)
        except BaseException as error:
            wrong.append(error)

    running = [threading.Thread(target=body, args=(i,)) for i in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join(120)
        assert not each.is_alive()
    assert wrong == []
    return made


def test_eight_threads_get_the_bits_of_one():
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    z = RNG.normal(size=(8, 300, 1000)).astype(np.float32)
    y = RNG.integers(1000, size=300)

    def work(i: int) -> list[Any]:
        a = am.softmax(z[i])
        value, gradient = pair.value_and_gradient(z[i], y)
        return [a, value, gradient, am.Softmax().jacobian(z[i]).vjp(z[i - 1])]

    wanted = [work(i) for i in range(8)]
    for _ in range(3):
        for one, other in zip(at_once(work), wanted, strict=True):
            for found, expected in zip(one, other, strict=True):
                assert_array_equal(found, expected)


def learned(i: int) -> list[Any]:
    rng = np.random.default_rng(i)
    x, y = rng.normal(size=(200, 20)).astype(np.float32), rng.integers(5, size=200)
    net = am.Chain(am.Dense(30), am.ReLU(), am.Dense(5), am.Softmax())
    am.fit(net, am.CrossEntropy(), x, y, epochs=2, batch=32, seed=i, verbose=0)
    return [np.array(p) for p in net.parameters] + [net.predict(x)]


def test_eight_threads_train_as_one_does():
    wanted = [learned(i) for i in range(8)]
    for one, other in zip(at_once(learned), wanted, strict=True):
        for found, expected in zip(one, other, strict=True):
            assert_array_equal(found, expected)


def test_threads_may_share_a_network_that_predicts():
    x = RNG.normal(size=(100, 20)).astype(np.float32)
    net = am.Chain(am.Dense(30), am.Tanh(), am.Dense(5), am.Softmax()).build(20)
    wanted = net(x)
    for _ in range(5):
        for found in at_once(lambda i: net(x)):
            assert_array_equal(found, wanted)


def test_the_number_of_threads_may_change_while_others_work():
    z = RNG.normal(size=(400, 500)).astype(np.float32)
    wanted, before = am.softmax(z), kernels.info().threads or 1

    def work(i: int) -> None:
        for count in (1, 2, 3, 4):
            if i == 0:
                am.set_num_threads(count)
            assert_array_equal(am.softmax(z), wanted)

    try:
        at_once(work)
    finally:
        am.set_num_threads(before)


def test_training_leaves_its_rows_alone():
    x = read_only(RNG.normal(size=(64, 20)))
    y = read_only(RNG.integers(5, size=64))
    weights = read_only(RNG.uniform(size=64))
    net = am.Chain(am.Dense(5), am.Softmax())
    for given in (x, x.astype(np.float32)[:, ::-1], x.astype(x.dtype.newbyteorder())):
        before = np.array(given)
        am.fit(
            net,
            am.CrossEntropy(),
            given,
            y,
            sample_weight=weights,
            epochs=1,
            batch=16,
            verbose=0,
        )
        assert_array_equal(given, before)
