"""fit's habits: resuming, stopping, validation, metrics, tables, progress, L-BFGS."""

import copy
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as reference
from sklearn.datasets import load_iris, load_wine

import anymax as am
from anymax import metrics
from anymax.training.batches import hold_out

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
NAMES = np.array(["setosa", "versicolor", "virginica"])


def plain():
    return am.Chain(am.Dense(8), am.Tanh(), am.Dense(3), am.Softmax())


def noisy():
    return am.Chain(
        am.Dense(8),
        am.BatchNorm(),
        am.Tanh(),
        am.Dropout(0.2),
        am.Dense(3),
        am.Softmax(),
    )


def fitted(net, **options):
    given = {"epochs": 5, "batch": 16, "verbose": 0, "optimizer": am.Adam(0.01)}
    return am.fit(net, am.CrossEntropy(), X, Y, **(given | options))


# ---- repeating and resuming


@pytest.mark.parametrize("make", [plain, noisy])
@pytest.mark.parametrize("average", [None, 0.9])
def test_the_same_seed_repeats_bit_for_bit(make, average):
    nets = [make(), make(), make()]
    for net, seed in zip(nets, (3, 3, 4), strict=True):
        fitted(net, seed=seed, optimizer=am.Adam(0.01, average=average))
    assert_array_equal(nets[0].parameters, nets[1].parameters)
    assert_array_equal(nets[0].kept, nets[1].kept)
    assert not np.array_equal(nets[0].parameters, nets[2].parameters)


OPTIMIZERS = [
    am.Adam(0.01),
    am.SGD(0.1, momentum=0.9),
    am.Adam(0.01, average=0.9),
    am.Adam(am.OnPlateau(0.05, factor=0.5, patience=1)),
    am.SGD(am.Cosine(0.1, 60)),
    am.AdamW(0.01, clip_norm=0.1),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_resumed_run_is_as_one_that_never_ended(optimizer, tmp_path):
    whole, parts = noisy(), noisy()
    options = {"optimizer": optimizer, "validation": 0.2, "seed": 1}
    long = fitted(whole, epochs=7, **options)
    first = fitted(parts, epochs=3, **options)
    np.savez(tmp_path / "state.npz", **first.state)
    state = dict(np.load(tmp_path / "state.npz"))
    second = fitted(
        pickle.loads(pickle.dumps(parts)), epochs=4, resume=state, **options
    )
    last = fitted(parts, epochs=4, resume=first.state, **options)
    assert first.epochs + second.epochs == long.epochs == first.epochs + last.epochs
    assert_array_equal(parts.parameters, whole.parameters)
    assert_array_equal(parts.kept, whole.kept)
    for name, value in long.state.items():
        assert_array_equal(last.state[name], value)


def test_training_goes_on_alike_after_copies():
    net = noisy()
    fitted(net, epochs=2)
    copies = [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    fitted(net, epochs=2)
    for each in copies:
        fitted(each, epochs=2)
        assert_array_equal(each.parameters, net.parameters)


def test_a_state_of_another_network_is_refused():
    state = fitted(plain()).state
    with pytest.raises(ValueError, match=r"parameters of shape \(64,\); got \(67,\)"):
        fitted(smaller(), resume=state)
    with pytest.raises(ValueError, match="needs a state of"):
        fitted(plain(), resume=state, optimizer=am.SGD(0.1))


def test_a_state_of_epochs_of_other_steps_is_refused():
    net = plain()
    state = fitted(net).state
    before = net.parameters.copy()
    with pytest.raises(ValueError, match="10 steps an epoch; got batch=32 of 150 rows"):
        fitted(net, resume=state, batch=32)
    with pytest.raises(ValueError, match="batch=16 of 120 rows, 8 steps"):
        fitted(net, resume=state, validation=0.2)
    assert_array_equal(net.parameters, before)


@pytest.mark.parametrize(
    "made",
    [
        lambda steps: am.Cosine(0.1, steps),
        lambda steps: am.Warmup(am.Cosine(0.1, steps - 5), 5),
        lambda steps: lambda step: 0.1 * (step < steps),
    ],
)
def test_a_schedule_that_has_ended_is_not_gone_on_with(made):
    """30 steps are taken; those up to step 31 or 70 have a rate above 0, or none."""
    net = plain()
    state = fitted(net, epochs=3, optimizer=am.SGD(made(30))).state
    before = net.parameters.copy()
    with pytest.raises(ValueError, match="all of the 20 steps after step 30") as caught:
        fitted(net, epochs=2, optimizer=am.SGD(made(30)), resume=state)
    assert "\n" not in str(caught.value)
    assert_array_equal(net.parameters, before)
    for steps in (32, 70):
        fitted(net, epochs=2, optimizer=am.SGD(made(steps)), resume=state)
        assert not np.array_equal(net.parameters, before)
    fitted(net, epochs=0, optimizer=am.SGD(made(30)), resume=state)


def smaller():
    return am.Chain(am.Dense(8), am.Tanh(), am.Dense(3, bias=False), am.Softmax())


# ---- ending early


class Interrupting:
    """Raises, or sends, Ctrl-C at the end of an epoch."""

    def __init__(self, at, by_signal=False):
        self.at, self.by_signal = at, by_signal

    def __call__(self, epoch):
        if epoch.epoch == self.at:
            if not self.by_signal:
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("by_signal", [False, True])
@pytest.mark.parametrize("average", [None, 0.9])
def test_ctrl_c_keeps_what_was_learned(by_signal, average, caplog):
    net, expected = plain(), plain()
    optimizer = am.Adam(0.01, average=average)
    history = fitted(
        net, epochs=9, optimizer=optimizer, callbacks=[Interrupting(3, by_signal)]
    )
    assert history.ended == "interrupted"
    assert "interrupted after epoch 3" in repr(history)
    assert "interrupted" in caplog.text
    assert len(history) == 3
    fitted(expected, epochs=3, optimizer=optimizer)
    assert_array_equal(net.parameters, expected.parameters)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_within_an_epoch_ends_it_after_a_step_and_resuming_finishes_it():
    class Late(am.SGD):
        def move(self, gradient, rate):
            if self.steps == 13:  # in the second epoch of 10 steps
                os.kill(os.getpid(), signal.SIGINT)
            return super().move(gradient, rate)

    net, whole = plain(), plain()
    history = fitted(net, optimizer=Late(0.1))
    assert history.ended == "interrupted"
    assert len(history) == 1
    assert history.state["optimizer.steps"] == 13
    again = fitted(net, epochs=4, optimizer=am.SGD(0.1), resume=history.state)
    fitted(whole, epochs=5, optimizer=am.SGD(0.1))
    assert_array_equal(net.parameters, whole.parameters)
    assert [epoch.epoch for epoch in again.epochs] == [2, 3, 4, 5]


def test_an_interrupt_before_the_first_step_is_raised():
    class Impatient(am.Callback):
        def on_start(self, net):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(plain(), callbacks=[Impatient()])


def test_a_second_ctrl_c_goes_through():
    with pytest.raises(KeyboardInterrupt):
        fitted(plain(), callbacks=[Interrupting(2, True), Interrupting(2, True)])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_fit_runs_in_threads_that_may_not_handle_signals():
    net, expected = plain(), plain()
    thread = threading.Thread(target=fitted, args=(net,))
    thread.start()
    thread.join()
    fitted(expected)
    assert_array_equal(net.parameters, expected.parameters)


def test_a_callback_may_end_the_fit():
    history = fitted(plain(), callbacks=[lambda epoch: epoch.epoch == 2])
    assert (len(history), history.ended) == (2, "stopped")
    history = fitted(plain(), callbacks=[lambda epoch: "true in a way"])
    assert (len(history), history.ended) == (5, "finished")


def test_one_callback_needs_no_list():
    seen = []
    fitted(plain(), epochs=2, callbacks=lambda epoch: seen.append(epoch.epoch))
    assert seen == [1, 2]
    stopping = am.EarlyStopping(monitor="loss")
    fitted(plain(), epochs=2, callbacks=stopping)
    assert stopping.best_epoch == 2
    with pytest.raises(TypeError, match="functions of an Epoch"):
        fitted(plain(), callbacks=3)


def test_one_weight_counts_for_all_rows_of_an_epoch():
    one, other = (am.Plan(plain().build(4), am.CrossEntropy(), batch=16) for _ in "ab")
    assert one.epoch(X, Y, sample_weight=2.0) == other.epoch(
        X, Y, sample_weight=np.full(len(X), 2.0)
    )


def test_a_callback_sees_start_epochs_and_end():
    class Watching(am.Callback):
        def on_start(self, net):
            self.seen = [net.built]

        def on_epoch(self, epoch):
            self.seen.append(epoch.epoch)

        def on_end(self, history):
            self.seen.append(history.ended)

    watching = Watching()
    fitted(plain(), callbacks=[watching], epochs=2)
    assert watching.seen == [True, 1, 2, "finished"]


@pytest.mark.parametrize("average", [None, 0.9])
def test_early_stopping_restores_the_best_parameters_and_state(average):
    net, kept = noisy(), {}

    class Copying(am.Callback):
        def on_start(self, net):
            self.net = net

        def on_epoch(self, epoch):
            kept[epoch.epoch] = self.net.parameters.copy(), self.net.kept.copy()

    stopping = am.EarlyStopping(patience=3)
    history = fitted(
        net,
        epochs=100,
        validation=0.3,
        optimizer=am.Adam(0.2, average=average),
        callbacks=[Copying(), stopping],
    )
    losses = history["validation loss"]
    best = int(np.argmin(losses)) + 1
    assert history.ended == "stopped"
    assert len(history) == best + 3
    assert (stopping.best_epoch, stopping.best) == (best, min(losses))
    assert_array_equal(net.parameters, kept[best][0])
    assert_array_equal(net.kept, kept[best][1])


def test_early_stopping_may_leave_the_last_and_watch_another_column():
    options = {"epochs": 40, "validation": 0.3, "optimizer": am.Adam(0.1)}
    stopping = am.EarlyStopping(
        patience=4, monitor="validation accuracy", restore_best=False
    )
    one, two = plain(), plain()
    history = fitted(one, callbacks=[stopping], **options)
    scores = history["validation accuracy"]
    assert len(history) == int(np.argmax(scores)) + 1 + 4
    fitted(two, **(options | {"epochs": len(history)}))
    assert_array_equal(one.parameters, two.parameters)


def test_changes_too_small_do_not_count():
    net = plain()
    stopping = am.EarlyStopping(patience=2, monitor="loss", minimum_change=100.0)
    assert len(fitted(net, callbacks=[stopping])) == 3
    assert stopping.best_epoch == 1


@pytest.mark.parametrize(
    "options", [{"patience": 0}, {"patience": 1.5}, {"minimum_change": -1}]
)
def test_early_stopping_refuses_other_arguments(options):
    with pytest.raises(ValueError, match="EarlyStopping needs"):
        am.EarlyStopping(**options)


def test_a_nan_stops_and_leaves_the_parameters_before_the_step():
    net, expected = plain(), []

    class Poisoned(am.SGD):
        def move(self, gradient, rate):
            change = super().move(gradient, rate)
            if self.steps == 13:
                net.named_parameters()["0.weight"][0, 0] = np.nan
                expected.append(net.parameters - change)
            return change

    with pytest.raises(FloatingPointError, match=r"layer 0 \(Dense\(8\)\).*step 14"):
        fitted(net, optimizer=Poisoned(0.1))
    assert_array_equal(net.parameters, expected[0])
    assert np.isnan(net.parameters).sum() == 1


# ---- what the optimizer is told


def test_a_plateau_hears_the_loss_of_validation_else_of_training():
    heard = []

    class Hearing(am.OnPlateau):
        def report(self, loss):
            heard.append(loss)

    rate = Hearing(0.01)
    with_validation = fitted(plain(), optimizer=am.Adam(rate), validation=0.2)
    assert heard == with_validation["validation loss"]
    heard.clear()
    without = fitted(plain(), optimizer=am.Adam(rate))
    assert heard == without["loss"]


def test_the_moving_average_is_what_is_validated_and_kept():
    net = plain()
    history = fitted(net, optimizer=am.Adam(0.05, average=0.95), validation=0.2)
    again = am.fit(
        net,
        am.CrossEntropy(),
        X,
        Y,
        epochs=1,
        validation=(X, Y),
        verbose=0,
        optimizer=am.SGD(1e-30),
    )
    assert not np.array_equal(history.state["parameters"], net.parameters)
    assert_array_equal(history.state["optimizer.smoothed"], net.parameters)
    assert again["validation accuracy"][0] > 0.9


# ---- validation and metrics


def test_validation_rows_may_be_given():
    net, (x, y) = plain(), (X[::3], NAMES[Y[::3]])
    history = am.fit(
        net,
        am.CrossEntropy(),
        X[1::3],
        NAMES[Y[1::3]],
        validation=(x, y),
        l2=0.1,
        metrics=["accuracy", "macro_f1", lambda true, found: np.sum(true == found)],
        epochs=3,
        verbose=0,
    )
    assert_array_equal(net.classes, NAMES)
    value = am.Objective(net, am.CrossEntropy()).value(x, Y[::3])
    last = history.rows[-1]
    assert_allclose(last["validation loss"], value, rtol=1e-5)
    hits = np.sum(net.predict(x) == y)
    assert last["validation accuracy"] == hits / len(x)
    assert last["validation <lambda>"] == hits
    assert_allclose(
        last["validation macro_f1"],
        reference.f1_score(y, net.predict(x), average="macro"),
    )


def test_a_network_keeps_its_classes_where_later_rows_have_but_some():
    net = plain()
    am.fit(net, am.CrossEntropy(), X, NAMES[Y], verbose=0)
    am.fit(net, am.CrossEntropy(), X[:100], NAMES[Y[:100]], epochs=1, verbose=0)
    assert_array_equal(net.classes, NAMES)
    history = am.fit(
        net,
        am.CrossEntropy(),
        X,
        NAMES[Y],
        epochs=1,
        verbose=0,
        validation=(X[:50], NAMES[Y[:50]]),
    )
    assert history["validation accuracy"][0] > 0.9


def test_the_loss_of_many_validation_rows_is_that_of_all_at_once():
    x, y = np.tile(X, (60, 1)), np.tile(Y, 60)
    weight = np.random.default_rng(0).uniform(size=len(y))
    loss = am.CrossEntropy(class_weight=[1.0, 2.0, 5.0])
    net = am.Chain(am.Dense(3), am.Softmax())
    history = am.fit(
        net, loss, x, y, sample_weight=weight, validation=0.9, epochs=1, verbose=0
    )
    _, held = hold_out(len(y), 0.9, 0, y)
    assert len(held) > 4096
    value = am.Objective(net, loss).value(x[held], y[held], weight[held])
    assert_allclose(history["validation loss"][0], value, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_regression_has_its_own_metrics(dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(dtype)
    y = x @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=200)
    net = am.Chain(am.Dense(1))
    history = am.fit(
        net,
        am.SquaredError(),
        x,
        y,
        epochs=60,
        optimizer=am.Adam(0.05),
        verbose=0,
        validation=(x, y),
        metrics=("r2", "mean_absolute_error"),
    )
    last, found = history.rows[-1], net(x)[:, 0]
    assert_allclose(last["validation r2"], reference.r2_score(y, found), rtol=1e-5)
    expected = reference.mean_absolute_error(y, found)
    assert_allclose(last["validation mean_absolute_error"], expected, rtol=1e-5)
    assert last["validation r2"] > 0.99
    with pytest.raises(ValueError, match="no metric of values"):
        am.fit(net, am.SquaredError(), x, y, validation=0.1, metrics=["accuracy"])


def test_metrics_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    true, found = rng.integers(4, size=(2, 50))
    assert metrics.accuracy(true, found) == reference.accuracy_score(true, found)
    expected = reference.f1_score(true, found, average="macro")
    assert_allclose(metrics.macro_f1(true, found), expected)
    y, a = rng.normal(size=(2, 50, 3))
    assert_allclose(metrics.r2(y, a), reference.r2_score(y, a))
    assert_allclose(
        metrics.mean_absolute_error(y, a), reference.mean_absolute_error(y, a)
    )
    assert metrics.r2([1.0, 1.0], [1.0, 1.0]) == 1
    assert metrics.r2([1.0, 1.0], [1.0, 2.0]) == 0
    with pytest.raises(am.ShapeError, match="same shape"):
        metrics.accuracy([1], [1, 2])


# ---- weights


def test_sample_weights_equal_repeated_rows():
    times = np.random.default_rng(0).integers(0, 4, size=len(Y))
    loss = am.CrossEntropy(class_weight=[1.0, 2.0, 3.0])
    one, two = (plain().build(4, dtype="float64") for _ in range(2))
    options = {"optimizer": am.SGD(0.1), "epochs": 5, "batch": 1000, "verbose": 0}
    first = am.fit(one, loss, X, Y, sample_weight=times, **options)
    second = am.fit(two, loss, X.repeat(times, 0), Y.repeat(times), **options)
    assert_allclose(one.parameters, two.parameters, rtol=1e-10)
    assert_allclose(first["loss"], second["loss"])


@pytest.mark.parametrize("shape", [(30, 3), (30, 1), (1, 30), ()])
@pytest.mark.parametrize("optimizer", [am.SGD(0.1), am.LBFGS()], ids=repr)
def test_weights_of_another_shape_are_said_as_they_came(shape, optimizer):
    net, weight = plain(), np.ones(shape)
    with pytest.raises(am.ShapeError) as caught:
        am.fit(
            net,
            am.CrossEntropy(),
            X[::5],
            Y[::5],
            sample_weight=weight,
            optimizer=optimizer,
            verbose=0,
        )
    assert f"{shape}" in str(caught.value)
    assert "30" in str(caught.value).replace(f"{shape}", "")
    assert "64" not in str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "at", "said"),
    [
        ("x", (3, 2), "that float32 holds; got 1e+39 in row 3, column 2"),
        ("y", (3, 0), "that float32 holds; got [1.e+39] in row 3"),
        ("sample_weight", (3,), ">= 0 in float32; got 1e+39"),
    ],
)
def test_numbers_too_large_for_float32_are_named(name, at, said):
    rng = np.random.default_rng(0)
    shapes = {"x": (9, 3), "y": (9, 1), "sample_weight": (9,)}
    given = {each: rng.random(shape) for each, shape in shapes.items()}
    given[name][at] = 1e39
    with pytest.raises(am.DomainError) as caught:
        am.fit(am.Chain(am.Dense(1)), am.SquaredError(), **given, verbose=0)
    assert said in str(caught.value)
    wide = am.Chain(am.Dense(1)).build(3, dtype=np.float64)
    am.fit(wide, am.SquaredError(), **given, epochs=0, verbose=0)


# ---- tables of pandas and polars


class Table:
    """What polars and pandas have in common, as far as it is needed."""

    def __init__(self, **columns):
        self.named = columns

    @property
    def columns(self):
        return list(self.named)

    def to_numpy(self):
        parts = [np.asarray(column) for column in self.named.values()]
        kinds = {part.dtype.kind for part in parts}
        dtype = None if kinds <= set("if") else object
        return np.stack([part.astype(dtype or part.dtype) for part in parts], 1)


class Column(SimpleNamespace):
    def to_numpy(self):
        return np.array(self.values, object)


def in_columns(**changed):
    return {name: X[:, i] for i, name in enumerate("abcd")} | changed


def test_tables_and_columns_are_rows_and_labels():
    one, two, three = plain(), plain(), plain()
    table = Table(**in_columns())
    am.fit(one, am.CrossEntropy(), X, NAMES[Y], epochs=2, verbose=0)
    am.fit(
        two,
        am.CrossEntropy(),
        table,
        Column(values=list(NAMES[Y])),
        epochs=2,
        verbose=0,
    )
    am.fit(three, am.CrossEntropy(), table, Table(y=NAMES[Y]), epochs=2, verbose=0)
    for net in (two, three):
        assert_array_equal(net.parameters, one.parameters)
        assert net.classes.dtype == NAMES.dtype
        assert_array_equal(net.predict(X), one.predict(X))


def test_columns_of_objects_that_are_numbers_will_do():
    net = plain()
    flags = np.array([True, False] * 75, object)
    am.fit(net, am.CrossEntropy(), Table(**in_columns(c=flags)), Y, epochs=1, verbose=0)
    assert np.isfinite(net.parameters).all()


FLAGS = {"b": X[:, 1] > 0, "c": np.arange(150) % 7}


@pytest.mark.parametrize("library", ["pandas", "neither"])
def test_a_network_takes_the_tables_that_fit_takes(library):
    columns = in_columns(**FLAGS)
    table = Table(**columns)
    if library == "pandas":
        table = pytest.importorskip("pandas").DataFrame(columns)
    assert np.asarray(table.to_numpy()).dtype == object
    rows, net, loss = np.stack(list(columns.values()), 1), plain(), am.CrossEntropy()
    am.fit(net, loss, table, NAMES[Y], epochs=2, verbose=0)
    assert_array_equal(net(table), net(rows))
    assert_array_equal(net.logits(table), net.logits(rows))
    assert_array_equal(net.predict(table), net.predict(rows))
    objective = am.Objective(net, loss)
    assert objective.value(table, Y) == objective.value(rows, Y)
    ends = []
    for given in (table, rows):
        objective = am.Objective(plain().build(4, seed=0), loss)
        value = am.Plan(objective.net, loss, batch=150).step(given, Y)
        end = am.LBFGS(max_iterations=3).minimize(objective, given, Y)
        ends.append((value, end.value, end.iterations))
    assert ends[0] == ends[1]


def test_a_network_names_the_column_that_it_cannot_take():
    net = plain().build(4)
    with pytest.raises(TypeError, match="got 'low' in column 'c'"):
        net.predict(Table(**in_columns(c=TEXT)))
    gaps = net(Table(**in_columns(d=[None] + [1.0] * 149)))
    assert np.isnan(gaps[0]).all()
    assert np.isfinite(gaps[1:]).all()


TEXT = np.array(["low"] * 149 + ["high"], object)


@pytest.mark.parametrize(
    ("columns", "error", "said"),
    [
        ({"c": TEXT}, TypeError, "got 'low' in column 'c'"),
        ({"b": np.array([1.0] * 9 + ["x"] * 141, object)}, TypeError, "column 'b'"),
        ({"d": [None] * 150}, am.DomainError, "row 0, column d"),
        ({"d": [1.0] * 7 + [np.nan] * 143}, am.DomainError, "row 7, column d"),
    ],
)
def test_columns_that_are_no_numbers_are_named(columns, error, said):
    with pytest.raises(error, match=said) as caught:
        am.fit(plain(), am.CrossEntropy(), Table(**in_columns(**columns)), Y)
    assert "\n" not in str(caught.value)


def test_a_row_without_a_label_is_named():
    labels = [*NAMES[Y[:-1]], None]
    with pytest.raises(am.DomainError, match="None in row 149"):
        am.fit(plain(), am.CrossEntropy(), X, Column(values=labels))


def test_pandas_tables_and_categories():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abcd"))
    one, two = plain(), plain()
    am.fit(one, am.CrossEntropy(), X, NAMES[Y], epochs=2, verbose=0)
    species = pandas.Series(NAMES[Y], dtype="category")
    weight = pandas.Series(np.ones(len(Y)))
    am.fit(
        two,
        am.CrossEntropy(),
        table,
        species,
        sample_weight=weight,
        epochs=2,
        verbose=0,
    )
    assert_array_equal(one.parameters, two.parameters)
    assert set(two.predict(X)) <= set(NAMES)
    for bad, said in (("x", "'x' in column 'b'"), (None, "row 3, column b")):
        broken = table.astype({"b": object})
        broken.loc[3, "b"] = bad
        with pytest.raises((TypeError, am.DomainError), match=said):
            am.fit(plain(), am.CrossEntropy(), broken, species)
    nullable = table.astype("Float64")
    nullable.loc[5, "a"] = pandas.NA
    with pytest.raises(am.DomainError, match="row 5, column a"):
        am.fit(plain(), am.CrossEntropy(), nullable, species)
    whole = pandas.Series(Y, dtype="Int64")
    whole[4] = pandas.NA
    with pytest.raises(am.DomainError, match="row 4"):
        am.fit(plain(), am.CrossEntropy(), table, whole)


# ---- networks of several inputs


def test_a_network_of_several_inputs_is_built_and_trained():
    net = am.Chain(
        am.Parallel(am.Dense(4), am.Dense(4)), am.Tanh(), am.Dense(3), am.Softmax()
    )
    history = am.fit(
        net,
        am.CrossEntropy(),
        (X[:, :1], X[:, 1:]),
        NAMES[Y],
        validation=0.2,
        optimizer=am.Adam(0.05),
        epochs=20,
        verbose=0,
    )
    assert net.input_shapes == ((1,), (3,))
    assert history["validation accuracy"][-1] > 0.85
    assert np.mean(net.predict(X[:, :1], X[:, 1:]) == NAMES[Y]) > 0.9


# ---- L-BFGS


def test_lbfgs_takes_all_rows_and_finds_the_minimum():
    x, y = load_wine(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    net = am.Chain(am.Dense(3), am.Softmax()).build(13, dtype="float64")
    optimizer = am.LBFGS(chunk=50, max_iterations=500)
    history = am.fit(
        net, am.CrossEntropy(), x, y, optimizer=optimizer, l2=0.1, verbose=0
    )
    objective = am.Objective(net, am.CrossEntropy(), l2=0.1)
    assert np.abs(objective.gradient(x, y)).max() < 1e-5
    assert history.ended == "finished"
    assert_allclose(history["loss"][-1], objective.value(x, y), rtol=1e-10)
    assert (np.diff(history["loss"]) <= 0).all()


def test_lbfgs_counts_iterations_as_epochs_and_stops_early():
    net = plain()
    assert len(fitted(net, optimizer=am.LBFGS(), batch=None, epochs=4)) == 4
    net = plain()
    history = fitted(
        net,
        optimizer=am.LBFGS(),
        batch=None,
        epochs=200,
        validation=0.3,
        callbacks=[am.EarlyStopping(patience=3)],
    )
    losses = history["validation loss"]
    best = int(np.argmin(losses)) + 1
    assert (history.ended, len(history)) == ("stopped", best + 3)
    found = fitted(net, epochs=1, validation=0.3, optimizer=am.SGD(1e-30))
    assert_allclose(found["validation loss"][0], min(losses), rtol=1e-5)


def test_lbfgs_keeps_what_it_learned_at_ctrl_c():
    one, two = plain(), plain()
    options = {"optimizer": am.LBFGS(), "batch": None}
    history = fitted(one, epochs=9, callbacks=[Interrupting(3)], **options)
    fitted(two, epochs=3, **options)
    assert (history.ended, len(history)) == ("interrupted", 3)
    assert_array_equal(one.parameters, two.parameters)


# ---- what there is to see


def test_history_is_a_table_and_columns():
    history = fitted(plain(), validation=0.2)
    assert list(history.rows[0]) == [
        "epoch",
        "loss",
        "validation loss",
        "validation accuracy",
    ]
    assert history["epoch"] == [1, 2, 3, 4, 5]
    assert "validation accuracy" in repr(history).splitlines()[0]
    with pytest.raises(KeyError, match="validation loss"):
        history["validation_loss"]
    assert pickle.loads(pickle.dumps(history)).epochs == history.epochs


def test_history_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    history = fitted(plain(), validation=0.2)
    figure = history.plot(tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 1000
    losses, accuracy = figure.axes
    drawn = [list(line.get_ydata()) for line in losses.lines]
    assert drawn == [history["loss"], history["validation loss"]]
    assert list(accuracy.lines[0].get_ydata()) == history["validation accuracy"]
    assert len(fitted(plain(), epochs=0).plot().axes) == 1


def test_plot_says_what_it_needs(monkeypatch):
    history = fitted(plain())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"anymax\[plot\]"):
        history.plot()


def test_lines_in_the_log_name_every_number(caplog, capsys):
    with caplog.at_level(logging.INFO, "anymax"):
        fitted(plain(), epochs=2, validation=0.2, verbose=1)
    lines = [r.getMessage() for r in caplog.records if "epoch" in r.getMessage()]
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 2"]
    assert all("validation accuracy" in line for line in lines)
    assert capsys.readouterr() == ("", "")


def test_the_library_prints_nothing_and_imports_no_extras():
    code = (
        "import sys, anymax as am; am.fit(am.Chain(am.Dense(2), am.Softmax()), "
        "am.CrossEntropy(), [[0.0], [1.0]] * 4, [0, 1] * 4); print([m for m in "
        "('matplotlib', 'pandas', 'rich', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
