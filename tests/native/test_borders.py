"""What comes to native code as it lies: orders, targets, weights, threads, copies."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose

import anymax as am
from anymax import kernels

RNG = np.random.default_rng(3)


def steps(net, loss, x, y, order=None, weight=None):
    """The mean loss of two epochs of a fresh copy of a network."""
    plan = am.Plan(copy.deepcopy(net), loss, batch=4, optimizer=am.SGD(0.1))
    return [plan.epoch(x, y, order, weight) for _ in range(2)]


def alike(*given, **options):
    native = steps(*given, **options)
    with kernels.numpy_only():
        plain = steps(*given, **options)
    assert_allclose(native, plain, rtol=1e-9)


def net(*shape, units=3):
    layers = am.Dense(5), am.Tanh(), am.Dense(units), am.Softmax()
    return am.Chain(*layers).build(shape, seed=0, dtype="float64")


X, Y = RNG.normal(size=(10, 4)), RNG.integers(3, size=10)
ORDERS = {
    "int32": np.arange(9, -1, -1, dtype=np.int32),
    "strided": np.arange(20)[::2] // 2,
    "reversed": np.arange(10)[::-1],
    "negative": np.array([-1, -3, 0]),
    "mask": np.arange(10) % 3 > 0,
    "list": [3, 3, 1],
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_an_order_of_any_kind_is_that_of_numpy(order):
    alike(net(4), am.CrossEntropy(), X, Y, order=order)


def test_an_order_of_two_axes_is_refused():
    plan = am.Plan(net(4), am.CrossEntropy(), batch=4)
    with pytest.raises(am.ShapeError, match="an order needs one axis"):
        plan.epoch(X, Y, [[0, 1], [2, 3]])
    with pytest.raises(IndexError):
        plan.take(plan.examples(X, Y), np.array([0, 10**9]))


def test_targets_and_weights_lie_in_any_order():
    x, y = RNG.normal(size=(6, 3, 4)), RNG.integers(5, size=(6, 3))
    hot, weighted = np.eye(5)[y], am.CrossEntropy(class_weight=[1, 2, 3, 4, 5])
    for loss in (am.CrossEntropy(), weighted):
        made = net(3, 4, units=5)
        for form in (y, np.asfortranarray(y), y.astype(np.int32).T.copy().T):
            alike(made, loss, x, form)
        alike(made, loss, x, np.asfortranarray(hot))
        alike(made, loss, x, y, weight=np.asfortranarray(RNG.random((6, 3))))


@pytest.mark.parametrize("y", [Y > 1, list(np.int64(Y)), range(3), Y.tolist()])
def test_targets_of_any_kind(y):
    alike(net(4), am.CrossEntropy(), X[: len(y)], y)


def test_a_second_thread_is_refused_and_harms_nothing():
    class Slow(am.Tanh):
        def apply(self, z):
            inside.set()
            assert leave.wait(10)
            return super().apply(z)

    inside, leave = threading.Event(), threading.Event()
    made = am.Chain(am.Dense(5), Slow(), am.Dense(3), am.Softmax())
    plan = am.Plan(made.build(4, dtype="float64"), am.CrossEntropy(), batch=4)
    lost = []
    thread = threading.Thread(target=lambda: lost.append(plan.epoch(X, Y)))
    thread.start()
    assert inside.wait(10)
    for call in (plan.step, plan.epoch, plan.gradient):
        with pytest.raises(RuntimeError, match="in the middle of a step"):
            call(X[:4], Y[:4])
    leave.set()
    thread.join()
    assert np.isfinite(lost).all()
    assert plan.steps == 3


def test_what_a_map_or_the_loss_was_given_may_change_between_epochs():
    def run():
        loss, dropout = am.CrossEntropy(), am.Dropout(0.0)
        made = am.Chain(am.Dense(8), dropout, am.LeakyReLU(), am.Dense(3), am.Softmax())
        plan = am.Plan(made.build(4, seed=0, dtype="float64"), loss, batch=4)
        first = plan.epoch(X, Y)
        dropout.rate, loss.label_smoothing = 0.5, 0.2
        return first, plan.epoch(X, Y)

    native = run()
    with kernels.numpy_only():
        assert_allclose(native, run(), rtol=1e-9)


def test_class_weights_do_not_change_under_a_kernel():
    given = np.array([1.0, 2.0, 3.0])
    loss = am.CrossEntropy(class_weight=given)
    with pytest.raises(ValueError, match="read-only"):
        loss.class_weight[0] = 100.0
    given[0] = 100.0
    assert loss.class_weight[0] == 1.0


def test_many_inputs_are_compiled_too():
    parts = am.Parallel(*[am.Dense(2) for _ in range(9)]).build(*[3] * 9, seed=0)
    x = [RNG.normal(size=(2, 3)).astype(np.float32) for _ in range(9)]
    assert_allclose(parts.compile(batch=4)(*x), parts(*x), rtol=1e-6)


def test_keepdims_may_be_any_truth():
    z = RNG.normal(size=(4, 3))
    for keep in (1, np.True_, True):
        assert am.logsumexp(z, -1, keepdims=keep).shape == (4, 1)


def test_a_jacobian_is_copied_after_its_first_product():
    J = am.Softmax().jacobian(X)
    J.vjp(X)
    assert_allclose(copy.copy(J).vjp(X), J.vjp(X))


def test_a_constant_row_is_standardised_to_zero():
    z = np.full((2, 7), -2.44720716)
    assert_allclose(am.Standardize()(z), 0)
    with kernels.numpy_only():
        assert_allclose(am.Standardize()(z), 0)
