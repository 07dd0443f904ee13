"""A compiled network gives what the network gives, natively or not."""

import copy
import pickle
import threading

import numpy as np
import pytest

import anymax as am
from anymax import activations, kernels

NATIVE = kernels.core is not None
DTYPES = ["float32", "float64"]


def chain(*maps):
    return am.Chain(*maps)


NETS = {
    "dense": lambda: chain(am.Dense(7), am.ReLU(), am.Dense(3), am.Softmax()),
    "no bias": lambda: chain(am.Dense(7, bias=False), am.Tanh(), am.Dense(3)),
    "layer norm": lambda: chain(am.Dense(9), am.LayerNorm(), am.ReLU(), am.Dense(2)),
    "rms norm": lambda: chain(am.RMSNorm(), am.Dense(4), am.Sigmoid()),
    "batch norm": lambda: chain(am.Dense(9), am.BatchNorm(), am.ReLU(), am.Dense(2)),
    "noise": lambda: chain(am.Dropout(0.4), am.Dense(4), am.GaussianNoise(0.2)),
    "only noise": lambda: chain(am.Dropout(0.4)),
    "columns": lambda: chain(am.Columns([4, 0, -1, 4]), am.Dense(3), am.Softmax()),
    "reshape": lambda: chain(am.Reshape(5, 1), am.Dense(3), am.Flatten(), am.Dense(2)),
    "residual": lambda: chain(am.Residual(chain(am.Dense(5), am.Tanh())), am.Dense(2)),
    "concatenate": lambda: chain(
        am.Concatenate(chain(am.Dense(3), am.ReLU()), am.Dense(2)), am.Softmax()
    ),
    "gate": lambda: chain(
        am.Dense(4), am.Gate(chain(am.Dense(4), am.Sigmoid()), am.Dense(4)), am.Dense(2)
    ),
    "gumbel": lambda: chain(am.Dense(4), am.GumbelSoftmax(temperature=0.7)),
    "soft": lambda: chain(am.Dense(6), am.Softmax(temperature=2.0), am.Dense(2)),
    "first axis": lambda: chain(am.Dense(4), am.Softmax(axis=1)),
    "deep": lambda: chain(
        am.Dense(5), *[chain(am.ReLU(), am.Dense(5)) for _ in range(6)], am.Softmax()
    ),
}


def built(name, dtype, width=5):
    """A network whose state is not what it started from."""
    net = NETS[name]().build(width, seed=3, dtype=dtype)
    rng = np.random.default_rng(4)
    net.parameters += rng.normal(size=net.parameters.size) / 5
    net.kept[...] = rng.uniform(0.5, 2, size=net.kept.size)
    return net


def close(found, expected):
    """Equal but for the order of additions in products of at most some 100 terms."""
    assert found.dtype == expected.dtype
    eps = np.finfo(expected.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=200 * eps, atol=200 * eps)


@pytest.mark.parametrize("rows", [None, 1, 2, 5, 8, 9])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NETS)
def test_outputs_are_those_of_the_network(name, dtype, rows):
    net = built(name, dtype)
    shape = (5,) if rows is None else (rows, 5)
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = x.copy()
    predict = net.compile(batch=9)
    if name == "first axis" and rows is None:
        with pytest.raises(am.ShapeError):
            predict(x)
        return
    found = predict(x)
    close(found, net(x))
    np.testing.assert_array_equal(x, before)
    assert found.flags.owndata or found.base is not x


@pytest.mark.skipif(not NATIVE, reason="needs the native module")
@pytest.mark.parametrize("name", sorted(set(NETS) - {"only noise", "first axis"}))
def test_these_are_native(name):
    assert built(name, "float32").compile().native


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.__all__)
def test_every_activation_compiles(name, dtype):
    made = getattr(am, name).sample()
    net = chain(am.Dense(6), made).build(5, dtype=dtype)
    x = np.random.default_rng(1).normal(size=(4, 5)).astype(dtype)
    net.parameters[...] = np.random.default_rng(2).normal(size=net.parameters.size)
    close(net.compile(batch=4)(x), net(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_embedding_and_its_errors(dtype):
    net = chain(am.Embedding(9, 3), am.Flatten(), am.Dense(2)).build((4,), dtype=dtype)
    predict = net.compile(batch=5)
    x = np.random.default_rng(0).integers(0, 9, (5, 4)).astype(dtype)
    close(predict(x), net(x))
    x[3, 1] = 9
    with pytest.raises(am.DomainError, match=r"from 0 to 8; got 9\.0 in row 3"):
        predict(x)


@pytest.mark.parametrize("sizes", [(784, 128, 10), (64, 32, 10), (300, 600, 500)])
@pytest.mark.parametrize("rows", [1, 3, 32, 200, 1000])
def test_wide_networks_in_slices(sizes, rows):
    n, hidden, m = sizes
    net = chain(am.Dense(hidden), am.ReLU(), am.Dense(m), am.Softmax()).build(n)
    x = np.random.default_rng(0).normal(size=(rows, n)).astype("float32")
    exact = net.astype("float64")(x)
    a = net.compile(batch=1000)(x)
    # each logit is a sum of some 1000 products of numbers of size 1
    np.testing.assert_allclose(a, exact, rtol=3e-5, atol=1e-6)


def test_several_inputs():
    net = am.Parallel(am.Dense(3), am.Dense(2)).build(4, 5)
    x, y = np.random.default_rng(0).normal(size=(2, 6, 5)).astype("float32")
    x = x[:, :4].copy()
    predict = net.compile(batch=6)
    close(predict(x, y), net(x, y))
    close(predict(x[0], y[0]), net(x[0], y[0]))
    close(predict(x[:, :4], y.tolist()), net(x, y))
    with pytest.raises(am.ShapeError, match=r"needs 2 inputs; got 1"):
        predict(x)


# ---- what is not plain


@pytest.fixture
def net():
    return built("dense", "float32")


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


def test_inputs_of_all_kinds(net, x):
    predict, expected = net.compile(batch=6), net(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    wide = np.repeat(x, 2, 1)
    for given in (
        x.tolist(),
        x.astype("float64"),
        np.asfortranarray(x),
        wide[:, ::2],
        x[::-1][::-1],
        x.astype(x.dtype.newbyteorder()),
        frozen,
        x.view(np.matrix),
    ):
        close(predict(given), expected)
    close(predict(x.reshape(2, 3, 5)), expected.reshape(2, 3, 3))
    close(predict(np.arange(5)), net(np.arange(5)))
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view("float32").reshape(6, 5)
    unaligned[...] = x
    close(predict(unaligned), expected)
    assert predict(x[:0]).shape == (0, 3)


def test_out_is_filled(net, x):
    predict = net.compile(batch=6)
    out = np.empty((6, 3), "float32")
    assert predict(x, out=out) is out
    close(out, net(x))
    wide = np.zeros((6, 6), "float32")
    assert predict(x, out=wide[:, ::2]) is not None
    close(wide[:, ::2], net(x))
    one = np.empty(3, "float32")
    close(predict(x[0], out=one), net(x[0]))
    assert predict(x.tolist(), out=out) is out


def test_out_may_overlap_the_inputs():
    net = chain(am.Dense(5), am.Tanh(), am.Dense(5)).build(5)
    x = np.random.default_rng(0).normal(size=(7, 5)).astype("float32")
    expected = net(x)
    assert net.compile(batch=7)(x, out=x) is x
    close(x, expected)
    memory = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
    expected = net(memory[1:])
    net.compile(batch=7)(memory[1:], out=memory[:-1])
    close(memory[:-1], expected)


@pytest.mark.parametrize(
    ("out", "error", "said"),
    [
        (np.empty((6, 4), "float32"), am.ShapeError, r"\(6, 3\); got float32 of"),
        (np.empty((6, 3)), am.ShapeError, "float32 of shape"),
        ([0.0], am.ShapeError, "got list"),
        (np.broadcast_to(np.float32(0), (6, 3)), ValueError, "read-only"),
    ],
)
def test_an_out_that_does_not_fit(net, x, out, error, said):
    with pytest.raises(error, match=said):
        net.compile(batch=6)(x, out=out)


def test_what_does_not_fit_is_said_in_a_sentence(net, x):
    predict = net.compile(batch=4)
    with pytest.raises(am.ShapeError, match=r"up to 4 rows; got 6\. Pass fewer"):
        predict(x)
    with pytest.raises(am.ShapeError, match=r"built for inputs \(\.\.\., 5\)"):
        predict(x[:, :4])
    with pytest.raises(TypeError, match="real numbers"):
        predict(np.array(["a"] * 5))
    for bad in (0, -1, 1.5, True, "2"):
        with pytest.raises(ValueError, match="whole batch >= 1"):
            net.compile(batch=bad)
    with pytest.raises(RuntimeError, match="not built"):
        chain(am.Dense(2)).compile()


# ---- later


def test_it_follows_training_and_building(net, x):
    predict = net.compile(batch=6)
    net.parameters *= 1.5
    close(predict(x), net(x))
    am.fit(net, am.CrossEntropy(), x, np.arange(6) % 3, epochs=2, verbose=0)
    close(predict(x), net(x))
    net.build(5, seed=9)
    close(predict(x), net(x))
    net.build(4, dtype="float64")
    close(predict(x[:, :4]), net(x[:, :4]))


def test_it_follows_batch_norm_s_running_statistics():
    net, x = built("batch norm", "float32"), np.ones((6, 5), "float32")
    predict = net.compile(batch=6)
    before = predict(x)
    net.kept[...] *= 2
    assert abs(predict(x) - before).max() > 1e-3
    close(predict(x), net(x))


def test_no_number_is_hidden(net, x):
    x[2, 1], x[4, 0] = np.nan, np.inf
    found, expected = net.compile(batch=6)(x), net(x)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    close(found[[0, 1, 3, 5]], expected[[0, 1, 3, 5]])


def test_an_activation_of_one_s_own_is_left_to_numpy(x):
    class Twice(am.Activation):
        def apply(self, z, mask=None):
            return 2 * z

        def structure(self, z, a, mask=None):
            return am.Diagonal(np.full_like(z, 2))

    net = chain(am.Dense(4), Twice(), am.Dense(3)).build(5)
    predict = net.compile(batch=6)
    assert not predict.native
    close(predict(x), net(x))
    trained = chain(am.Dense(4), am.Swish(beta=am.Trainable(1.0)), am.Dense(3)).build(5)
    predict = trained.compile(batch=6)
    trained.parameters += 0.1
    close(predict(x), trained(x))


def test_without_native_code(net, x):
    predict = net.compile(batch=6)
    with kernels.numpy_only():
        np.testing.assert_array_equal(predict(x), net(x))
        plain = net.compile(batch=6)
        assert not plain.native
    np.testing.assert_array_equal(plain(x), net(x))


def test_it_is_copied_and_pickled_with_its_network(net, x):
    predict = net.compile(batch=6)
    for made in (copy.deepcopy(predict), pickle.loads(pickle.dumps(predict))):
        assert made.net is not net
        close(made(x), net(x))
    assert repr(predict).endswith(".compile(batch=6)")


def test_threads_may_share_one(net):
    predict, wrong = net.compile(batch=400), []
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(rows, 5)).astype("float32") for rows in (1, 40, 400)]
    expected = [net(each) for each in inputs]

    def work():
        for number in range(60):
            x, y = inputs[number % 3], expected[number % 3]
            if abs(predict(x) - y).max() > 1e-5:
                wrong.append(number)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert wrong == []


def test_it_keeps_what_it_needs_alive(x):
    predict = built("dense", "float32").compile(batch=6)
    expected = built("dense", "float32")(x)
    junk = [np.ones(100 + i) for i in range(100)]
    close(predict(x), expected)
    assert len(junk) == 100
