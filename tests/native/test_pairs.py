"""Pairs run natively, against the same pairs by NumPy."""

import copy
import pickle
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import anymax as am
from anymax import activations, kernels, losses
from anymax.errors import DomainError, ShapeError
from anymax.native_pair import BOTH, GRADIENT, VALUE
from anymax.pair import Pair
from anymax.registry import samples

pytestmark = pytest.mark.skipif(kernels.core is None, reason="no native kernels")
DTYPES = [np.float32, np.float64]
# relative to the largest number of a result: what sums in another order, and functions
# of 1 or 2 ULP, come to; ZLoss amplifies them by the largest over the deviation
BOUND = {np.float32: 1e-5, np.float64: 1e-12}
LOOSE = {"ZLoss": 20.0}
BY_NUMPY = {
    "targets that are rows of length <= 1 are checked by NumPy",
    "targets that are rows of mean 0, variance <= 1 are checked by NumPy",
    "Normalized(Sigmoid()) is no kernel's: arguments other than numbers",
    "PReLU() is no kernel's: arguments other than numbers",
}


def met(activation, loss):
    """A pair, or None where the two do not meet."""
    try:
        return Pair(activation, loss)
    except (DomainError, TypeError):
        return None


FOUND = [
    met(a, b) for a in samples(activations).values() for b in samples(losses).values()
]
PAIRS = [pair for pair in FOUND if pair is not None]


def bound(pair):
    """The pair with its kernels looked for; why it has none."""
    pair.native.bind(pair)
    return pair.native.why


def close(got, want, dtype, loose=1.0):
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    finite = np.isfinite(want)
    assert_array_equal(got[~finite], want[~finite])
    size = max(1.0, np.abs(want[finite]).max(initial=0))
    apart = np.abs(got[finite] - want[finite]).max(initial=0)
    assert apart <= loose * BOUND[dtype] * size


def native(pair, z, y, weight=None, reduce="mean"):
    """Value and gradient by kernels, and never by NumPy."""
    found = pair.native.meet(pair, BOTH, z, y, weight, None, reduce)
    assert found is not None, f"{pair!r} declined: {pair.native.why}"
    return found


def by_numpy(pair, z, y, weight=None, reduce="mean"):
    with kernels.numpy_only():
        return pair.value_and_gradient(z, y, sample_weight=weight, reduce=reduce)


def targets(pair, rng, rows, n, dtype):
    """Targets of every form the pair takes."""
    classes = pair.targets.classes
    if classes and n > 10_000:  # a draw takes a matrix of n by n
        return [rng.integers(n, size=rows)]
    drawn = pair.targets.draw(rng, (rows, n))
    forms = [np.asarray(drawn, dtype)] if np.ndim(drawn) == 2 else []
    return forms + ([rng.integers(n, size=rows)] if classes else [])


def test_few_pairs_are_left_to_numpy_and_each_with_a_reason():
    reasons = Counter(bound(copy.deepcopy(pair)) for pair in PAIRS)
    print(f"{reasons.pop('', 0)} of {len(PAIRS)} pairs run natively; the others:")
    for reason, count in reasons.most_common():
        print(f"  {count:3} {reason}")
    unknown = {r for r in reasons if r not in BY_NUMPY and "has no kernel" not in r}
    assert not unknown
    assert sum(reasons.values()) < len(PAIRS) / 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pair", PAIRS, ids=repr)
def test_every_pair_does_what_numpy_does(pair, dtype):
    if why := bound(pair):
        pytest.skip(why)
    rng = np.random.default_rng(7)
    n = pair.fixed_width or 9
    for deviation in (1, 30):
        z = (deviation * rng.normal(size=(37, n))).astype(dtype)
        weight = rng.random(37).astype(dtype) * (rng.random(37) < 0.8)
        for y in targets(pair, rng, 37, n, dtype):
            for reduce, by in (("mean", None), ("sum", weight), ("none", weight)):
                got = native(pair, z, y, by, reduce)
                want = by_numpy(pair, z, y, by, reduce)
                for ours, theirs in zip(got, want, strict=True):
                    close(ours, theirs, dtype, LOOSE.get(pair.loss.name, 1.0))


@pytest.mark.parametrize("pair", PAIRS, ids=repr)
def test_value_and_gradient_alone_are_those_of_both(pair):
    if why := bound(pair):
        pytest.skip(why)
    rng = np.random.default_rng(8)
    n = pair.fixed_width or 5
    z = rng.normal(size=(11, n))
    for y in targets(pair, rng, 11, n, np.float64):
        value, gradient = native(pair, z, y)
        alone = pair.native.meet(pair, VALUE, z, y, None, None, "mean")
        assert_array_equal(alone, value)
        alone = pair.native.meet(pair, GRADIENT, z, y, None, None, "mean")
        assert_array_equal(alone, gradient)


CROSSES = [
    losses.CrossEntropy(),
    losses.CrossEntropy(z_loss=0.01),
    losses.CrossEntropy(label_smoothing=0.1),
    losses.CrossEntropy(label_smoothing=0.1, dialect="keras"),
    losses.CrossEntropy(label_smoothing=0.1, dialect="classic"),
    losses.CrossEntropy(class_weight=[1.0, 0.0, 2.0, 0.5]),
    losses.CrossEntropy(class_weight=[1.0, 0.0, 2.0, 0.5], label_smoothing=0.2),
    losses.CrossEntropy(
        class_weight=[1.0, 0.0, 2.0, 0.5], label_smoothing=0.2, dialect="keras"
    ),
    losses.CrossEntropy(
        class_weight=[1.0, 0.0, 2.0, 0.5], label_smoothing=0.2, dialect="classic"
    ),
    losses.CrossEntropy(ignore_index=2, label_smoothing=0.1, z_loss=0.1),
    losses.CrossEntropy(ignore_index=-100),
    losses.Focal(gamma=0.5, alpha=0.25),
    losses.Focal(gamma=2.0, alpha=[1.0, 0.0, 2.0, 0.5], ignore_index=1),
    losses.Focal(gamma=0.0, class_weight=[1.0, 3.0, 2.0, 0.5]),
    losses.GeneralizedCrossEntropy(q=0.3),
    losses.GeneralizedCrossEntropy(q=1.0),
    losses.BinaryCrossEntropy(pos_weight=3.0),
    losses.BinaryCrossEntropy(pos_weight=[1.0, 0.0, 2.0, 0.5]),
    losses.Huber(delta=0.1),
    losses.Poly(epsilon=-0.5),
    losses.ZLoss(sharpness=2.0, offset=1.0),
    losses.LogSpherical(eps=1.0),
    losses.CategoricalHinge(class_weight=[1.0, 0.0, 2.0, 0.5], ignore_index=0),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("deviation", [1, 30, 300])
@pytest.mark.parametrize(
    "activation",
    [
        activations.Softmax(),
        activations.Softmax(temperature=2.5),
        activations.Sigmoid(),
        activations.LogSoftmax(temperature=0.5),
    ],
    ids=repr,
)
@pytest.mark.parametrize("loss", CROSSES, ids=repr)
def test_options_do_what_numpy_does(activation, loss, deviation, dtype):
    pair = met(activation, loss)
    if pair is None:
        pytest.skip("they do not meet")
    assert bound(pair) == ""
    rng = np.random.default_rng(9)
    z = (deviation * rng.normal(size=(29, 4))).astype(dtype)
    weight = rng.random(29).astype(dtype)
    weight[3] = 0
    for y in targets(pair, rng, 29, 4, dtype):
        if y.ndim == 1 and loss.ignore_index is not None:
            y = np.where(rng.random(29) < 0.3, loss.ignore_index, y)
        for reduce in ("mean", "sum", "none"):
            got = native(pair, z, y, weight, reduce)
            want = by_numpy(pair, z, y, weight, reduce)
            for ours, theirs in zip(got, want, strict=True):
                close(ours, theirs, dtype, LOOSE.get(loss.name, 4.0))
            if deviation == 30 and loss.name == "CrossEntropy":
                assert np.all(np.isfinite(got[1]))
                assert np.all(np.isfinite(got[0]))


SOME = [
    Pair(activations.Softmax(), losses.CrossEntropy()),
    Pair(activations.Softmax(), losses.CrossEntropy(label_smoothing=0.1)),
    Pair(activations.Softmax(), losses.SquaredError()),
    Pair(activations.Softmax(), losses.Focal(gamma=0.5)),
    Pair(activations.Sigmoid(), losses.BinaryCrossEntropy()),
    Pair(activations.Tanh(), losses.Huber()),
    Pair(activations.Identity(), losses.CategoricalHinge()),
    Pair(activations.Identity(), losses.LogSpherical()),
    Pair(activations.Softplus(), losses.SphericalScore()),
    Pair(activations.Softplus(), losses.Poisson()),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pair", SOME, ids=repr)
def test_rows_of_every_width_have_the_same_bits_in_any_batch(pair, dtype):
    rng = np.random.default_rng(10)
    for n in (*range(2, 41), 63, 64, 65, 129, 1000, 5003):
        z = rng.normal(size=(19, n)).astype(dtype)
        z[2::7] += 30  # these take another way than the rows beside them
        z[4::7] -= 12
        for y in targets(pair, rng, 19, n, dtype):
            together = native(pair, z, y, None, "none")
            want = by_numpy(pair, z, y, None, "none")
            for ours, theirs in zip(together, want, strict=True):
                close(ours, theirs, dtype, 4.0)
            for rows in (slice(0, 1), slice(3, 12), slice(18, 19)):
                alone = native(pair, z[rows], y[rows], None, "none")
                assert_array_equal(alone[0], together[0][rows])
                assert_array_equal(alone[1], together[1][rows])


@pytest.mark.parametrize("pair", SOME, ids=repr)
def test_long_rows_and_many_rows_do_what_numpy_does(pair):
    rng = np.random.default_rng(11)
    for shape in ((3, 100_003), (3000, 700)):
        z = rng.normal(size=shape).astype(np.float32)
        y = targets(pair, rng, *shape, np.float32)[-1]
        for ours, theirs in zip(
            native(pair, z, y, None, "none"),
            by_numpy(pair, z, y, None, "none"),
            strict=True,
        ):
            close(ours, theirs, np.float32, 10.0)


@pytest.mark.parametrize("pair", SOME, ids=repr)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_in_its_row(pair, bad):
    rng = np.random.default_rng(12)
    for n in (5, 70):
        z = rng.normal(size=(20, n)).astype(np.float32)
        y = targets(pair, rng, 20, n, np.float32)[-1]
        clean = native(pair, z, y, None, "none")
        z[6, 2] = bad
        value, gradient = native(pair, z, y, None, "none")
        others = np.arange(20) != 6
        assert_array_equal(value[others], clean[0][others])
        assert_array_equal(gradient[others], clean[1][others])
        if np.isnan(bad):
            want = by_numpy(pair, z, y, None, "none")
            assert np.isnan(value[6]) == np.isnan(want[0][6])
            assert np.isnan(gradient[6]).any() == np.isnan(want[1][6]).any()


@pytest.mark.parametrize("pair", SOME, ids=repr)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_count_nowhere_may_hold_anything(pair, bad):
    rng = np.random.default_rng(13)
    z = rng.normal(size=(20, 6))
    y = targets(pair, rng, 20, 6, np.float64)[-1]
    weight = np.ones(20)
    z[4], weight[4] = bad, 0
    for reduce in ("mean", "sum", "none"):
        value, gradient = native(pair, z, y, weight, reduce)
        assert np.all(np.isfinite(value))
        assert np.all(gradient[4] == 0)
    weight[:] = 0
    value, gradient = native(pair, z, y, weight, "mean")
    assert value == 0
    assert not gradient.any()


def test_what_is_not_plain_is_left_to_numpy():
    pair = Pair(activations.Softmax(), losses.CrossEntropy())
    z, y = np.zeros((4, 3), np.float32), np.array([0, 1, 2, 0])
    plain = (pair, VALUE)
    for given, label, weight in (
        (z.tolist(), y, None),
        (z.astype(np.float16), y, None),
        (z[:, ::-1], y, None),
        (np.asfortranarray(z), y, None),
        (z[:0], y[:0], None),
        (z[:, :1], y, None),
        (z, y[:3], None),
        (z, y.astype(float), None),
        (z, y + 1, None),
        (z, -y, None),
        (z, np.full((4, 3), -1.0, np.float32), None),
        (z, y, np.array([1.0, -1, 1, 1])),
        (z, y, np.array([1.0, np.inf, 1, 1])),
        (z, y, np.ones(3)),
    ):
        assert pair.native.meet(*plain, given, label, weight, None, "mean") is None
    assert pair.native.meet(*plain, z, y, None, None, "median") is None
    mask = np.ones((4, 3), bool)
    assert pair.native.meet(*plain, z, y, None, mask, "mean") is None


def test_errors_are_those_of_numpy():
    pair = Pair(activations.Softmax(), losses.CrossEntropy())
    z = np.zeros((2, 3), np.float32)
    with pytest.raises(DomainError, match="class indices 0 to 2"):
        pair.value(z, np.array([0, 3]))
    with pytest.raises(DomainError, match="values >= 0"):
        pair.value(z, -np.ones((2, 3), np.float32))
    with pytest.raises(ShapeError, match="needs y as"):
        pair.value(z, np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match='reduce needs "mean"'):
        pair.value(z, np.array([0, 1]), reduce="total")


@pytest.mark.parametrize(
    "loss",
    [losses.NegativeLogLikelihood(), losses.Brier(), losses.Hinge(), losses.Poisson()],
    ids=repr,
)
def test_targets_are_checked_as_numpy_checks_them(loss):
    pair = Pair(activations.Softplus(), loss)
    z = np.zeros((1, 2), np.float32)
    for row in (
        [0.5, 0.5],
        [1, 0],
        [0, 0],
        [1, 1],
        [-1, 1],
        [2, -1],
        [0.5, 0.5005],
        [0.5, 0.6],
        [np.nan, 1],
        [np.nan, -3],
        [np.inf, 0],
        [-0.0, 1],
    ):
        y = np.array([row], np.float32)
        taken = bool(pair.targets.contains(y).all())
        found = pair.native.meet(pair, GRADIENT, z, y, None, None, "sum")
        assert (found is not None) == taken


def test_integer_and_wider_targets_are_taken():
    pair = Pair(activations.Softmax(), losses.CrossEntropy())
    z = np.array([[0.5, 1, 2], [1, 0, -1]], np.float32)
    y = np.array([2, 0])
    want = by_numpy(pair, z, y)
    for given in (
        y.astype(np.uint8),
        y.astype(np.int32),
        np.eye(3)[y],
        np.eye(3, dtype=int)[y],
        np.eye(3)[y] == 1,
        y[::-1][::-1],
    ):
        for ours, theirs in zip(native(pair, z, given), want, strict=True):
            close(ours, theirs, np.float32)


def test_leading_axes_are_kept():
    pair = Pair(activations.Softmax(), losses.CrossEntropy())
    rng = np.random.default_rng(14)
    z, y = rng.normal(size=(2, 3, 4)), rng.integers(4, size=(2, 3))
    for shape in ((2, 3, 4), (3, 4), (4,)):
        part = (0,) * (3 - len(shape))
        for reduce in ("mean", "none"):
            got = native(pair, z[part], np.asarray(y[part]), None, reduce)
            want = by_numpy(pair, z[part], y[part], None, reduce)
            for ours, theirs in zip(got, want, strict=True):
                close(ours, theirs, np.float64)


def test_pairs_can_be_copied_pickled_and_changed():
    pair = Pair(activations.Softmax(), losses.CrossEntropy())
    z, y = np.array([[0.5, 1, 2]]), np.array([1])
    first = pair.value(z, y)
    for other in (
        copy.deepcopy(pair),
        copy.copy(pair),
        pickle.loads(pickle.dumps(pair)),
    ):
        assert other.value(z, y) == first
    pair.activation.temperature = 3.0
    assert pair.value(z, y) == pytest.approx(by_numpy(pair, z, y)[0], rel=1e-14)
    assert pair.value(z, y) != first
    pair.loss = losses.CrossEntropy(label_smoothing=0.5)
    assert pair.value(z, y) == pytest.approx(by_numpy(pair, z, y)[0], rel=1e-14)


def test_nothing_is_written_into_what_is_given():
    pair = Pair(activations.Softmax(), losses.CrossEntropy(class_weight=[1.0, 2, 3]))
    z, y = np.ones((5, 3), np.float32), np.array([0, 1, 2, 1, 0])
    weight = np.ones(5, np.float32)
    for array in (z, y, weight):
        array.flags.writeable = False
    value, gradient = native(pair, z, y, weight)
    assert gradient.flags.owndata
    assert gradient.flags.writeable
    assert np.isfinite(value)


def test_a_well_classified_row_keeps_its_digits():
    pair = Pair(activations.Softmax(), losses.CrossEntropy())
    for n in (3, 100):
        z = np.zeros((1, n), np.float32)
        z[0, 1] = 60
        value, gradient = native(pair, z, np.array([1]))
        rest = np.float64(n - 1) * np.exp(-60.0)
        np.testing.assert_allclose(value, rest, rtol=1e-6)
        np.testing.assert_allclose(gradient[0, 1], -rest, rtol=1e-6)


def test_threads_change_no_bit():
    pair = Pair(activations.Softmax(), losses.SquaredError())
    rng = np.random.default_rng(15)
    z = rng.normal(size=(500, 300)).astype(np.float32)
    y = rng.random((500, 300)).astype(np.float32)
    before = kernels.core.threads()
    try:
        found = []
        for count in (1, 2, 3):
            am.set_num_threads(count)
            found.append(native(pair, z, y))
    finally:
        am.set_num_threads(before)
    for value, gradient in found[1:]:
        assert value == found[0][0]
        assert_array_equal(gradient, found[0][1])
