"""Large logits, masks, empty and ignored rows: finite where defined, and no poison."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import anymax as am
from anymax import activations, losses
from anymax.checking.cells import drawn, on_support
from anymax.registry import samples
from references import MAPS as REFERENCE_MAPS
from references import VALUES, all_orders

MAPS, LOSSES = samples(activations), samples(losses)
ROW_MAPS = {n: m for n, m in MAPS.items() if m.coupling == "row"}
LOG_LOSSES = [*VALUES, "NegativeLogLikelihood"]


def pair_of(activation, loss):
    """The pair, or None where it is refused."""
    try:
        return am.Pair(MAPS[activation], LOSSES[loss])
    except (am.DomainError, TypeError):
        return None


def batch(pair, spread, rows, n=10, seed=0, dtype="f4"):
    rng = np.random.default_rng(seed)
    z = (spread * rng.normal(size=(rows, n))).astype(dtype)
    y = on_support(pair, drawn(pair.targets, rng, z.shape), pair.activation(z))
    return z, y.astype(dtype), rng.normal(size=z.shape).astype(dtype)


@pytest.mark.parametrize("spread", [30, 300])
@pytest.mark.parametrize("loss", LOG_LOSSES)
@pytest.mark.parametrize("activation", ["Softmax", "Sigmoid", "LogSoftmax"])
def test_every_row_of_every_log_loss_is_finite_in_float32(activation, loss, spread):
    pair = pair_of(activation, loss)
    if pair is None:
        assert (activation == "LogSoftmax") == (loss != "NegativeLogLikelihood")
        return
    z, y, v = batch(pair, spread, 3000)
    for found in (
        pair.value(z, y, reduce="none"),
        pair.gradient(z, y, reduce="none"),
        pair.hvp(z, y, v, reduce="none"),
    ):
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("spread", "digits", "rows", "n"), [(30, 600, 8, 6), (300, 2500, 2, 4)]
)
@pytest.mark.parametrize("loss", VALUES)
@pytest.mark.parametrize("activation", REFERENCE_MAPS)
def test_values_agree_with_mpmath(activation, loss, spread, digits, rows, n):
    pair = pair_of(activation, loss)
    z, y, v = batch(pair, spread, rows, n, seed=1)
    value = pair.value(z, y, reduce="none")
    gradient = pair.gradient(z, y, reduce="none")
    hvp = pair.hvp(z, y, v, reduce="none")
    for i in range(rows):
        exact = all_orders(activation, loss, z[i], y[i], v[i], digits)
        assert_allclose(value[i], exact[0], rtol=1e-5, atol=1e-6)
        assert_allclose(gradient[i], exact[1], rtol=1e-5, atol=1e-6)
        assert_allclose(hvp[i], exact[2], rtol=1e-5, atol=2e-6)


def test_a_small_cross_entropy_keeps_its_digits():
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    z = np.float32([[30, 0]])
    assert_allclose(pair.value(z, [0]), np.exp(-30.0), rtol=1e-6)
    assert_allclose(pair.gradient(z, [0]), [[-np.exp(-30.0), np.exp(-30.0)]], rtol=1e-6)


def test_log_softmax_before_nll_is_softmax_before_cross_entropy():
    rng = np.random.default_rng(0)
    z, v = (30 * rng.normal(size=(2, 3000, 10))).astype("f4")
    y = rng.integers(10, size=3000)
    one = am.Pair(am.Softmax(), am.CrossEntropy())
    two = am.Pair(am.LogSoftmax(), am.NegativeLogLikelihood())
    assert_array_equal(one.gradient(z, y), two.gradient(z, y))
    assert_array_equal(one.hvp(z, y, v), two.hvp(z, y, v))
    wide = one.hvp(z.astype("f8"), y, v.astype("f8"))
    size = np.abs(wide).max(-1, keepdims=True)
    keep = size[:, 0] > 1e-35
    error = np.abs(two.hvp(z, y, v) - wide)[keep] / size[keep]
    assert np.median(error.max(-1)) < 3e-6


def test_softplus_before_poisson_is_exact_far_below_zero():
    pair = am.Pair(am.Softplus(), am.Poisson())
    z, y = np.float32([[-120.0]]), np.float32([[2.0]])
    assert_allclose(pair.gradient(z, y), [[-2.0]], rtol=1e-6)
    assert_allclose(pair.value(z, y), 240.0, rtol=1e-6)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("spread", [30, 300])
def test_every_activation_survives_extremes(name, spread):
    activation = MAPS[name]
    rng = np.random.default_rng(0)
    z, v = (spread * rng.normal(size=(2, 1000, 6))).astype("f4")
    a = activation(z)
    assert a.dtype == np.float32
    assert not np.isnan(a).any()
    finite = np.isfinite(a).all(-1)
    assert finite.all() or name == "Exp"  # exp(89) is beyond float32
    products = activation.jacobian(z).jvp(v / spread)
    small = np.abs(z).max(-1) < 80 if name == "Exp" else finite
    assert np.isfinite(products[small]).all()


SINGULAR = {
    "ZLoss": "a constant row is 0 / 0",
    "Matching": "inf at the edge of softsign",
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [n for n in MAPS if n != "Exp"])
def test_every_loss_survives_extremes(activation, loss):
    """Gradients and Hessian products are finite where the value is, or it is inf."""
    pair = pair_of(activation, loss)
    if pair is None:
        return
    z, y, v = batch(pair, 30, 500, n=6)
    value = pair.value(z, y, reduce="none")
    gradient = pair.gradient(z, y, reduce="none")
    hvp = pair.hvp(z, y, v, reduce="none")
    assert value.dtype == gradient.dtype == hvp.dtype == np.float32
    if loss not in SINGULAR:
        assert not np.isnan(value).any()
        assert np.isfinite(gradient).all()
        assert np.isfinite(hvp).all()
    finite = np.isfinite(value)
    assert finite.mean() > (0 if loss in SINGULAR else 0.9)
    assert np.isfinite(gradient[finite]).all()
    assert np.isfinite(hvp[finite]).all()


# ---- masks


@pytest.mark.parametrize("name", ROW_MAPS)
def test_a_mask_is_the_map_of_what_it_keeps(name):
    activation = MAPS[name]
    rng = np.random.default_rng(0)
    z, g = rng.normal(size=(2, 3, 6))
    keep = np.array([True, False, True, True, False, True])
    off = -np.inf if name == "LogSoftmax" else 0
    a = activation(z, mask=np.broadcast_to(keep, z.shape))
    assert_allclose(a[:, keep], activation(z[:, keep]), rtol=1e-12)
    assert (a[:, ~keep] == off).all()
    J = activation.jacobian(z, mask=np.broadcast_to(keep, z.shape))
    few = activation.jacobian(z[:, keep])
    assert_allclose(J.vjp(g)[:, keep], few.vjp(g[:, keep]), atol=1e-13)
    assert (J.vjp(g)[:, ~keep] == 0).all()
    assert (J.jvp(g)[:, ~keep] == 0).all()
    again = J.vjp_derivative(g, z, g)
    assert_allclose(
        again[:, keep],
        few.vjp_derivative(g[:, keep], z[:, keep], g[:, keep]),
        atol=1e-12,
    )


@pytest.mark.parametrize("name", ROW_MAPS)
def test_a_fully_masked_row_is_zeros_and_poisons_nothing(name):
    activation = MAPS[name]
    z = np.array([[1.0, 2.0, -1.0], [0.5, np.nan, np.inf]])
    mask = np.array([[True, True, True], [False, False, False]])
    a = activation(z, mask=mask)
    assert (a[1] == (-np.inf if name == "LogSoftmax" else 0)).all()
    assert_allclose(a[0], activation(z[0]), rtol=1e-14)
    J = activation.jacobian(np.where(mask, z, 0), mask=mask)
    g = np.array([[0.3, -1.0, 2.0], [1.0, 2.0, 3.0]])
    for product in (J.vjp(g), J.jvp(g), J.vjp_derivative(g, g, g)):
        assert (product[1] == 0).all()
        assert np.isfinite(product[0]).all()


# they normalise over all raw outputs: a masked logarithm, -inf, leaves nothing of them
OVER_ALL = ("LogSpherical", "LogTaylor", "ZLoss")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ROW_MAPS)
def test_masked_gradients_are_zero_off_the_mask(name, loss):
    pair = pair_of(name, loss)
    if pair is None or (name == "LogSoftmax" and loss in OVER_ALL):
        return
    z, y, v = batch(pair, 1.5, 6, n=5, dtype="f8")
    mask = np.ones(z.shape, bool)
    mask[:, 3] = False
    mask[0] = False
    for product in (pair.gradient(z, y, mask=mask), pair.hvp(z, y, v, mask=mask)):
        assert (product[~mask] == 0).all()
        assert np.isfinite(product).all()


def test_a_target_on_a_masked_output_costs_inf_and_its_gradient_is_finite():
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    mask = np.array([[True, True, False]])
    assert pair.value([[1.0, 2.0, 3.0]], [2], mask=mask) == np.inf
    gradient = pair.gradient([[1.0, 2.0, 3.0]], [2], mask=mask)
    assert np.isfinite(gradient).all()
    assert gradient[0, 2] == 0


def test_smoothing_spreads_over_what_the_mask_keeps():
    mask = np.array([[True, True, False]])
    z = np.array([[1.0, 2.0, 9.0]])
    pair = am.Pair(am.Softmax(), am.CrossEntropy(label_smoothing=0.2))
    two = pair.value(z[:, :2], [1])
    assert_allclose(pair.value(z, [1], mask=mask), two, rtol=1e-14)
    assert_allclose(
        pair.gradient(z, [1], mask=mask)[:, :2],
        pair.gradient(z[:, :2], [1]),
        rtol=1e-13,
    )


def test_z_loss_of_a_masked_row():
    pair = am.Pair(am.Softmax(), am.CrossEntropy(z_loss=0.1))
    z = np.array([[1.0, 2.0, 9.0], [1.0, 2.0, 3.0]])
    mask = np.array([[True, True, False], [False, False, False]])
    y = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    rows = pair.value(z, y, mask=mask, reduce="none")
    assert_allclose(rows, [pair.value(z[:1, :2], [1]), 0], rtol=1e-14)
    gradient = pair.gradient(z, y, mask=mask, reduce="none")
    assert_allclose(gradient[0, :2], pair.gradient(z[:1, :2], [1])[0], rtol=1e-13)
    assert (gradient[0, 2], *gradient[1]) == (0, 0, 0, 0)


# ---- -inf, NaN and rows that do not count


def test_minus_infinity_switches_an_output_off():
    z = np.array([[1.0, 2.0, -np.inf]])
    for loss in LOG_LOSSES[:-1]:
        pair = pair_of("Softmax", loss)
        y = np.array([[0.3, 0.7, 1e-300 if loss == "ReverseKL" else 0.0]])
        gradient, hvp = pair.gradient(z, y), pair.hvp(z, y, np.ones_like(z))
        assert np.isfinite(pair.value(z, y)), loss
        assert np.isfinite(gradient).all(), loss
        assert np.isfinite(hvp).all(), loss
        assert gradient[0, 2] == 0


def test_a_row_of_minus_infinity_is_nan_in_that_row_only():
    z = np.array([[1.0, 2.0], [-np.inf, -np.inf], [0.0, 1.0]])
    a = am.Softmax()(z)
    assert_array_equal(np.isnan(a).all(-1), [False, True, False])
    assert_array_equal(np.isnan(am.LogSoftmax()(z)).any(-1), [False, True, False])


@pytest.mark.parametrize("name", MAPS)
def test_nan_stays_in_its_row(name):
    activation = MAPS[name]
    rng = np.random.default_rng(0)
    z, g = rng.normal(size=(2, 4, 5))
    bad = z.copy()
    bad[2, 1] = np.nan
    rows = [0, 1, 3]
    assert np.isnan(activation(bad)[2]).any()
    assert_array_equal(activation(bad)[rows], activation(z)[rows])
    J, K = activation.jacobian(bad), activation.jacobian(z)
    assert_array_equal(J.vjp(g)[rows], K.vjp(g)[rows])
    assert_array_equal(J.vjp_derivative(g, g, g)[rows], K.vjp_derivative(g, g, g)[rows])


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_that_count_nothing_poison_nothing(loss):
    pair = pair_of("Softmax", loss)
    z, y, v = batch(pair, 1, 4, n=5, dtype="f8")
    bad, weight = z.copy(), np.array([1.0, 0.0, 2.0, 1.0])
    bad[1] = np.nan
    keep = [0, 2, 3]
    options = {"sample_weight": weight[keep]}
    for name in ("value", "gradient"):
        whole = getattr(pair, name)(bad, y, sample_weight=weight)
        few = getattr(pair, name)(z[keep], y[keep], **options)
        found = whole if name == "value" else whole[keep]
        assert_allclose(found, few, rtol=1e-13, atol=1e-16)
    assert (pair.gradient(bad, y, sample_weight=weight)[1] == 0).all()
    assert np.isfinite(pair.hvp(bad, y, v, sample_weight=weight)).all()


CLASS_LOSSES = [n for n, l in LOSSES.items() if l.targets.classes]


@pytest.mark.parametrize("loss", CLASS_LOSSES)
def test_ignored_rows_and_all_ignored_batches(loss):
    made = type(LOSSES[loss])(ignore_index=-100)
    pair = am.Pair(am.Softmax(), made)
    z = np.random.default_rng(0).normal(size=(4, 5))
    z[3] = np.nan
    y = np.array([1, -100, 4, -100])
    assert_allclose(pair.value(z, y), pair.value(z[[0, 2]], y[[0, 2]]), rtol=1e-14)
    rows = pair.value(z, y, reduce="none")
    assert_array_equal(rows[[1, 3]], [0, 0])
    assert_array_equal(pair.gradient(z, y)[[1, 3]], np.zeros((2, 5)))
    assert_allclose(
        pair.gradient(z, y)[[0, 2]], pair.gradient(z[[0, 2]], y[[0, 2]]), rtol=1e-13
    )
    nothing = np.full(4, -100)
    assert pair.value(z, nothing) == 0
    assert (pair.gradient(z, nothing) == 0).all()
    assert (pair.hvp(z, nothing, np.ones_like(z)) == 0).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("reduce", ["mean", "sum", "none"])
def test_a_batch_of_no_rows(loss, reduce):
    pair = pair_of("Softmax", loss)
    z = np.zeros((0, 3))
    value = pair.value(z, z, reduce=reduce)
    assert_array_equal(value, np.zeros(0) if reduce == "none" else 0)
    assert pair.gradient(z, z, reduce=reduce).shape == (0, 3)
    assert pair.hvp(z, z, z, reduce=reduce).shape == (0, 3)


@pytest.mark.parametrize("name", MAPS)
def test_maps_of_no_rows_and_of_width_one(name):
    activation = MAPS[name]
    assert activation(np.zeros((0, 3))).shape == (0, 3)
    assert activation.jacobian(np.zeros((0, 3))).vjp(np.zeros((0, 3))).shape == (0, 3)
    z = np.array([[0.3], [-2.0]])
    J = activation.jacobian(z)
    assert_allclose(J.vjp(np.ones((2, 1)))[..., None], J.dense(), atol=1e-14)
    if isinstance(activation.range, am.Simplex):
        assert_array_equal(activation(z), np.ones((2, 1)))
        assert_array_equal(J.dense(), np.zeros((2, 1, 1)))


def test_all_weights_zero_gives_zero():
    pair = am.Pair(am.Softmax(), am.SquaredError())
    z, y = np.ones((2, 3)), np.ones((2, 3))
    for reduce in ("mean", "sum"):
        assert pair.value(z, y, sample_weight=np.zeros(2), reduce=reduce) == 0
    assert (pair.gradient(z, y, sample_weight=np.zeros(2)) == 0).all()


def test_storage_dtypes_are_computed_in_float32():
    z = np.array([[60000.0, 1.0]], np.float16)
    assert am.Softmax()(z).dtype == np.float32
    wide = np.ones((1, 512), np.float16)
    assert_allclose(am.Softmax()(wide), np.full((1, 512), 1 / 512), rtol=1e-6)
    assert am.ReLU()([1, 2]).dtype == np.float64


def test_reductions_are_the_rows_added_up():
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(4, 3, 5)), rng.integers(5, size=(4, 3))
    weight = rng.random((4, 3))
    classes = np.array([1.0, 0.5, 2.0, 0.0, 3.0])
    pair = am.Pair(am.Softmax(), am.CrossEntropy(class_weight=classes))
    rows = pair.value(z, y, reduce="none")
    assert rows.shape == (4, 3)
    log = am.log_softmax(z)
    assert_allclose(
        rows, -classes[y] * np.take_along_axis(log, y[..., None], -1)[..., 0]
    )
    total = (rows * weight).sum()
    assert_allclose(pair.value(z, y, weight, reduce="sum"), total)
    assert_allclose(pair.value(z, y, weight), total / (weight * classes[y]).sum())
