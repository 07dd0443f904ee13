"""Networks: one flat vector, exact derivatives of first and second order, copies."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am
from anymax.differences import along
from anymax.map import Linearization, Map, Parameter

SHARED = "shared layer twice"


def _simplex(rng, rows, n):
    return rng.dirichlet(np.ones(n), rows)


def _real(rng, rows, n):
    return rng.normal(size=(rows, n))


def _labels(rng, rows, n):
    return rng.integers(n, size=rows)


def _shared():
    layer = am.Dense(4)
    return am.Chain(am.Dense(4), am.Tanh(), layer, am.Sigmoid(), layer, am.Softmax())


def _nested():
    inner = am.Chain(am.Dense(5), am.Softmax())
    return am.Chain(inner, am.Chain(am.Dense(4), am.Chain(am.Dense(4), am.Softmax())))


def _heated():
    heat = am.Trainable(1.5, lower=0.1)
    return am.Chain(
        am.Dense(5),
        am.Softmax(temperature=am.Trainable(0.7, lower=0)),
        am.Dense(4),
        am.Softmax(temperature=heat),
    )


def _bent():
    return am.Chain(
        am.Dense(5),
        am.Entmax(alpha=am.Trainable(1.4, lower=1, upper=2)),
        am.Dense(4),
        am.Entmax(alpha=am.Trainable(1.6, lower=1, upper=2)),
    )


NETWORKS = {
    "hidden softmax": (
        lambda: am.Chain(am.Dense(5), am.Softmax(), am.Dense(4)),
        am.SquaredError(),
        _real,
    ),
    "softmax at both": (
        lambda: am.Chain(am.Dense(5), am.Softmax(), am.Dense(4), am.Softmax()),
        am.SquaredError(),
        _simplex,
    ),
    "slope per channel": (
        lambda: am.Chain(
            am.Dense(5), am.PReLU(num_parameters=5), am.Dense(4), am.Softmax()
        ),
        am.CrossEntropy(label_smoothing=0.1),
        _labels,
    ),
    "trained swish": (
        lambda: am.Chain(
            am.Dense(5), am.Swish(beta=am.Trainable(1.2)), am.Dense(4), am.Sigmoid()
        ),
        am.BinaryCrossEntropy(),
        _simplex,
    ),
    "trained temperatures": (_heated, am.CrossEntropy(), _labels),
    "trained alphas": (_bent, am.SquaredError(), _simplex),
    SHARED: (_shared, am.CrossEntropy(z_loss=0.1), _labels),
    "nested": (_nested, am.KLDivergence(), _simplex),
    "no bias": (
        lambda: am.Chain(am.Dense(4, bias=False), am.LogSoftmax()),
        am.NegativeLogLikelihood(),
        _labels,
    ),
}


@pytest.fixture(params=NETWORKS)
def case(request):
    made, loss, targets = NETWORKS[request.param]
    rng = np.random.default_rng(0)
    net = made().build(3, seed=1, dtype="float64")
    net.parameters += 0.1 * rng.normal(size=net.parameters.size)
    return am.Objective(net, loss, l2=0.1), rng.normal(size=(6, 3)), targets(rng, 6, 4)


def moved(objective, function):
    """A function of the flat parameters."""

    def at(theta):
        objective.net.parameters = theta
        return function()

    return at


def test_gradient_is_that_of_the_value(case):
    objective, x, y = case
    check = am.gradient_error(objective, x, y)
    assert check.error < 1e-7, str(check)
    theta = objective.net.parameters.copy()
    f = moved(objective, lambda: objective.value(x, y))
    for j in range(theta.size):
        unit = np.eye(theta.size)[j]
        found = along(f, theta, unit, 1e-4)
        objective.net.parameters = theta
        assert_allclose(objective.gradient(x, y)[j], found, atol=1e-7)


def test_input_gradient_is_that_of_the_value(case):
    objective, x, y = case
    v = np.random.default_rng(1).normal(size=x.shape)
    found = along(lambda at: objective.value(at, y), x, v, 1e-4)
    assert_allclose((objective.input_gradient(x, y) * v).sum(), found, atol=1e-8)
    assert objective.input_gradient(x, y).shape == x.shape


def test_hvp_is_the_change_of_the_gradient(case):
    objective, x, y = case
    theta = objective.net.parameters.copy()
    v = np.random.default_rng(1).normal(size=theta.size)
    f = moved(objective, lambda: objective.gradient(x, y))
    found = along(f, theta, v, 1e-4)
    objective.net.parameters = theta
    assert_allclose(objective.hvp(x, y, v), found, atol=1e-7, rtol=1e-6)


def test_gauss_newton_is_positive_semi_definite_and_symmetric(case):
    objective, x, y = case
    size = objective.net.parameters.size
    matrix = np.stack([objective.gauss_newton(x, y, v) for v in np.eye(size)])
    assert_allclose(matrix, matrix.T, atol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > -1e-12


def test_gauss_newton_is_the_hessian_of_a_linear_network():
    rng = np.random.default_rng(0)
    net = am.Chain(am.Dense(3), am.Softmax()).build(4, dtype="float64")
    objective = am.Objective(net, am.CrossEntropy(), l2=0.3)
    x, y, v = rng.normal(size=(5, 4)), rng.integers(3, size=5), rng.normal(size=15)
    assert_allclose(objective.gauss_newton(x, y, v), objective.hvp(x, y, v), atol=1e-14)


def test_linearization_of_a_chain_is_adjoint():
    rng = np.random.default_rng(0)
    net = _shared().build(3, dtype="float64")
    theta, x = net.views(net), rng.normal(size=(2, 5, 3))
    a, point = net.linearize((x,), theta)
    g, v = rng.normal(size=a.shape), rng.normal(size=x.shape)
    w = net.views(net, rng.normal(size=net.parameters.size))
    (by_x,), by_theta = point.vjp(g)
    down = (by_x * v).sum() + sum(
        (b * e).sum() for b, e in zip(by_theta, w, strict=True)
    )
    assert_allclose((g * point.jvp((v,), w)).sum(), down, rtol=1e-12)


def test_penalties_skip_biases_and_match_their_formula():
    net = am.Chain(am.Dense(3), am.PReLU(), am.Dense(2)).build(4, dtype="float64")
    net.parameters += 1
    x, y = np.ones((1, 4)), np.zeros((1, 2))
    plain = am.Objective(net, am.SquaredError())
    both = am.Objective(net, am.SquaredError(), l1=0.5, l2=0.25)
    named = net.named_parameters()
    w = np.concatenate([named["0.weight"].ravel(), named["2.weight"].ravel()])
    penalty = 0.5 * np.abs(w).sum() + 0.125 * (w**2).sum()
    assert_allclose(both.value(x, y) - plain.value(x, y), penalty)
    assert am.gradient_error(both, x, y).ok
    still = both.gradient(x, y) - plain.gradient(x, y)
    assert not any(part.any() for part in (still[12:15], still[15:16], still[-2:]))


def test_softmax_along_another_axis_inside_and_at_the_end():
    rng = np.random.default_rng(0)
    for last in (am.Dense(2), am.Softmax(axis=-2), am.Softmax(axis=1)):
        net = am.Chain(am.Dense(4), am.Softmax(axis=-2), am.Dense(2), last)
        net.build((5, 3), dtype="float64")
        x = rng.normal(size=(6, 5, 3))
        y = rng.dirichlet(np.ones(5), (6, 2)).transpose(0, 2, 1)
        objective = am.Objective(net, am.SquaredError())
        assert am.gradient_error(objective, x, y).ok
        v = rng.normal(size=net.parameters.size)
        theta = net.parameters.copy()
        f = moved(objective, lambda o=objective, x=x, y=y: o.gradient(x, y))
        found = along(f, theta, v, 1e-4)
        net.parameters = theta
        assert_allclose(objective.hvp(x, y, v), found, atol=1e-9)
    assert_allclose(net(x).sum(1), 1)


def test_the_value_is_that_of_the_outputs():
    rng = np.random.default_rng(0)
    net = am.Chain(am.Dense(3), am.Softmax()).build(4)
    x, y, w = rng.normal(size=(5, 4)), rng.integers(3, size=5), rng.random(5)
    objective, loss = am.Objective(net, am.CrossEntropy()), am.CrossEntropy()
    expected = loss(net(x), y, sample_weight=w)
    assert_allclose(objective.value(x, y, sample_weight=w), expected, rtol=1e-6)
    assert_allclose(am.Softmax()(net.logits(x)), net(x), rtol=1e-6)  # float32


def test_mask_reaches_the_output_map():
    rng = np.random.default_rng(0)
    net = am.Chain(am.Dense(3), am.Softmax()).build(2, dtype="float64")
    x, y = rng.normal(size=(4, 2)), np.array([0, 0, 1, 1])
    keep = np.array([True, True, False])
    objective = am.Objective(net, am.CrossEntropy())
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    expected = pair.value(net.logits(x), y, mask=keep)
    assert_allclose(objective.value(x, y, mask=keep), expected)
    gradient = net.views(net, objective.gradient(x, y, mask=keep))
    assert not gradient[0][:, 2].any()
    assert not gradient[1][2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_rows_that_count_nowhere_poison_nothing(bad):
    rng = np.random.default_rng(0)
    net = am.Chain(am.Dense(5), am.Exp(), am.Dense(3), am.Softmax()).build(
        2, dtype="float64"
    )
    x, y, v = rng.normal(size=(4, 2)), np.array([0, 1, 2, 0]), rng.normal(size=33)
    spoiled = np.where(np.arange(4)[:, None] == 3, bad, x)
    counted = am.Objective(net, am.CrossEntropy(ignore_index=-1))
    ignoring = {"y": np.array([0, 1, 2, -1])}
    weighted = {"y": y, "sample_weight": [1.0, 1.0, 1.0, 0.0]}
    for given in (ignoring, weighted):
        assert_allclose(counted.value(spoiled, **given), counted.value(x[:3], y[:3]))
        assert_allclose(
            counted.gradient(spoiled, **given), counted.gradient(x[:3], y[:3])
        )
        assert_allclose(
            counted.hvp(spoiled, v=v, **given), counted.hvp(x[:3], y[:3], v), atol=1e-14
        )
        assert not counted.input_gradient(spoiled, **given)[3].any()


def test_noise_is_drawn_only_with_a_key_and_differs_between_places():
    noisy = am.GumbelSoftmax()
    net = am.Chain(noisy, noisy).build(4, dtype="float64")
    x, y = np.zeros((3, 4)), np.array([0, 1, 2])
    objective = am.Objective(net, am.CrossEntropy())
    one, two = (objective.value(x, y, key=am.Key(seed=s)) for s in (0, 0))
    assert one == two != objective.value(x, y, key=am.Key(seed=1))
    assert objective.value(x, y) == pytest.approx(np.log(4))
    views = net.views(net)
    first, _ = am.Chain(noisy).linearize((x,), views, key=am.Key(seed=0))
    again, _ = am.Chain(am.Softmax(), noisy).linearize((x,), views, key=am.Key(seed=0))
    assert not np.allclose(first, again)
    assert_array_equal(first, noisy(x, key=am.Key(seed=0)))


def test_gradients_with_a_key_are_those_of_one_draw():
    net = am.Chain(am.Dense(4), am.ReLU(), am.Dense(3), am.GumbelSoftmax())
    net.build(2, dtype="float64")
    x, y = np.random.default_rng(0).normal(size=(5, 2)), np.array([0, 1, 2, 0, 1])
    objective, key = am.Objective(net, am.CrossEntropy()), am.Key(seed=3)
    v = np.random.default_rng(1).normal(size=net.parameters.size)
    theta = net.parameters.copy()
    found = along(
        moved(objective, lambda: objective.value(x, y, key=key)), theta, v, 1e-5
    )
    net.parameters = theta
    assert_allclose(objective.gradient(x, y, key=key) @ v, found, rtol=1e-7)


# ---- the flat vector


def test_named_parameters_are_views_of_one_vector():
    net = _nested().build(3, seed=2)
    names = list(net.named_parameters())
    assert names[:2] == ["0.0.weight", "0.0.bias"]
    assert names[-1] == "1.1.0.bias"
    net.named_parameters()["0.0.weight"][...] = 7
    assert (net.parameters[:15] == 7).all()
    net.parameters[...] = 0
    assert not any(view.any() for view in net.named_parameters().values())


def test_a_shared_layer_has_its_parameters_once():
    net = _shared().build(3)
    assert net.parameters.size == 3 * 4 + 4 + 4 * 4 + 4
    assert list(net.named_parameters()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert "as before" in net.summary()


def test_a_chain_within_a_chain_lives_in_the_outer_vector():
    encoder = am.Chain(am.Dense(2), am.Tanh())
    decoder = am.Chain(am.Dense(3))
    net = am.Chain(encoder, decoder).build(3, seed=4)
    x = np.ones((2, 3), np.float32)
    assert np.shares_memory(encoder.parameters, net.parameters)
    assert_allclose(decoder(encoder(x)), net(x), rtol=1e-6)
    net.parameters[...] = 0
    assert not encoder.parameters.any()


def test_build_depends_on_seed_and_position_alone():
    def made(activation, seed):
        return am.Chain(am.Dense(4), activation, am.Dense(2)).build(3, seed=seed)

    one, two = made(am.ReLU(), 0).parameters, made(am.Softmax(), 0).parameters
    assert_array_equal(one, two)
    assert not np.array_equal(one, made(am.ReLU(), 1).parameters)
    weight = made(am.ReLU(), 0).named_parameters()["0.weight"]
    assert np.abs(weight).max() <= np.sqrt(6 / (3 + 4))


@pytest.mark.parametrize("kernel", ["he_normal", "lecun_uniform", "glorot_normal"])
def test_initializers_have_the_variance_they_are_named_for(kernel):
    net = am.Chain(am.Dense(300, kernel=kernel)).build(200, dtype="float64")
    wanted = {"he_normal": 2 / 200, "lecun_uniform": 1 / 200, "glorot_normal": 2 / 500}
    assert_allclose(net.named_parameters()["0.weight"].var(), wanted[kernel], rtol=0.03)


@pytest.mark.parametrize("made", [_nested, _shared, _heated])
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))]
)
def test_copies_keep_views_and_share_nothing(made, copied):
    net = made().build(3)
    net.classes = np.array(["a", "b", "c", "d"])
    x = np.random.default_rng(0).normal(size=(5, 3))
    twin, before = copied(net), net(x)
    assert_array_equal(twin(x), before)
    assert_array_equal(twin.predict(x), net.predict(x))
    twin.parameters[...] = 0
    assert not any(view.any() for view in twin.named_parameters().values())
    assert_array_equal(net(x), before)
    y = np.zeros(5, int)
    for each in (net, twin):
        objective = am.Objective(each.astype("float64"), am.CrossEntropy())
        assert am.gradient_error(objective, x, y).ok


def test_float32_stays_float32():
    for made in (_heated, _shared, _nested):
        net = made().build(3)
        x, y = np.ones((2, 3)), np.array([0, 1])
        value, gradient = am.Objective(
            net, am.CrossEntropy(), l2=0.1
        ).value_and_gradient(x, y)
        assert {net(x).dtype, value.dtype, gradient.dtype} == {np.dtype("float32")}
        v = np.ones(gradient.size)
        objective = am.Objective(net, am.CrossEntropy(), l2=0.1)
        assert objective.hvp(x, y, v).dtype == np.float32
        assert objective.input_gradient(x, y).dtype == np.float32
        assert net.astype("float64")(x).dtype == np.float64


# ---- answers and errors


def test_predict_gives_labels_where_there_are_classes_and_outputs_elsewhere():
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    net = am.Chain(am.Softmax()).build(2)
    assert_array_equal(net.predict(x), [0, 1])
    assert_array_equal(am.Chain(am.LogSoftmax()).build(2).predict(x), [0, 1])
    net.classes = np.array(["cat", "dog"])
    assert_array_equal(net.predict(x), ["cat", "dog"])
    assert_array_equal(am.Chain(am.Identity()).build(2).predict(x), x)


def test_repr_and_summary_say_what_is_there():
    net = am.Chain(am.Dense(32), am.ReLU(), am.Chain(am.Dense(10), am.Softmax()))
    assert repr(net) == "Chain(Dense(32), ReLU(), Chain(Dense(10), Softmax()))"
    text = net.build(64).summary()
    assert text.splitlines()[1].split() == ["0", "Dense(32)", "(...,", "32)", "2,080"]
    assert text.endswith("2,410 parameters, float32")


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: am.Chain(am.Dense(2))([[1.0]]), RuntimeError, "not built"),
        (
            lambda: am.Chain(am.Dense(2)).build(3)(np.ones((5, 4))),
            am.ShapeError,
            r"\(5, 4\)",
        ),
        (
            lambda: am.Chain(am.Dense(1), am.Softmax()).build(3),
            am.ShapeError,
            "Sigmoid",
        ),
        (lambda: am.Chain(am.Dense(2), "relu"), TypeError, "relu"),
        (lambda: am.Chain(am.Dense(2)).build("3"), TypeError, "'3'"),
        (lambda: am.Chain(am.Dense(2)).build(), TypeError, "width"),
        (lambda: am.Chain(am.Dense(2)).build(0), am.ShapeError, "feature"),
        (lambda: am.Chain(am.Dense(2)).build(2, dtype="int32"), TypeError, "int32"),
        (lambda: am.Dense(0), ValueError, "units"),
        (lambda: am.Dense(2, kernel="glorot"), ValueError, "glorot_"),
        (lambda: am.Objective(am.Dense(2), am.SquaredError()), TypeError, "network"),
        (
            lambda: am.Objective(am.Chain(am.Tanh()), am.CrossEntropy()),
            am.DomainError,
            "Tanh",
        ),
    ],
)
def test_errors_say_what_to_do(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_a_layer_placed_twice_needs_one_width():
    layer = am.Dense(5)
    with pytest.raises(
        am.ShapeError, match=r"Dense\(5\) needs inputs \(..., 3\); got \(5,\)"
    ):
        am.Chain(layer, layer).build(3)


class Halved(Map):
    """y = w x with a wrong derivative by w: what a check is there to find."""

    def __init__(self, factor):
        self.factor = factor

    @property
    def parameters(self):
        return (Parameter("scale", (), lambda rng, shape: np.ones(shape)),)

    def linearize(self, inputs, parameters, state=(), *, training=False, key=None):
        return inputs[0] * parameters[0], Scaled(inputs[0], parameters[0], self.factor)


class Scaled(Linearization):
    def __init__(self, x, w, factor):
        self.x, self.w, self.factor = x, w, factor

    def vjp(self, g):
        return (g * self.w,), (np.asarray(self.factor * (g * self.x).sum()),)

    def jvp(self, v_inputs, v_parameters):
        return self.w * v_inputs[0] + self.x * v_parameters[0]

    def vjp_derivative(self, v_inputs, v_parameters, g, dg):
        by_x = dg * self.w + g * v_parameters[0]
        return (by_x,), (np.asarray((dg * self.x + g * v_inputs[0]).sum()),)


@pytest.mark.parametrize("factor", [1.0, 1.01, 0.0, -1.0])
def test_gradient_error_finds_a_wrong_layer_and_names_it(factor):
    rng = np.random.default_rng(0)
    net = am.Chain(am.Dense(4), am.ReLU(), Halved(factor), am.Dense(3), am.Softmax())
    objective = am.Objective(net.build(2), am.CrossEntropy())
    check = am.gradient_error(
        objective, rng.normal(size=(8, 2)), rng.integers(3, size=8)
    )
    if factor == 1:
        assert check.ok
        assert check.error < 1e-8
    else:
        assert not check.ok
        assert check.worst == "2.scale"
        assert check.error > 0.9 * min(1, abs(factor - 1))
        assert "differs" in str(check)


def test_gradient_error_leaves_the_network_alone():
    net = am.Chain(am.Dense(3), am.Softmax()).build(2)
    before = net.parameters.copy()
    am.gradient_error(am.Objective(net, am.CrossEntropy()), [[1.0, 2.0]], [1])
    assert_array_equal(net.parameters, before)
    assert net.dtype == np.float32


def test_explain_shows_shapes_the_pair_and_what_arrives():
    net = am.Chain(am.Dense(4), am.Softmax(), am.Dense(3), am.Softmax())
    objective = am.Objective(net.build(2, dtype="float64"), am.SquaredError())
    text = objective.explain([1.0, -0.5], [0, 1, 0])
    gradient = objective.gradient([1.0, -0.5], [0, 1, 0])
    assert "J = da/dz (3, 3) couples the outputs" in text
    line = next(each for each in text.splitlines() if "dL/d(0.weight)" in each)
    assert line.split()[-1] == f"{np.linalg.norm(gradient[:8]):.6g}"
    assert "(2, 4)" in line
    with pytest.raises(am.ShapeError, match="one example"):
        objective.explain([[1.0, -0.5]], [[0, 1, 0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_begin_on_a_line_of_the_cache(dtype):
    net = am.Chain(am.Dense(3), am.BatchNorm()).build(5, dtype=dtype)
    for made in (net, net.astype("float64"), net.astype("float32")):
        assert made.parameters.ctypes.data % 64 == made.kept.ctypes.data % 64 == 0
    np.testing.assert_array_equal(net.astype("float64").kept, net.kept)
