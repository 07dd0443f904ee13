"""A plan takes the same steps natively as by NumPy, which is the specification."""

import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from trajectories import compared, taken

import anymax as am
from anymax import kernels
from anymax.jacobian import Diagonal

pytestmark = pytest.mark.skipif(kernels.core is None, reason="no native kernels")

ROWS, WIDTH, CLASSES = 50, 6, 3


class Bent(am.Activation):
    """a = z + z^2 / 8: a user's own activation, which has no kernel."""

    def apply(self, z):
        return z + z**2 / 8

    def structure(self, z, a):
        return Diagonal(a, factor=1 + z / 4, bend=np.full_like(z, 1 / 4))


@pytest.fixture(params=[1, 2], ids="threads={}".format)
def threads(request):
    before = kernels.core.threads()
    am.set_num_threads(request.param)
    yield request.param
    am.set_num_threads(before)


def data(seed=0, rows=ROWS, width=WIDTH):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, width)), rng.integers(CLASSES, size=rows)


def mlp(*between):
    return am.Chain(am.Dense(9), *between, am.Dense(CLASSES), am.Softmax())


def shared():
    layer, norm = am.Dense(6), am.LayerNorm()
    return am.Chain(layer, norm, am.Tanh(), layer, norm, am.Dense(3), am.Softmax())


def tied():
    encoder = am.Dense(4)
    decoder = am.Dense(weight=encoder.weight.T)
    return am.Chain(encoder, am.Tanh(), decoder, am.Dense(CLASSES), am.Softmax())


def looked_up():
    return am.Chain(
        am.Concatenate(
            am.Chain(am.Columns([0]), am.Embedding(7, 3), am.Flatten()),
            am.Columns([1, -1, 1]),
        ),
        am.Dense(8),
        am.RMSNorm(),
        am.Tanh(),
        am.Dense(CLASSES),
        am.Softmax(),
    )


def gated():
    gate = am.Gate(am.Dense(5), am.Chain(am.Dense(5), am.Softmax()))
    return am.Chain(
        am.Residual(am.Dense(WIDTH), am.ReLU()),
        gate,
        am.Concatenate(am.Identity(), am.LayerNorm()),
        am.Dense(CLASSES),
        am.Softmax(),
    )


NETS = {
    "relu": lambda: mlp(am.ReLU()),
    "tanh": lambda: mlp(am.Tanh()),
    "wide": lambda: am.Chain(am.Dense(700), am.Tanh(), am.Dense(500), am.Dense(3)),
    "softmax between": lambda: mlp(am.Softmax()),
    "sparsemax between": lambda: mlp(am.Sparsemax()),
    "one's own": lambda: mlp(Bent()),
    "trained": lambda: mlp(am.Swish(beta=am.Trainable(1.0))),
    "dropout": lambda: mlp(am.Tanh(), am.Dropout(0.3)),
    "noise": lambda: mlp(am.GaussianNoise(0.1), am.Tanh()),
    "batch norm": lambda: am.Chain(
        am.Dense(9, bias=False), am.BatchNorm(), am.Tanh(), am.Dense(3), am.Softmax()
    ),
    "layer norm": lambda: mlp(am.LayerNorm(), am.Tanh()),
    "gated": gated,
    "shared": shared,
    "tied": tied,
    "looked up": looked_up,
    "gumbel last": lambda: am.Chain(am.Dense(3), am.GumbelSoftmax()),
    "reshaped": lambda: am.Chain(
        am.Reshape(2, 3),
        am.Dense(4),
        am.Tanh(),
        am.Flatten(),
        am.Dense(3),
        am.Softmax(),
    ),
    "along axis 0": lambda: am.Chain(
        am.Reshape(2, 3), am.Softmax(axis=-2), am.Flatten(), am.Dense(3), am.Softmax()
    ),
}


def entered(name, x):
    if name == "looked up":
        x = x.copy()
        x[:, 0] = np.floor(np.abs(x[:, 0]) * 2) % 7
    return x


@pytest.mark.parametrize("batch", [16, 7, 64])
@pytest.mark.parametrize("name", NETS)
def test_200_steps_are_those_of_numpy(name, batch, threads):
    x, y = data()
    loss = am.CrossEntropy()
    if name == "wide":
        y, loss = np.eye(3)[y], am.SquaredError()
    steps = 8 if name == "wide" else 200
    compared(NETS[name], loss, entered(name, x), y, batch=batch, steps=steps)


OPTIMIZERS = {
    "sgd": am.SGD(0.1),
    "momentum": am.SGD(0.05, momentum=0.9),
    "nesterov": am.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": am.Adam(),
    "adamw": am.AdamW(decay=0.1),
    "rmsprop": am.RMSProp(),
    "rmsprop centered": am.RMSProp(momentum=0.5, centered=True),
    "adagrad": am.Adagrad(0.1),
    "adadelta": am.AdaDelta(),
    "lion": am.Lion(1e-3, decay=0.1),
    "clip norm": am.Adam(clip_norm=0.05),
    "clip value": am.SGD(0.1, clip_value=0.01),
    "clip both": am.SGD(0.1, clip_value=0.01, clip_norm=0.02),
    "average": am.Adam(average=0.9),
    "schedule": am.Adam(am.Warmup(am.Cosine(1e-2, steps=150), steps=20)),
    "function": am.SGD(lambda step: 0.1 / (1 + step)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name):
    x, y = data()
    compared(NETS["tanh"], am.CrossEntropy(), x, y, optimizer=OPTIMIZERS[name])


@pytest.mark.parametrize(
    "penalty", [{"l2": 0.01}, {"l1": 1e-3}, {"l1": 1e-3, "l2": 0.1}]
)
def test_penalties(penalty):
    x, y = data()
    compared(NETS["relu"], am.CrossEntropy(), x, y, **penalty)


def test_weights_and_classes_that_count_nothing():
    x, y = data()
    weight = np.where(np.arange(ROWS) % 3 == 0, 0.0, np.linspace(0.5, 2, ROWS))
    bad = x.copy()
    bad[::3] = np.nan
    compared(NETS["relu"], am.CrossEntropy(), bad, y, sample_weight=weight)
    labels = np.where(weight > 0, y, -1)
    ignoring = am.CrossEntropy(ignore_index=-1, class_weight=[1.0, 2.0, 0.5])
    compared(NETS["relu"], ignoring, bad, labels)
    compared(NETS["batch norm"], ignoring, x, labels)


LOSSES = {
    "smoothed": (am.CrossEntropy(label_smoothing=0.1), am.Softmax, "index"),
    "rows": (am.CrossEntropy(), am.Softmax, "rows"),
    "squared": (am.SquaredError(), am.Sigmoid, "rows"),
    "binary": (am.BinaryCrossEntropy(), am.Sigmoid, "rows"),
    "huber": (am.Huber(), am.Tanh, "values"),
    "focal": (am.Focal(), am.Softmax, "index"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_targets_of_any_form(name):
    loss, last, form = LOSSES[name]
    x, y = data()
    given = {"index": y, "rows": np.eye(3)[y], "values": x[:, :3] / 4}[form]
    compared(
        lambda: am.Chain(am.Dense(8), am.ReLU(), am.Dense(3), last()), loss, x, given
    )


def test_a_label_for_each_step_of_a_sequence():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 5, 4)), rng.integers(-1, 3, size=(20, 5))
    make = lambda: am.Chain(am.Dense(8), am.Dropout(0.2), am.Dense(3), am.Softmax())  # noqa: E731
    compared(make, am.CrossEntropy(ignore_index=-1), x, y, batch=6)


def test_several_inputs():
    rng = np.random.default_rng(0)
    x, y = (
        (rng.normal(size=(30, 3)), rng.normal(size=(30, 4))),
        rng.normal(size=(30, 2)),
    )

    def make():
        return am.Chain(am.Parallel(am.Dense(5), am.Dense(5)), am.Tanh(), am.Dense(2))

    compared(make, am.SquaredError(), x, y, batch=8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_single_steps_are_those_of_an_epoch(dtype):
    x, y = data()
    x = x.astype(dtype)
    one, two = (NETS["dropout"]().build(WIDTH, dtype=dtype) for _ in range(2))
    first = am.Plan(one, am.CrossEntropy(), batch=16)
    second = am.Plan(two, am.CrossEntropy(), batch=16)
    for _ in range(3):
        mean = first.epoch(x, y)
        parts = [
            (second.step(x[i : i + 16], y[i : i + 16]), len(y[i : i + 16]))
            for i in range(0, ROWS, 16)
        ]
        assert_allclose(mean, sum(a * n for a, n in parts) / ROWS, rtol=1e-12)
        assert_array_equal(one.parameters, two.parameters)
    assert first.steps == second.steps == 12


def test_single_steps_see_what_changes_between_them():
    x, y = data()
    x = x.astype("float32")
    net = NETS["relu"]().build(WIDTH)
    plan = am.Plan(net, am.CrossEntropy(), batch=ROWS, optimizer=am.SGD(0.1))
    for _ in range(3):
        plan.step(x, y)
    plan.optimizer.lr = 0.0
    before = net.parameters.copy()
    plan.step(x, y)
    assert_array_equal(net.parameters, before)
    plan.optimizer.load_state(am.SGD(0.1).state())
    assert plan.steps == 0
    plan.step(x, y)
    assert plan.steps == 1
    with pytest.raises(am.DomainError, match="class indices 0 to 2"):
        plan.step(x, np.where(y == 2, 3, y))
    with pytest.raises(am.ShapeError):
        plan.step(x[:, :5].copy(), y)
    net.build(WIDTH, seed=7)
    with pytest.raises(RuntimeError, match="make a new Plan"):
        plan.step(x, y)


def largest_difference(one, two):
    return np.abs(one - two).max() / np.abs(two).max()


def test_float32_differs_by_the_order_of_sums():
    """A sum of k products differs by about sqrt(k) roundings from another order; Adam
    divides by the size of a gradient, so that 20 steps of rate 1e-3 are about 20 of
    these apart: 20 sqrt(64) 2^-24 of 1, and 4 times that for what grows on the way."""
    x, y = data(rows=200, width=64)
    given = {"steps": 20, "batch": 20, "dtype": "float32"}
    native = taken(NETS["relu"], am.CrossEntropy(), x, y, **given)[0]
    with kernels.numpy_only():
        numpys = taken(NETS["relu"], am.CrossEntropy(), x, y, **given)[0]
    assert largest_difference(native, numpys) < 4 * 20 * 8 * 2.0**-24


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["relu", "dropout", "wide", "batch norm", "gated"])
def test_a_run_repeats_bit_for_bit(name, dtype, threads):
    x, y = data(rows=300)
    loss, target = am.CrossEntropy(), y
    if name == "wide":
        loss, target = am.SquaredError(), np.eye(3)[y]
    given = {"steps": 9, "batch": 128, "dtype": dtype}
    first = taken(NETS[name], loss, x, target, **given)
    for _ in range(3):
        again = taken(NETS[name], loss, x, target, **given)
        for one, two in zip(first, again, strict=True):
            assert_array_equal(one, two)


def test_a_fit_in_two_parts_is_one_fit(threads):
    x, y = data(rows=300)

    def fitted(*parts):
        net, resume = NETS["dropout"](), None
        for epochs in parts:
            history = am.fit(
                net,
                am.CrossEntropy(),
                x,
                y,
                optimizer=am.Adam(am.Cosine(1e-2, 50), average=0.9),
                epochs=epochs,
                batch=32,
                resume=resume,
                verbose=0,
            )
            resume = history.state
        return net.parameters, history.state["parameters"]

    for one, two in zip(fitted(5), fitted(2, 3), strict=True):
        assert_array_equal(one, two)


def test_the_mean_of_an_epoch_weighs_batches_by_what_counts():
    x, y = data()
    weight = np.linspace(0, 1, ROWS) ** 3
    net = NETS["relu"]().build(WIDTH, dtype="float64")
    still = am.SGD(lambda step: 0.0)
    whole = am.Plan(net, am.CrossEntropy(), batch=ROWS, optimizer=still)
    parts = am.Plan(net, am.CrossEntropy(), batch=8, optimizer=still)
    expected = am.Objective(net, am.CrossEntropy()).value(x, y, weight)
    for plan in (whole, parts):
        assert_allclose(plan.epoch(x, y, sample_weight=weight), expected, rtol=1e-12)
        with kernels.numpy_only():
            found = plan.epoch(x, y, sample_weight=weight)
        assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("threshold", [3, 60])
def test_a_nan_stops_before_the_step_and_names_layer_and_step(threshold):
    def make():
        return am.Chain(am.Dense(4, kernel="ones"), am.Exp(), am.Dense(2))

    x, y = np.zeros((100, 3)), np.zeros((100, 2))
    x[threshold] = 1e4
    net = make().build(3, dtype="float32")
    plan = am.Plan(net, am.SquaredError(), batch=4, optimizer=am.SGD(1e-3))
    step = threshold // 4 + 1
    with pytest.raises(FloatingPointError, match=rf"1 \(Exp\(\)\).* in step {step}\b"):
        plan.epoch(x, y)
    assert plan.steps == step - 1
    other = make().build(3, dtype="float32")
    fine = am.Plan(other, am.SquaredError(), batch=4, optimizer=am.SGD(1e-3))
    fine.epoch(x[: 4 * (step - 1)], y[: 4 * (step - 1)])
    assert_array_equal(net.parameters, other.parameters)


def test_a_row_that_an_embedding_refuses_is_named_as_by_numpy():
    x, y = data()
    x = entered("looked up", x)
    x[37, 0] = 7
    net = NETS["looked up"]().build(WIDTH)
    plan = am.Plan(net, am.CrossEntropy(), batch=10)
    with pytest.raises(am.DomainError, match=r"got 7.0 in row 7"):
        plan.epoch(x, y)
    assert plan.steps == 3


class Failing(am.Activation):
    """z, until it was asked three times."""

    asked = 0

    def apply(self, z):
        type(self).asked += 1
        if type(self).asked > 3:
            raise RuntimeError("no more")
        return z

    def structure(self, z, a):
        return Diagonal(a, factor=np.ones_like(z))


def test_an_error_in_ones_own_map_ends_the_epoch():
    x, y = data()
    net = mlp(Failing()).build(WIDTH)
    plan = am.Plan(net, am.CrossEntropy(), batch=10)
    with pytest.raises(RuntimeError, match="no more"):
        plan.epoch(x, y)
    assert plan.steps == 3


def test_a_flag_stops_an_epoch_between_steps():
    x, y = data(rows=5000)
    plan = am.Plan(NETS["relu"]().build(WIDTH), am.CrossEntropy(), batch=1)
    stop = np.zeros(1, np.uint8)
    examples = plan.examples(np.tile(x, (4, 1)), np.tile(y, 4))

    def press():
        while not plan.running.count:
            time.sleep(0.001)
        stop.fill(1)

    worker = threading.Thread(target=press)
    worker.start()
    losses = plan.take(examples, None, stop)
    worker.join()
    assert 0 < losses.count == plan.steps < 20_000


def test_losses_are_there_while_an_epoch_runs():
    x, y = data(rows=5000)
    plan = am.Plan(NETS["relu"]().build(WIDTH), am.CrossEntropy(), batch=1)
    seen = []

    def watch():
        while not seen or seen[-1][0] < 15_000:
            seen.append((plan.running.count, plan.running.mean))
            time.sleep(0.001)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    plan.epoch(np.tile(x, (4, 1)), np.tile(y, 4))
    watcher.join(10)
    between = [loss for count, loss in seen if 0 < count < 20_000]
    assert between
    assert all(0 < loss < 10 for loss in between)


def test_eight_threads_train_plans_of_their_own():
    x, y = data(rows=500)
    expected = taken(NETS["dropout"], am.CrossEntropy(), x, y, steps=100)[0]
    found = [None] * 8

    def train(i):
        found[i] = taken(NETS["dropout"], am.CrossEntropy(), x, y, steps=100)[0]

    workers = [threading.Thread(target=train, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for each in found:
        assert_array_equal(each, expected)


def test_a_plan_in_the_middle_of_a_step_takes_no_other():
    class Again(am.Activation):
        def apply(self, z):
            if plan.steps == 0 and len(z) > 1:
                plan.step(x, y)
            return z

        def structure(self, z, a):
            return Diagonal(a, factor=np.ones_like(z))

    x, y = data()
    net = mlp(Again()).build(WIDTH)
    plan = am.Plan(net, am.CrossEntropy(), batch=ROWS)
    with pytest.raises(RuntimeError, match="plan of its own"):
        plan.step(x, y)


def run(code):
    """A script of its own; what it printed."""
    setup = """
        import os, signal, threading, time
        import numpy as np
        import anymax as am
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(4096, 32)), rng.integers(3, size=4096)
        net = am.Chain(am.Dense(64), am.ReLU(), am.Dense(3), am.Softmax()).build(32)
        plan = am.Plan(net, am.CrossEntropy(), batch=16)
        many = rng.integers(4096, size=4_000_000)
        pressed = []
        def press(ready):
            def wait():
                while not ready():
                    time.sleep(0.001)
                time.sleep(0.05)
                pressed.append(time.perf_counter())
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=wait).start()
    """
    script = textwrap.dedent(setup) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_ctrl_c_ends_an_epoch_within_a_step():
    said = run("""
        press(lambda: plan.running.count)
        try:
            plan.epoch(x, y, many)
        except KeyboardInterrupt:
            late = time.perf_counter() - pressed[0]
            steps = plan.steps
            before = net.parameters.copy()
            plan.step(x[:16], y[:16])
            print(0 < steps < 250_000, late < 0.2, (before != net.parameters).any())
    """)
    assert said == "True True True"


def test_ctrl_c_ends_a_fit_between_steps():
    said = run("""
        seen = []
        press(lambda: seen)
        history = am.fit(
            net, am.CrossEntropy(), x, y, epochs=10**6, verbose=0, callbacks=seen.append
        )
        print(history.ended, np.isfinite(net.parameters).all())
    """)
    assert said == "interrupted True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_trains():
    said = run("""
        am.set_num_threads(2)
        big = am.Chain(am.Dense(512), am.ReLU(), am.Dense(3), am.Softmax()).build(32)
        wide = am.Plan(big, am.CrossEntropy(), batch=256)
        wide.epoch(x, y)
        child = os.fork()
        loss = wide.epoch(x, y)
        if not child:
            os._exit(0 if np.isfinite(loss) else 1)
        print(os.waitpid(child, 0)[1] == 0)
    """)
    assert said == "True"


def test_a_daemon_thread_may_be_training_when_python_ends():
    run("""
        worker = threading.Thread(target=plan.epoch, args=(x, y, many), daemon=True)
        worker.start()
        time.sleep(0.2)
    """)
