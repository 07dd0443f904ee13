"""Every layer of the package: exact derivatives, noise, state, shapes and errors."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am
from anymax import initializers, layers
from anymax.differences import along
from anymax.registry import samples
from anymax.tying import Tied

SAMPLES = {
    **samples(layers),
    "Dense without bias": am.Dense(3, bias=False),
    "BatchNorm alone": am.BatchNorm(scale=False, shift=False),
    "LayerNorm with gain": am.LayerNorm(shift=False, eps=0.3),
    "LayerNorm with shift": am.LayerNorm(scale=False),
    "RMSNorm alone": am.RMSNorm(scale=False, eps=0.1),
    "Reshape to more axes": am.Reshape(3, -1, 1),
}
SHAPES = [(6,), (3, 6)]  # of one example; the second makes (batch, time, features)
BATCH = 5
STEP = 1e-3
KEY = am.Key(seed=4)


class Case:
    """A layer at random inputs, parameters and state, with tangents and covectors."""

    def __init__(self, layer, shape, training, dtype="float64"):
        self.layer, self.training = copy.deepcopy(layer), training
        self.layer.build(shape)
        rng = np.random.default_rng(7)
        self.whole = isinstance(layer, am.Embedding)
        x = rng.integers(7, size=(BATCH, *shape)) if self.whole else None
        x = rng.normal(size=(BATCH, *shape)) if x is None else x
        self.x, self.v = x.astype(dtype), rng.normal(size=x.shape).astype(dtype)
        self.parameters = self.drawn(rng, 1.0, dtype)
        self.tangents = self.drawn(rng, 0.0, dtype)
        self.state = tuple(
            (each.init + rng.random(each.shape)).astype(dtype)
            for each in self.layer.state
        )
        self.g, self.dg = (rng.normal(size=self.y.shape).astype(dtype) for _ in "gd")

    def drawn(self, rng, level, dtype):
        return tuple(
            (level + rng.normal(size=p.shape)).astype(dtype)
            for p in self.layer.parameters
        )

    def at(self, x=None, parameters=None):
        x = self.x if x is None else x
        parameters = self.parameters if parameters is None else parameters
        return self.layer.linearize(
            (x,), parameters, self.state, training=self.training, key=KEY
        )

    @property
    def y(self):
        return self.at()[0]

    @property
    def point(self):
        return self.at()[1]

    def moved(self, t):
        """Inputs and parameters a step along the tangents; indices do not move."""
        x = self.x if self.whole else self.x + t * self.v
        pairs = zip(self.parameters, self.tangents, strict=True)
        return x, tuple(p + t * v for p, v in pairs)


@pytest.fixture(params=SAMPLES)
def name(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["still", "training"])
def training(request):
    return request.param


@pytest.fixture(params=SHAPES, ids=str)
def case(name, training, request):
    return Case(SAMPLES[name], request.param, training)


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays]) if arrays else np.zeros(0)


def dot(one, two):
    return flat(one) @ flat(two)


# ---- derivatives


def test_jvp_is_the_change_of_the_outputs(case):
    found = along(lambda t: case.at(*case.moved(t))[0], 0.0, 1.0, STEP)
    change = case.point.jvp((case.v,), case.tangents)
    assert_allclose(change, found, rtol=1e-7, atol=1e-7)


def test_vjp_is_adjoint_of_jvp(case):
    by_inputs, by_parameters = case.point.vjp(case.g)
    assert [g.shape for g in by_inputs] == [case.x.shape]
    shapes = [p.shape for p in case.layer.parameters]
    assert [g.shape for g in by_parameters] == shapes
    down = dot(by_inputs, (case.v,)) + dot(by_parameters, case.tangents)
    up = case.point.jvp((case.v,), case.tangents)
    assert_allclose(down, (case.g * up).sum(), rtol=1e-12, atol=1e-12)


def test_gradients_agree_with_differences_entry_by_entry(case):
    by_inputs, by_parameters = case.point.vjp(case.g)

    def value(x, parameters):
        return (case.at(x, parameters)[0] * case.g).sum()

    if not case.whole:
        at = partial(value, parameters=case.parameters)
        assert_allclose(by_inputs[0], entries(at, case.x), rtol=1e-7, atol=1e-7)
    for i, found in enumerate(by_parameters):

        def at(p, i=i):
            return value(case.x, (*case.parameters[:i], p, *case.parameters[i + 1 :]))

        expected = entries(at, case.parameters[i])
        assert_allclose(found, expected, rtol=1e-7, atol=1e-7)


def entries(f, x):
    """The gradient of a function with one value, by differences."""
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([along(f, x, unit, STEP) for unit in units]).reshape(x.shape)


def test_vjp_derivative_is_the_change_of_vjp(case):
    def gradient(t):
        by_inputs, by_parameters = case.at(*case.moved(t))[1].vjp(case.g + t * case.dg)
        return flat((*by_inputs, *by_parameters))

    by_inputs, by_parameters = case.point.vjp_derivative(
        (case.v,), case.tangents, case.g, case.dg
    )
    found = along(gradient, 0.0, 1.0, STEP)
    change = flat((*by_inputs, *by_parameters))
    assert_allclose(change, found, rtol=1e-5, atol=1e-5)
    assert np.max(np.abs(change - found)) < 1e-7 * max(1, np.linalg.norm(found))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_network_with_it_agrees_with_differences(name, shape):
    layer = copy.deepcopy(SAMPLES[name])
    first = [am.Dense(6), am.Tanh()] * (not isinstance(layer, am.Embedding))
    net = am.Chain(*first, layer, am.Flatten(), am.Dense(3), am.Softmax())
    net.build(shape, dtype="float64")
    rng = np.random.default_rng(1)
    net.parameters += 0.2 * rng.normal(size=net.parameters.size)
    x, y = rng.integers(7, size=(BATCH, *shape)), rng.integers(3, size=BATCH)
    objective, key = am.Objective(net, am.CrossEntropy(), l2=0.1), {"key": KEY}
    theta, v = net.parameters.copy(), rng.normal(size=net.parameters.size)

    def at(function, t):
        net.parameters = t
        return function(x, y, **key)

    value = partial(at, objective.value)
    slope, change = objective.gradient(x, y, **key), objective.hvp(x, y, v, **key)
    assert_allclose(slope @ v, along(value, theta, v, 1e-4), rtol=1e-7, atol=1e-7)
    found = along(partial(at, objective.gradient), theta, v, 1e-4)
    net.parameters = theta
    assert np.linalg.norm(change - found) < 1e-5 * max(1, np.linalg.norm(found))
    if first:
        u = rng.normal(size=x.shape)
        found = along(lambda at: objective.value(at, y, **key), x, u, 1e-4)
        exact = (objective.input_gradient(x, y, **key) * u).sum()
        assert_allclose(exact, found, rtol=1e-7, atol=1e-7)


# ---- arrays


def test_float32_stays_float32(name, training):
    case = Case(SAMPLES[name], (6,), training, "float32")
    y, point = case.at()
    found = [y, *point.state, point.jvp((case.v,), case.tangents)]
    for pair in (
        point.vjp(case.g),
        point.vjp_derivative((case.v,), case.tangents, case.g, case.dg),
    ):
        found += [*pair[0], *pair[1]]
    assert {each.dtype for each in found} == {np.dtype("float32")}


def test_output_shape_is_that_of_the_outputs(case):
    shape = case.x.shape[1:]
    assert case.y.shape == (BATCH, *case.layer.output_shape(shape))


def test_leading_axes_are_all_batch(case):
    if case.layer.coupling == "batch":
        return
    y, _ = case.layer.linearize((case.x,), case.parameters)
    wide, point = case.layer.linearize((case.x[None, :, None],), case.parameters)
    assert_allclose(wide[0, :, 0], y, rtol=1e-12)
    by_x = point.vjp(case.g[None, :, None])[0][0]
    assert by_x.shape == (1, BATCH, 1, *case.x.shape[1:])
    alone, _ = case.layer.linearize((case.x[2],), case.parameters)
    assert_allclose(alone, y[2], rtol=1e-12)


def test_no_rows_give_no_rows_and_gradients_of_zero(name, training):
    case = Case(SAMPLES[name], (6,), training)
    y, point = case.at(case.x[:0])
    assert y.shape == (0, *case.y.shape[1:])
    v = (case.v[:0],)
    assert point.jvp(v, case.tangents).shape == y.shape
    for (by_x,), by_parameters in (
        point.vjp(y),
        point.vjp_derivative(v, case.tangents, y, y),
    ):
        assert by_x.shape == (0, 6)
        assert not flat(by_parameters).any()
    for before, after in zip(case.state, point.state, strict=True):
        assert_array_equal(before, after)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_row(name, training, bad):
    case = Case(SAMPLES[name], (6,), training)
    if case.whole or (training and case.layer.coupling == "batch"):
        return
    spoiled = case.x.copy()
    spoiled[2] = bad
    y, point = case.at(spoiled)
    others = np.arange(BATCH) != 2
    assert_allclose(y[others], case.y[others], rtol=1e-12)
    assert not np.isfinite(y[2]).all()
    by_x = point.vjp(case.g)[0][0]
    assert_allclose(by_x[others], case.point.vjp(case.g)[0][0][others], rtol=1e-12)


def test_repr_can_be_read_back(name):
    layer = SAMPLES[name]
    again = eval(repr(layer), {n: getattr(am, n) for n in layers.__all__})
    assert repr(again) == repr(layer)


def test_copies_compute_the_same(case):
    for made in (copy.deepcopy(case), pickle.loads(pickle.dumps(case))):
        assert_array_equal(made.y, case.y)


# ---- noise


NOISY = [am.Dropout(0.3), am.GaussianNoise(0.5)]


def noisy(layer, x, key=KEY, training=True):
    return layer.linearize((x,), (), training=training, key=key)[0]


@pytest.mark.parametrize("layer", NOISY, ids=repr)
def test_noise_is_drawn_only_when_training_with_a_key(layer):
    x = np.random.default_rng(0).normal(size=(4, 9))
    assert_array_equal(noisy(layer, x, key=None), x)
    assert_array_equal(noisy(layer, x, training=False), x)
    assert not np.array_equal(noisy(layer, x), x)
    net = am.Chain(layer).build(9, dtype="float64")
    assert_array_equal(net(x), x)


@pytest.mark.parametrize("layer", NOISY, ids=repr)
def test_the_same_key_draws_the_same_and_others_draw_others(layer):
    x = np.ones((4, 9))
    assert_array_equal(noisy(layer, x), noisy(layer, x))
    for other in (am.Key(5), am.Key(4, layer=1), am.Key(4, step=1)):
        assert not np.array_equal(noisy(layer, x), noisy(layer, x, other))


@pytest.mark.parametrize("layer", NOISY, ids=repr)
@pytest.mark.parametrize("shape", [(9,), (3, 5)], ids=str)
def test_slices_of_rows_draw_what_the_whole_batch_would(layer, shape):
    x = np.random.default_rng(0).normal(size=(8, *shape))
    parts = [
        noisy(layer, x[a:b], am.Key(4, first_row=a))
        for a, b in ((0, 3), (3, 7), (7, 8))
    ]
    assert_array_equal(np.concatenate(parts), noisy(layer, x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_its_share(rate, dtype):
    y = noisy(am.Dropout(rate), np.ones((400, 250), dtype))
    count = y.size
    assert abs((y == 0).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / count)
    assert abs(y.mean() - 1) < 5 * np.sqrt(rate / (1 - rate) / count)
    assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-6)


def test_dropout_of_nothing_is_the_identity_and_drops_inf_and_nan():
    x = np.full((50, 4), np.inf)
    assert_array_equal(noisy(am.Dropout(0.0), x), x)
    assert set(noisy(am.Dropout(0.5), x).ravel()) == {0.0, np.inf}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaussian_noise_has_its_moments(dtype):
    e = noisy(am.GaussianNoise(2.0), np.zeros((400, 250), dtype)) / 2
    count = e.size
    moments = [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]
    for power, mean, variance in moments:
        found = (e.astype(float) ** power).mean()
        assert abs(found - mean) < 5 * np.sqrt(variance / count)
    pairs = (e[:, 0::2] * e[:, 1::2]).mean(), (e[:-1] * e[1:]).mean()
    assert max(map(abs, pairs)) < 5 / np.sqrt(count / 2)


# ---- normalising


def test_layer_norm_is_standardize_with_gain_and_shift():
    x = np.random.default_rng(0).normal(size=(5, 6))
    layer, gain, shift = am.LayerNorm(eps=1e-300), np.arange(6.0), np.ones(6)
    layer.build((6,))
    y, _ = layer.linearize((x,), (gain, shift))
    assert_allclose(y, am.Standardize()(x) * gain + shift, rtol=1e-12)


def test_rms_norm_is_its_formula():
    x = np.random.default_rng(0).normal(size=(5, 6))
    layer = am.RMSNorm(eps=0.25, scale=False)
    layer.build((6,))
    y, _ = layer.linearize((x,), ())
    assert_allclose(y, x / np.sqrt((x * x).mean(-1, keepdims=True) + 0.25))


@pytest.mark.parametrize("shape", [(40, 3), (8, 5, 3), (2, 4, 5, 3)], ids=str)
def test_batch_norm_of_a_batch_has_mean_0_and_variance_1(shape):
    x = 3 + 2 * np.random.default_rng(0).normal(size=shape)
    layer = am.BatchNorm(eps=1e-300, momentum=0.75)
    layer.build(shape[1:])
    state = np.full(3, 0.5), np.full(3, 2.0)
    y, point = layer.linearize((x,), (np.ones(3), np.zeros(3)), state, training=True)
    rows = x.reshape(-1, 3)
    assert_allclose(y.reshape(-1, 3).mean(0), 0, atol=1e-13)
    assert_allclose(y.reshape(-1, 3).var(0), 1)
    assert_allclose(point.state[0], 0.75 * 0.5 + 0.25 * rows.mean(0))
    assert_allclose(point.state[1], 0.75 * 2.0 + 0.25 * rows.var(0))


def test_batch_norm_afterwards_is_one_line_for_each_column():
    rng = np.random.default_rng(0)
    x, mean, variance = rng.normal(size=(5, 3)), rng.normal(size=3), rng.random(3)
    layer = am.BatchNorm(eps=0.5)
    layer.build((3,))
    gain, shift = rng.normal(size=(2, 3))
    y, point = layer.linearize((x,), (gain, shift), (mean, variance))
    assert_allclose(y, (x - mean) / np.sqrt(variance + 0.5) * gain + shift)
    assert_array_equal(point.state, (mean, variance))


def test_a_batch_of_one_row_gives_the_shift():
    layer = am.BatchNorm()
    layer.build((3,))
    shift, state = np.arange(3.0), (np.zeros(3), np.ones(3))
    for x in (np.ones((1, 3)), np.ones(3)):
        y, point = layer.linearize((x,), (np.ones(3), shift), state, training=True)
        assert_array_equal(y, np.broadcast_to(shift, x.shape))
        assert not point.vjp(np.ones(x.shape))[0][0].any()


def test_constant_rows_are_no_singularity():
    for layer in (am.LayerNorm(), am.RMSNorm()):
        layer.build((4,))
        parameters = [np.ones(4) for _ in layer.parameters]
        y, point = layer.linearize((np.zeros((2, 4)),), tuple(parameters))
        found = [*point.vjp(np.ones((2, 4)))[0], y, point.jvp((y,), tuple(parameters))]
        assert all(np.isfinite(each).all() for each in found)


def test_penalties_skip_gains_shifts_and_biases():
    everything = [am.Dense(4), am.LayerNorm(), am.RMSNorm(), am.BatchNorm()]
    net = am.Chain(*everything).build(3)
    decayed = {
        f"{i}.{p.name}"
        for i, each in enumerate(everything)
        for p in each.parameters
        if p.decay
    }
    assert decayed == {"0.weight"}
    assert net.decays().sum() == 12


# ---- looking up


def test_embedding_is_a_dense_layer_of_one_hot_rows():
    rng = np.random.default_rng(0)
    weight, ids = rng.normal(size=(7, 3)), rng.integers(7, size=(50, 4))
    g = rng.normal(size=(50, 4, 3))
    y, point = am.Embedding(7, 3).linearize((ids,), (weight,))
    one_hot = np.eye(7)[ids]
    assert_array_equal(y, weight[ids])
    assert_allclose(y, one_hot @ weight)
    expected = np.einsum("bti,btj->ij", one_hot, g)
    assert_allclose(point.vjp(g)[1][0], expected, atol=1e-13)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", "bool"])
def test_embedding_takes_whole_numbers_of_any_dtype(dtype):
    weight = np.arange(6.0).reshape(2, 3)
    y, _ = am.Embedding(2, 3).linearize((np.array([1, 0], dtype),), (weight,))
    assert_array_equal(y, weight[[1, 0]])


@pytest.mark.parametrize("bad", [7, -1, 0.5, np.nan, np.inf])
def test_embedding_names_the_row_that_holds_no_index(bad):
    layer, x = am.Embedding(7, 3), np.zeros((5, 2))
    x[3, 1] = bad
    with pytest.raises(am.DomainError, match=rf"0 to 6; got {bad}.*in row 3\."):
        layer.linearize((x,), (np.ones((7, 3)),))


def test_columns_pick_scatter_and_count_from_the_end():
    x = np.arange(10.0).reshape(2, 5)
    y, point = am.Columns([4, 0, -1]).linearize((x,), ())
    assert_array_equal(y, x[:, [4, 0, 4]])
    assert_array_equal(
        point.vjp(np.array([[1.0, 2, 4], [0, 0, 1]]))[0][0][0], [2, 0, 0, 0, 5]
    )


def test_a_table_with_a_column_of_classes_is_trained():
    column = am.Chain(am.Columns([0]), am.Embedding(4, 3), am.Flatten())
    net = am.Chain(column, am.Dense(3), am.Softmax()).build(2, dtype="float64")
    x = np.array([[0, 0.5], [3, 0.1], [1, 0.2], [3, 0.9]])
    assert am.gradient_error(am.Objective(net, am.CrossEntropy()), x, [0, 1, 2, 1]).ok


def test_flatten_and_reshape_undo_each_other():
    x = np.random.default_rng(0).normal(size=(3, 2, 4))
    net = am.Chain(am.Flatten(), am.Reshape(2, -1)).build((2, 4), dtype="float64")
    assert_array_equal(net(x), x)
    assert_array_equal(
        am.Chain(am.Flatten()).build((2, 4), dtype="float64")(x)[0], x[0].ravel()
    )


# ---- tying


def _autoencoder():
    encoder = am.Dense(4)
    return am.Chain(encoder, am.Tanh(), am.Dense(weight=encoder.weight.T))


def _repeated():
    first = am.Dense(3)
    last = am.Dense(3, weight=first.weight, bias_init=initializers.constant(0.5))
    return am.Chain(
        first, am.Sigmoid(), last, am.Sigmoid(), am.Dense(weight=last.weight)
    )


@pytest.mark.parametrize("made", [_autoencoder, _repeated])
def test_tied_weights_are_one_array_with_exact_derivatives(made):
    net = made().build(3, dtype="float64")
    names = [each for each in net.named_parameters() if "weight" in each]
    assert names == ["0.weight"]
    rng = np.random.default_rng(0)
    x, y, v = *rng.normal(size=(2, 5, 3)), rng.normal(size=net.parameters.size)
    objective = am.Objective(net, am.SquaredError(), l2=0.2)
    assert am.gradient_error(objective, x, y).error < 1e-7
    theta, change = net.parameters.copy(), objective.hvp(x, y, v)

    def gradient(at):
        net.parameters = at
        return objective.gradient(x, y)

    found = along(gradient, theta, v, 1e-4)
    assert np.linalg.norm(change - found) < 1e-7 * np.linalg.norm(found)


def test_an_output_layer_uses_the_transposed_embedding():
    words = am.Embedding(6, 3)
    net = am.Chain(words, am.Tanh(), am.Dense(weight=words.weight.T), am.Softmax())
    net.build((), dtype="float64")
    named = net.named_parameters()
    assert {k: v.shape for k, v in named.items()} == {
        "0.weight": (6, 3),
        "2.bias": (6,),
    }
    x, y = np.array([0, 5, 2, 5]), np.array([1, 2, 3, 4])
    expected = np.tanh(named["0.weight"][x]) @ named["0.weight"].T
    assert_allclose(net.logits(x), expected)
    objective = am.Objective(net, am.CrossEntropy())
    before = objective.value(x, y)
    for _ in range(200):
        net.parameters -= objective.gradient(x, y)
    assert objective.value(x, y) < 0.5 * before
    twin = copy.deepcopy(net)
    assert_array_equal(twin(x), net(x))
    twin.parameters[...] = 0
    assert_allclose(twin(x), 1 / 6)


def test_a_tied_weight_says_whose_it_is():
    layer = am.Embedding(9, 3)
    tied = am.Dense(weight=layer.weight.T)
    assert repr(tied) == "Dense(weight=Embedding(9, 3).weight.T)"
    assert repr(am.Dense(4, bias=False)) == "Dense(4, bias=False)"
    assert tied.weight.owner is layer
    assert tied.weight.T.T.shape == (3, 9)
    assert isinstance(layer.weight, Tied)


# ---- initializers


RNG = partial(np.random.default_rng, 3)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 5)], ids=str)
def test_orthogonal_rows_or_columns_are_orthonormal(shape):
    w = initializers.orthogonal(2.0)(RNG(), shape).reshape(-1, shape[-1]) / 2
    small = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    assert_allclose(small, np.eye(len(small)), atol=1e-14)


def test_orthogonal_favours_no_direction():
    turned = initializers.orthogonal()
    found = [turned(np.random.default_rng([3, i]), (2, 2))[0, 0] for i in range(2000)]
    assert abs(np.mean(found)) < 5 * np.sqrt(0.5 / 2000)
    assert abs(np.square(found).mean() - 0.5) < 5 * np.sqrt(0.125 / 2000)


def test_truncated_normal_is_cut_at_two_deviations():
    drawn = initializers.truncated_normal(0.1)(RNG(), (300, 300))
    # the variance of a standard normal within +-2: 1 - 4 phi(2) / (2 Phi(2) - 1)
    assert_allclose(drawn.std(), 0.1 * np.sqrt(0.7737413), rtol=0.01)
    assert np.abs(drawn).max() <= 0.2
    assert abs(drawn.mean()) < 5 * 0.1 / 300


@pytest.mark.parametrize("name", initializers.INITIALIZERS)
def test_initializers_are_found_by_name_and_written_by_it(name):
    made = initializers.initializer(name)
    assert initializers.described(made) == name
    assert made(RNG(), (4, 3)).shape == (4, 3)
    assert_array_equal(made(RNG(), (4, 3)), made(RNG(), (4, 3)))
    assert repr(am.Dense(2, bias_init=made, kernel=made)) == repr(
        am.Dense(2, bias_init=name, kernel=name)
    )


@pytest.mark.parametrize("written", ["constant(0.1)", "orthogonal(2.0)"])
def test_initializers_with_an_argument_are_written_as_called(written):
    made = eval(written, vars(initializers))
    assert repr(am.Dense(2, kernel=made)) == f"Dense(2, kernel={written})"
    assert made == pickle.loads(pickle.dumps(made))
    weight = am.Chain(am.Dense(2, kernel=made)).build(2).named_parameters()["0.weight"]
    assert_allclose(weight, made(np.random.default_rng([0, 0]), (2, 2)), rtol=1e-6)


def test_the_bias_starts_from_its_own_initializer():
    layer = am.Dense(3, bias_init=initializers.constant(0.25))
    named = am.Chain(layer).build(2).named_parameters()
    assert_array_equal(named["0.bias"], np.full(3, 0.25))


# ---- errors


def built(layer, *shape):
    return am.Chain(layer).build(shape)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: am.Dense(), ValueError, "units"),
        (lambda: am.Dense(weight=np.ones((2, 3))), TypeError, r"layer\.weight\.T"),
        (
            lambda: am.Dense(weight=am.Dense(2).weight, kernel="zeros"),
            ValueError,
            "'zeros'",
        ),
        (
            lambda: built(am.Dense(weight=am.Dense(2).weight), 3),
            am.ShapeError,
            "before",
        ),
        (
            lambda: built(am.Dense(weight=am.Embedding(9, 3).weight), 3),
            am.ShapeError,
            r"3 by any; got \(9, 3\)",
        ),
        (
            lambda: built(am.Dense(5, weight=am.Embedding(9, 3).weight.T), 3),
            am.ShapeError,
            "3 by 5",
        ),
        (lambda: am.Dense(2, kernel=3), TypeError, "initializer"),
        (lambda: am.Dense(2, bias_init="one"), ValueError, "ones"),
        (
            lambda: built(am.Dense(2, bias_init="he_normal"), 3),
            ValueError,
            "constant",
        ),
        (lambda: initializers.orthogonal(0), ValueError, "gain"),
        (lambda: initializers.truncated_normal(-1), ValueError, "scale"),
        (lambda: am.Embedding(0, 3), ValueError, "count"),
        (lambda: am.Embedding(2.5, 3), ValueError, "2.5 and 3"),
        (
            lambda: am.Embedding(2**25, 1).linearize(
                (np.ones(2, np.float32),), (np.ones((1, 1), np.float32),)
            ),
            am.DomainError,
            "float64",
        ),
        (lambda: am.Columns([]), ValueError, "one index"),
        (lambda: am.Columns([True, False]), TypeError, "whole"),
        (lambda: am.Columns(1), TypeError, "list"),
        (lambda: built(am.Columns([0, 3]), 3), am.ShapeError, "column 3"),
        (lambda: am.Dropout(1.0), ValueError, "rate"),
        (lambda: am.GaussianNoise(-1), ValueError, "deviation"),
        (lambda: noisy(am.Dropout(0.5), np.ones(3), key=7), TypeError, "Key"),
        (lambda: am.LayerNorm(eps=0), ValueError, "eps"),
        (lambda: am.RMSNorm(eps=np.nan), ValueError, "eps"),
        (lambda: am.BatchNorm(momentum=1.0), ValueError, "PyTorch"),
        (lambda: built(am.LayerNorm()), am.ShapeError, "feature"),
        (lambda: am.Reshape(0), ValueError, ">= 1"),
        (lambda: am.Reshape(2, 1.5), ValueError, "whole"),
        (lambda: am.Reshape(-1, -1), ValueError, "-1"),
        (lambda: built(am.Reshape(4, -1), 6), am.ShapeError, "multiple of 4"),
        (lambda: built(am.Reshape(4), 8), am.ShapeError, r"4 numbers; got \(8,\)"),
        (
            lambda: am.Flatten().linearize((np.ones((2, 3)),), ()),
            RuntimeError,
            "not built",
        ),
    ],
)
def test_errors_say_what_to_do(call, error, said):
    with pytest.raises(error, match=said) as raised:
        call()
    assert str(raised.value)[-1] in ".?"


def test_a_normalising_layer_placed_twice_needs_one_width():
    for layer in (am.LayerNorm(), am.BatchNorm(), am.Flatten()):
        with pytest.raises(am.ShapeError, match=r"; got \(5,\)"):
            am.Chain(layer, am.Dense(5), layer).build(3)
