"""Files: the same network comes back, or one sentence; nothing half is ever there."""

import copy
import json
import os
import pickle
import stat
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save as serialized

import anymax as am
from anymax import activations, io, layers, losses, optim
from anymax.described import Described
from anymax.initializers import INITIALIZERS
from anymax.layers.linear import total
from anymax.loading import known, load, load_checkpoint
from anymax.map import Linearization
from anymax.optim.optimizer import Optimizer
from anymax.optim.schedule import Schedule
from anymax.registry import samples

WIDTH = 6
X = np.random.default_rng(0).integers(0, WIDTH, (5, WIDTH)).astype(float)
COPIES = {
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)),
    "deepcopy": lambda net, path: copy.deepcopy(net),
}


def saved(net, path, **kept):
    file = path / "net.safetensors"
    net.save(file, **kept)
    return load(file)


def stirred(net, dtype="float32", width=WIDTH):
    """Built, and then moved away from all numbers that building gives."""
    net.build(width, seed=1, dtype=dtype)
    rng = np.random.default_rng(2)
    net.parameters += 0.1 * rng.normal(size=net.parameters.size).astype(dtype)
    net.kept[...] += rng.uniform(size=net.kept.size)
    return net


def same(one, other, x=X):
    assert repr(one) == repr(other)
    assert one.dtype == other.dtype
    assert_array_equal(one(x), other(x), strict=True)
    assert_array_equal(one.parameters, other.parameters, strict=True)
    assert_array_equal(one.kept, other.kept, strict=True)
    assert list(one.named_parameters()) == list(other.named_parameters())


# ---- what comes back


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(params=["file", *COPIES])
def again(request, tmp_path):
    """A network, the same again."""
    return partial(COPIES.get(request.param, saved), path=tmp_path)


@pytest.mark.parametrize("name", activations.__all__)
def test_every_activation_comes_back_hidden_and_last(name, dtype, again):
    made = getattr(am, name).sample
    net = am.Chain(am.Dense(4), made(), am.Dense(3), made())
    same(again(stirred(net, dtype)), net)


@pytest.mark.parametrize("name", layers.__all__)
def test_every_layer_comes_back(name, dtype, again):
    net = am.Chain(getattr(am, name).sample())
    same(again(stirred(net, dtype)), net)


def shared():
    layer = am.Dense(WIDTH)
    return am.Chain(layer, am.Tanh(), am.Residual(layer, am.Sigmoid()), layer)


def tied():
    encoder = am.Dense(3)
    return am.Chain(encoder, am.Tanh(), am.Dense(weight=encoder.weight.T))


def embedded():
    words = am.Embedding(WIDTH, 3)
    return am.Chain(words, am.LayerNorm(), am.Dense(weight=words.weight.T, bias=False))


def batch_normed_twice():
    norm = am.BatchNorm(momentum=0.5, scale=False)
    return am.Chain(norm, am.Dense(WIDTH), norm, am.Softmax())


NETS = {
    "the same three times": shared,
    "tied": tied,
    "tied to an embedding": embedded,
    "state shared": batch_normed_twice,
    "gate": lambda: am.Gate(am.Dense(4), am.Chain(am.Dense(4), am.Softmax())),
    "the same in two branches": lambda: (
        lambda layer: am.Concatenate(layer, am.Chain(am.Tanh(), layer))
    )(am.Dense(3)),
    "nested": lambda: am.Residual(am.Residual(am.Residual(am.Dense(6), am.Swish()))),
    "trainables": lambda: am.Chain(
        am.Entmax(alpha=am.Trainable(1.5, lower=1, upper=2)),
        am.PReLU(num_parameters=WIDTH, init=0.1),
        am.Swish(beta=am.Trainable(1.0)),
        am.Softmax(temperature=am.Trainable(np.float32(1.5), lower=0)),
    ),
    "initializers": lambda: am.Chain(
        am.Dense(4, kernel=INITIALIZERS["orthogonal"](2.0), bias_init="ones"),
        am.Dense(4, kernel=INITIALIZERS["truncated_normal"](0.1)),
        am.Dense(4, kernel=INITIALIZERS["he_normal"], bias=False),
    ),
    "shapes": lambda: am.Chain(
        am.Columns([0, -1, 2, 0]), am.Reshape(2, -1), am.Softmax(axis=-2), am.Flatten()
    ),
    "arguments of NumPy": lambda: am.Chain(
        am.Softmax(temperature=np.float64(2)), am.ELU(alpha=np.float32(0.3))
    ),
    "activation of an activation": lambda: am.Chain(
        am.SoftCap(cap=3.0), am.Normalized(am.Softplus())
    ),
    "nothing trained": lambda: am.Chain(am.Dropout(0.3), am.GaussianNoise(0.2)),
}


@pytest.mark.parametrize("name", NETS)
def test_networks_come_back_with_what_they_share(name, dtype, again):
    net = stirred(NETS[name](), dtype)
    found = again(net)
    same(found, net)
    found.parameters += 0.25
    net.parameters += 0.25
    same(found, net)


def test_several_inputs_come_back(tmp_path):
    net = am.Parallel(am.Dense(2), am.Tanh()).build((2, 3), (2, 4), dtype="float64")
    found = saved(net, tmp_path)
    assert found.input_shapes == ((2, 3), (2, 4))


@pytest.mark.parametrize("name", losses.__all__)
def test_every_loss_comes_back(name, tmp_path):
    loss = getattr(am, name).sample()
    stirred(am.Chain(am.Dense(2))).save(tmp_path / "net", loss=loss)
    assert repr(load_checkpoint(tmp_path / "net").loss) == repr(loss)


@pytest.mark.parametrize(
    "loss",
    [
        am.CrossEntropy(
            label_smoothing=0.1, class_weight=[1, 0.1, 3], z_loss=1e-4, dialect="keras"
        ),
        am.Focal(gamma=1.7, alpha=[0.1, 0.2, 0.7], ignore_index=-1),
        am.Focal(alpha=0.3),
        am.Poly(epsilon=-0.5, class_weight=np.float32([1, 2, 0.1])),
    ],
    ids=repr,
)
def test_a_loss_comes_back_with_its_numbers(loss, tmp_path):
    stirred(am.Chain(am.Dense(2))).save(tmp_path / "net", loss=loss)
    found = load_checkpoint(tmp_path / "net").loss
    pairs = [am.Pair(am.Softmax(), each) for each in (loss, found)]
    one, other = (p.value_and_gradient(X[:, :3] / 7, [0, 1, 2, 0, 1]) for p in pairs)
    assert_array_equal(one[0], other[0], strict=True)
    assert_array_equal(one[1], other[1], strict=True)


STEPPING = [n for n in optim.__all__ if issubclass(getattr(am, n), Optimizer)]
SCHEDULES = [n for n in optim.__all__ if issubclass(getattr(am, n), Schedule)]
OPTIMIZERS = {
    **{name: lambda n=name: getattr(am, n)(lr=0.01) for name in STEPPING},
    **{name: lambda n=name: am.Adam(getattr(am, n).sample()) for name in SCHEDULES},
    "momentum": lambda: am.SGD(0.01, momentum=0.9, nesterov=True),
    "bounds": lambda: am.AdamW(0.1, clip_norm=1.0, clip_value=0.5, average=0.9),
    "warm-up to a plateau": lambda: am.Adam(am.Warmup(am.OnPlateau(0.1), 3)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_as_it_would_have(name, dtype, tmp_path):
    net = am.Chain(
        am.Dense(8), am.BatchNorm(), am.Dropout(0.3), am.Dense(3), am.Softmax()
    ).build(WIDTH, dtype=dtype)
    plan = am.Plan(net, am.CrossEntropy(), optimizer=OPTIMIZERS[name](), l2=0.01)
    y = [0, 1, 2, 0, 1]
    for _ in range(4):
        plan.optimizer.report(plan.step(X, y))
    net.save(tmp_path / "net", loss=am.Focal(), optimizer=plan.optimizer, epochs=4)
    found = load_checkpoint(tmp_path / "net")
    assert (found.epochs, repr(found.optimizer)) == (4, repr(plan.optimizer))
    other = am.Plan(
        found.network, am.CrossEntropy(), optimizer=found.optimizer, l2=0.01
    )
    other.optimizer.load_state(found.optimizer.state())
    for _ in range(4):
        losses_now = [each.step(X, y) for each in (plan, other)]
        assert losses_now[0] == losses_now[1]
        plan.optimizer.report(losses_now[0])
        other.optimizer.report(losses_now[1])
    same(found.network, net)


@pytest.mark.parametrize("average", [None, 0.9])
def test_a_fit_goes_on_from_a_file_as_one_that_never_ended(average, tmp_path):
    def fit(net, **more):
        return am.fit(net, am.CrossEntropy(), X, [0, 1, 2, 0, 1], verbose=0, **more)

    def make():
        return am.Chain(am.Dense(4), am.Dropout(0.2), am.Dense(3), am.Softmax())

    rule = am.Adam(am.Cosine(0.1, 20), average=average)
    whole, half = make(), make()
    fit(whole, optimizer=rule, epochs=6, batch=2)
    history = fit(half, optimizer=rule, epochs=3, batch=2)
    half.save(tmp_path / "net", optimizer=rule, epochs=3, state=history.state)
    found = load_checkpoint(tmp_path / "net")
    fit(found.network, optimizer=found.optimizer, epochs=3, batch=2, resume=found.state)
    same(found.network, whole)


def test_a_state_needs_its_optimizer(tmp_path):
    with pytest.raises(ValueError, match="optimizer whose state"):
        stirred(am.Chain(am.Dense(2))).save(tmp_path / "net", state={})


@pytest.mark.parametrize("optimizer", [am.LBFGS(), am.SGD(0.1), am.Lion(0.1)], ids=repr)
def test_a_state_of_another_optimizer_is_not_saved(optimizer, tmp_path):
    net = am.Chain(am.Dense(3), am.Softmax())
    state = am.fit(net, am.CrossEntropy(), X, [0, 1, 2, 0, 1], verbose=0).state
    with pytest.raises(ValueError, match="state") as caught:
        net.save(tmp_path / "net", optimizer=optimizer, state=state)
    assert f"{optimizer!r}" in str(caught.value)
    assert "mean" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "net").exists()


def test_an_optimizer_without_state_comes_back(tmp_path):
    stirred(am.Chain(am.Dense(2))).save(tmp_path / "net", optimizer=am.LBFGS(memory=3))
    assert repr(load_checkpoint(tmp_path / "net").optimizer) == "LBFGS(memory=3)"


def test_the_state_of_a_fit_by_lbfgs_is_saved_without_any(tmp_path):
    net, rule = am.Chain(am.Dense(3), am.Softmax()), am.LBFGS()
    y = [0, 1, 2, 0, 1]
    history = am.fit(net, am.CrossEntropy(), X, y, optimizer=rule, verbose=0)
    net.save(tmp_path / "net", optimizer=rule, state=history.state)
    assert list(load_checkpoint(tmp_path / "net").state) == ["parameters", "kept"]


def test_a_file_keeps_how_many_steps_an_epoch_has(tmp_path):
    net, rule = am.Chain(am.Dense(3), am.Softmax()), am.Adam()

    def fit(**more):
        y = [0, 1, 2, 0, 1]
        return am.fit(net, am.CrossEntropy(), X, y, optimizer=rule, verbose=0, **more)

    net.save(tmp_path / "net", optimizer=rule, state=fit(batch=2).state)
    with pytest.raises(ValueError, match="3 steps an epoch; got batch=5 of 5 rows"):
        fit(batch=5, resume=load_checkpoint(tmp_path / "net").state)


def test_only_a_network_comes_back_where_only_that_was_saved(tmp_path):
    stirred(am.Chain(am.Dense(2))).save(tmp_path / "net")
    found = load_checkpoint(tmp_path / "net")
    assert (found.loss, found.optimizer, found.epochs) == (None, None, 0)
    assert list(found.state) == ["parameters", "kept"]


CLASSES = {
    "strings": np.array(["no", "yes", "peut-être"]),
    "wide strings": np.array(["a", "b", "c"], "U9"),
    "variable strings": np.array(["a", "b", "c"], np.dtypes.StringDType()),
    "bytes": np.array([b"a", b"\xff", b"c"]),
    "objects": np.array(["a", 2, None], object),
    "ints": np.array([-3, 0, 10**15]),
    "small ints": np.array([1, 2, 3], np.uint8),
    "bools": np.array([False, True, True]),
    "floats": np.array([0.1, 0.25, np.inf]),
    "float32": np.float32([0.1, 0.2, 0.3]),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_labels_of_any_kind_come_back(kind, tmp_path):
    net = stirred(am.Chain(am.Dense(3), am.Softmax()))
    net.classes, net.threshold = CLASSES[kind], 0.25
    found = saved(net, tmp_path)
    assert found.threshold == 0.25
    assert found.classes.dtype == net.classes.dtype
    assert_array_equal(found.classes, net.classes)
    assert_array_equal(found.predict(X), net.predict(X))


def test_what_fit_learned_comes_back(tmp_path):
    net, y = am.Chain(am.Dense(1), am.Sigmoid()), ["no", "yes", "no", "no", "yes"]
    am.fit(net, am.BinaryCrossEntropy(), X, y, epochs=3, verbose=0)
    assert_array_equal(saved(net, tmp_path).predict(X), net.predict(X), strict=True)


def test_parameters_may_be_nan_and_infinite(tmp_path):
    net = stirred(am.Chain(am.Dense(2)))
    net.parameters[:3] = np.nan, np.inf, -np.inf
    assert_array_equal(saved(net, tmp_path).parameters, net.parameters)


def test_a_part_of_a_network_may_be_saved(tmp_path):
    part = am.Chain(am.Dense(3), am.Tanh())
    stirred(am.Chain(part, am.Dense(2)))
    same(saved(part, tmp_path), part)


# ---- what a file holds


def full(path):
    """A file with everything in it."""
    net = stirred(
        am.Chain(am.Dense(9), am.BatchNorm(), am.ReLU(), am.Dense(3), am.Softmax())
    )
    net.classes = np.array(["a", "b", "c"])
    plan = am.Plan(net, am.CrossEntropy(), optimizer=am.Adam(am.Cosine(0.1, 9)))
    plan.step(X, [0, 1, 2, 0, 1])
    net.save(path, loss=am.CrossEntropy(), optimizer=plan.optimizer, epochs=2)
    return net


def test_the_same_network_gives_the_same_bytes(tmp_path):
    full(tmp_path / "one")
    full(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_holds_names_and_numbers_no_code_and_no_paths(tmp_path):
    full(tmp_path / "net")
    description = io.read(tmp_path / "net").description
    text = json.dumps(description)
    for sign in ("/", "\\", str(tmp_path), "anymax.", "__", "lambda", "import", "("):
        assert sign not in text
    assert {"format", "format_version", "anymax"} <= set(description)


def test_arrays_have_the_names_they_have_in_the_network(tmp_path):
    net = full(tmp_path / "net")
    names = set(io.read(tmp_path / "net").tensors)
    assert names == {
        *(f"parameters.{n}" for n in net.named_parameters()),
        *(f"state.{n}" for n in net.named_state()),
        "optimizer.mean",
        "optimizer.square",
    }


# ---- classes of one's own


class Doubled(am.Activation):
    """a = factor z."""

    def __init__(self, *, factor=2.0):
        self.factor = factor

    def apply(self, z):
        return self.factor * z

    def structure(self, z, a):
        return am.Diagonal(a, factor=np.full_like(z, self.factor))


class Shifted(Described, am.Map):
    """y = x + b."""

    def __init__(self, *, init="zeros"):
        self.init, self.width = init, 0

    @property
    def parameters(self):
        init = INITIALIZERS.get(self.init, self.init)
        return (am.Parameter("b", (self.width,), init),)

    def build(self, *inputs):
        self.width = inputs[0][-1]

    def linearize(self, inputs, parameters, state=(), *, training=False, key=None):
        return inputs[0] + parameters[0], ShiftedAt(inputs[0].ndim)


class ShiftedAt(Linearization):
    """At any point."""

    def __init__(self, ndim):
        self.ndim = ndim

    def vjp(self, g):
        return (g,), (total(g),)

    def jvp(self, v_inputs, v_parameters):
        return v_inputs[0] + v_parameters[0]

    def vjp_derivative(self, v_inputs, v_parameters, g, dg):
        return self.vjp(dg)


class Forgetful(Doubled):
    """Keeps its argument under another name."""

    def __init__(self, *, beta=2.0):
        super().__init__(factor=beta)


class Two(am.Chain):
    """A chain that makes its own maps."""

    def __init__(self, width):
        super().__init__(am.Dense(width), Doubled(), am.Dense(width))
        self.width = width


def sevens(rng, shape):
    return np.full(shape, 7.0)


CUSTOM = {"Doubled": Doubled, "Shifted": Shifted, "Two": Two, "sevens": sevens}


def test_own_classes_come_back_with_custom(tmp_path):
    net = stirred(am.Chain(Two(3), Shifted(init=sevens), Doubled(factor=0.5)))
    net.save(tmp_path / "net", optimizer=am.SGD(sevens))
    found = load_checkpoint(tmp_path / "net", custom=CUSTOM)
    same(found.network, net)
    assert found.optimizer.lr is sevens


@pytest.mark.parametrize("name", CUSTOM)
def test_a_class_that_is_not_known_is_named(name, tmp_path):
    net = am.Chain(Two(3), Shifted(init=sevens), Doubled())
    stirred(net).save(tmp_path / "net")
    some = {n: kind for n, kind in CUSTOM.items() if n != name}
    with pytest.raises(ValueError, match=rf'net: .* {name} .*custom={{"{name}": ') as e:
        load(tmp_path / "net", custom=some)
    assert "\n" not in str(e.value)


def test_an_own_class_named_as_one_of_ours_is_never_taken_for_it(tmp_path):
    mine = type("Softmax", (Doubled,), {})
    net = stirred(am.Chain(mine(factor=3.0), am.Softmax()))
    net.save(tmp_path / "net")
    with pytest.raises(ValueError, match="class Softmax that anymax does not have"):
        load(tmp_path / "net")
    found = load(tmp_path / "net", custom={"Softmax": mine})
    assert [type(each) for each in found.maps] == [mine, am.Softmax]
    same(found, net)


def changed():
    """Doubled, as it became after the file was written."""
    return type("Doubled", (am.Identity,), {})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (changed(), "Doubled takes no argument factor"),
        (lambda factor: None, "class Doubled that anymax does not have"),
        (am.CrossEntropy, "CrossEntropy takes no argument factor"),
    ],
)
def test_a_class_that_changed_is_refused(kind, said, tmp_path):
    stirred(am.Chain(Doubled(factor=3.0))).save(tmp_path / "net")
    with pytest.raises(ValueError, match=f"net: .*{said}"):
        load(tmp_path / "net", custom={"Doubled": kind})


class Loud(Doubled):
    """Refuses to be made when `broken`."""

    broken = False

    def __init__(self):
        super().__init__()
        if self.broken:
            raise RuntimeError("the heating is off")


def test_an_error_in_an_own_class_is_said(tmp_path, monkeypatch):
    stirred(am.Chain(Loud())).save(tmp_path / "net")
    monkeypatch.setattr(Loud, "broken", True)
    with pytest.raises(ValueError, match="net: the heating is off"):
        load(tmp_path / "net", custom={"Loud": Loud})


def outside():
    owner = am.Dense(WIDTH)
    am.Chain(owner).build(WIDTH)
    return am.Chain(am.Dense(weight=owner.weight))


def two_of_a_name():
    kinds = [type("Same", (Doubled,), {}) for _ in range(2)]
    return am.Chain(*(kind() for kind in kinds))


def reaching_in():
    inner = Two(WIDTH)
    return am.Chain(inner, am.Dense(weight=inner.maps[0].weight))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: am.Chain(Forgetful(beta=3.0)), "beta as self.beta"),
        (
            lambda: am.Chain(Shifted(init=lambda r, s: np.ones(s))),
            "functions that have",
        ),
        (lambda: am.Chain(Doubled(factor=np.longdouble(3))), "dtype"),
        (lambda: am.Chain(Doubled(factor=3 + 1j)), "numbers, strings"),
        (two_of_a_name, "another name"),
        (outside, "whose weight it uses"),
        (reaching_in, "whose weight it uses|the same arrays"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(make, said, tmp_path):
    net = make().build(WIDTH)
    with pytest.raises(ValueError, match=said):
        net.save(tmp_path / "net")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "kept", [{"loss": am.CrossEntropy}, {"optimizer": am.Adam}, {"loss": am.Adam()}]
)
def test_what_is_no_loss_or_optimizer_is_refused(kept, tmp_path):
    with pytest.raises(TypeError, match="save needs"):
        stirred(am.Chain(am.Dense(2))).save(tmp_path / "net", **kept)
    assert os.listdir(tmp_path) == []


def test_a_network_that_is_not_built_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match="not built"):
        am.Chain(am.Dense(2)).save(tmp_path / "net")
    assert os.listdir(tmp_path) == []


# ---- files that are no good


def refused(path, said=""):
    """One line, with the file's name, from both ways to load."""
    for read in (load, load_checkpoint):
        with pytest.raises(ValueError, match=said) as e:
            read(path)
        assert path.name in str(e.value)
        assert "\n" not in str(e.value)
        assert str(e.value).endswith(".")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no .*net\.safetensors"):
        load(tmp_path / "net.safetensors")


def test_a_folder_is_refused(tmp_path):
    refused(tmp_path, "needs a file")


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    full(tmp_path / "net")
    data, path = (tmp_path / "net").read_bytes(), tmp_path / "cut.safetensors"
    assert len(data) > 3000
    for at in [*range(0, len(data), 500), *range(1, 20), len(data) - 1]:
        path.write_bytes(data[:at])
        refused(path, "cut short")
    path.write_bytes(data + b"\0")
    refused(path, "cut short")


def test_a_flipped_byte_is_noticed_or_changes_nothing(tmp_path):
    net = full(tmp_path / "net")
    data, path = (tmp_path / "net").read_bytes(), tmp_path / "flipped.safetensors"
    header = 8 + int.from_bytes(data[:8], "little")
    rng, unnoticed = np.random.default_rng(0), 0
    for at in [*range(header), *range(header, len(data), 7)]:
        mask = int(rng.integers(1, 256))
        path.write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
        try:
            found = load(path)
        except ValueError as error:
            assert path.name in str(error)  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
        else:  # as a space in the header that became a tabulator
            unnoticed += 1
            same(found, net)
    assert unnoticed < 5


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cut short"),
        (b"\x80\x04\x95 a pickle", "cut short"),
        (b"a,b,c\n1,2,3\n" * 100, "cut short"),
        (serialized({"w": np.zeros(3)}), "another program"),
        (serialized({"w": np.zeros(3)}, {"format": "pt"}), "another program"),
        (serialized({}, {"anymax": "{"}), "damaged"),
        (serialized({}, {"anymax": "[" * 10**5}), "damaged"),
        (serialized({}, {"anymax": "{}"}), "damaged"),
        (serialized({}, {"anymax": '{"format": "anymax"}'}), "format is None"),
    ],
)
def test_what_another_program_wrote_is_refused(data, said, tmp_path):
    (tmp_path / "other").write_bytes(data)
    refused(tmp_path / "other", said)


@pytest.fixture
def rewritten(tmp_path):
    """Write what a file holds anew, after a change, with a checksum that is right."""

    def write(change):
        full(tmp_path / "net")
        kept = io.read(tmp_path / "net")
        change(kept)
        (tmp_path / "changed").write_bytes(io.packed(kept))
        return tmp_path / "changed"

    return write


def test_a_newer_format_is_refused(rewritten):
    path = rewritten(lambda kept: kept.description.update(format_version=2))
    refused(path, "format 2.*Update anymax")


def test_a_wrong_checksum_is_refused(tmp_path):
    full(tmp_path / "net")
    kept = io.read(tmp_path / "net")
    text = json.dumps({**kept.description, "epochs": 9, "checksum": "0"})
    (tmp_path / "net").write_bytes(serialized(kept.tensors, {"anymax": text}))
    refused(tmp_path / "net", "changed after it was written")


WRONG = {
    "lacks the array parameters.0.bias": lambda t: t.pop("parameters.0.bias"),
    "lacks the array state.1.mean": lambda t: t.pop("state.1.mean"),
    "has no use for the array odd": lambda t: t.update(odd=np.zeros(3)),
    "parameters.0.weight needs shape": lambda t: t.update(
        {"parameters.0.weight": np.zeros((9, 6), np.float32)}
    ),
    "parameters.0.bias needs .* float32; got .* float64": lambda t: t.update(
        {"parameters.0.bias": np.zeros(9)}
    ),
    "optimizer.mean needs shape": lambda t: t.update(
        {"optimizer.mean": np.zeros(9, np.float32)}
    ),
    "needs a state of": lambda t: t.pop("optimizer.mean"),
}


@pytest.mark.parametrize("said", WRONG)
def test_arrays_that_do_not_fit_are_named(said, rewritten):
    refused(rewritten(lambda kept: WRONG[said](kept.tensors)), said)


def first(description):
    """The description of the first layer."""
    return description["architecture"]["arguments"]["maps"]["tuple"][0]


DENSE = {"class": "Dense", "arguments": {"units": 2}}
HUGE = {"class": "Embedding", "arguments": {"count": 10**15, "size": 9}}
ODD = {
    "class Odd that": lambda d: first(d).update({"class": "Odd"}),
    "function odd that": lambda d: first(d)["arguments"].update(
        kernel={"function": "odd"}
    ),
    "class system that": lambda d: first(d).update({"class": "system"}),
    "takes no argument os": lambda d: first(d)["arguments"].update(os=1),
    "Dense needs a whole number": lambda d: first(d)["arguments"].update(units=0.5),
    "Chain needs layers": lambda d: d["architecture"]["arguments"].update(
        maps={"tuple": [None]}
    ),
    "in a place": lambda d: d.update(architecture=DENSE),
    "in a place ": lambda d: d.update(loss={"class": "ReLU", "arguments": {}}),
    "in a place  ": lambda d: d.update(optimizer={"class": "ReLU", "arguments": {}}),
    "its description holds": lambda d: d.update(architecture={"again": 7}),
    "its description holds ": lambda d: d.update(architecture={}),
    "array of dtype": lambda d: d.update(
        classes={"array": [1], "shape": [1], "dtype": "V8"}
    ),
    "no layer": lambda d: first(d)["arguments"].update(
        weight={"tied": 3, "of": "weight", "transposed": False}
    ),
    "computes in int8": lambda d: d.update(dtype="int8"),
    "architecture": lambda d: d.pop("architecture"),
    "no use for the array parameters.0.bias": lambda d: d["architecture"][
        "arguments"
    ].update(maps={"tuple": [HUGE]}),
    "takes none": lambda d: d.update(optimizer=None),
}


@pytest.mark.parametrize("said", ODD)
def test_descriptions_that_do_not_fit_are_refused(said, rewritten):
    path = rewritten(lambda kept: ODD[said](kept.description))
    refused(path, said.strip())


# ---- nothing half is ever there


@pytest.fixture
def old(tmp_path):
    """A file that is there already; afterwards it must be there, and alone."""
    path = tmp_path / "net.safetensors"
    stirred(am.Chain(am.Dense(2))).save(path)
    before = path.read_bytes()
    yield path
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


FAILING = {
    "packed": (io, "packed", ValueError),
    "serialized": (io, "serialized", MemoryError),
    "fsync": (io.os, "fsync", OSError),
    "replace": (io.os, "replace", PermissionError),
    "interrupted": (io.os, "replace", KeyboardInterrupt),
}


@pytest.mark.parametrize("where", FAILING)
def test_a_failure_leaves_the_old_file_alone(where, old, monkeypatch):
    owner, name, error = FAILING[where]

    def fail(*args, **kwargs):
        raise error("no luck")

    net = stirred(am.Chain(am.Dense(3)))
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fail)
        with pytest.raises(error, match="no luck"):
            net.save(old)


def test_a_disk_that_gets_full_leaves_the_old_file_alone(old, monkeypatch):
    def write_half(path, data):
        with open(path, "xb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(io, "_write_synced", write_half)
    with pytest.raises(OSError, match=r"save cannot write .*: No space left"):
        stirred(am.Chain(am.Dense(3))).save(old)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"save cannot write .*missing"):
        stirred(am.Chain(am.Dense(2))).save(tmp_path / "missing" / "net")
    assert os.listdir(tmp_path) == []


def test_a_file_as_a_folder_is_refused(old):
    with pytest.raises(NotADirectoryError, match="save cannot write"):
        stirred(am.Chain(am.Dense(2))).save(old / "net")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="name of a file"):
        stirred(am.Chain(am.Dense(2))).save(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users")
def test_a_read_only_folder_is_refused(old, tmp_path, monkeypatch):
    if os.geteuid() == 0:  # whom no folder's mode stops

        def refuse(path, data):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(io, "_write_synced", refuse)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="Permission denied"):
            stirred(am.Chain(am.Dense(2))).save(old)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_modes_and_links_stay(tmp_path):
    path, link = tmp_path / "net", tmp_path / "link"
    net = stirred(am.Chain(am.Dense(2)))
    net.save(path)
    path.chmod(0o640)
    link.symlink_to(path)
    net.parameters += 1
    net.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    same(load(path), net)
    assert sorted(os.listdir(tmp_path)) == ["link", "net"]


def test_a_file_is_synced_before_it_gets_its_name_and_the_folder_after(
    tmp_path, monkeypatch
):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            io.os, name, lambda *a, n=name, r=real: (done.append(n), r(*a))[1]
        )
    stirred(am.Chain(am.Dense(2))).save(tmp_path / "net")
    assert done == ["fsync", "replace", "fsync"]


# ---- the registries are all there


def test_what_anymax_offers_can_be_named_in_a_file():
    offered = {
        name
        for name in dir(am)
        if isinstance(kind := getattr(am, name), type)
        and issubclass(kind, am.Map | am.Loss | Optimizer | Schedule)
        and not getattr(kind, "__abstractmethods__", None)
    }
    from_files = set(known())
    assert offered <= from_files
    assert {*samples(activations), *samples(losses), *samples(layers)} <= from_files
