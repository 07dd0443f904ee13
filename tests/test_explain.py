"""An explanation shows what the library computes, and what differences confirm."""

import csv
import json

import numpy as np
import pytest
import typer
from numpy.testing import assert_allclose

import anymax as am
from anymax import activations, losses
from anymax.checking.cells import on_support, smooth_rows
from anymax.cli import app
from anymax.cli.explain import explain
from anymax.cli.noting import note
from anymax.cli.saved import read
from anymax.cli.settings import Settings, command
from anymax.cli.task import prepared
from anymax.cli.train import train
from anymax.data.csv_file import read_csv
from anymax.registry import samples

MAPS, COSTS = samples(activations), samples(losses)
COUPLED = [name for name, made in MAPS.items() if made.coupling == "row"]


def nets():
    """Networks of every shape of graph, with inputs and targets."""
    gate = am.Gate(am.Dense(4), am.Chain(am.Dense(4), am.Softmax()))
    tied = am.Dense(4)
    return {
        "chain": (am.Chain(am.Dense(4), am.Tanh(), am.Dense(3), am.Softmax()), (3,)),
        "hidden softmax": (
            am.Chain(am.Dense(4), am.Softmax(), am.Dense(3), am.Sigmoid()),
            (3,),
        ),
        "hidden sparsemax": (
            am.Chain(am.Dense(4), am.Sparsemax(), am.Dense(3)),
            (3,),
        ),
        "residual": (
            am.Chain(am.Dense(4), am.Residual(am.Dense(4), am.SiLU()), am.Dense(3)),
            (3,),
        ),
        "gate": (am.Chain(gate, am.Dense(3), am.Softmax()), (3,)),
        "concatenate": (
            am.Chain(
                am.Concatenate(am.Dense(2), am.Chain(am.Dense(2), am.GELU())),
                am.Dense(3),
                am.TaylorSoftmax(),
            ),
            (3,),
        ),
        "nested": (
            am.Chain(am.Chain(am.Dense(4), am.Tanh()), am.Chain(am.Dense(3))),
            3,
        ),
        "tied": (am.Chain(tied, am.Tanh(), tied, am.Dense(3)), 4),
        "norms": (
            am.Chain(am.Dense(4), am.LayerNorm(), am.BatchNorm(), am.Dense(3)),
            (3,),
        ),
        "other shapes": (
            am.Chain(am.Reshape(4), am.Flatten(), am.Dense(3), am.Softmax()),
            (2, 2),
        ),
        "trainable": (
            am.Chain(
                am.Dense(4),
                am.PReLU(),
                am.Dense(3),
                am.Softmax(temperature=am.Trainable(1.5, lower=0)),
            ),
            (3,),
        ),
        "along the first axis": (
            am.Chain(am.Dense(4), am.Softmax(axis=0), am.Dense(3)),
            (3,),
        ),
        "a residual alone": (am.Residual(am.Dense(3), am.Tanh()), (3,)),
    }


NETS = nets()


def explained(name, loss):
    net, shape = NETS[name]
    net.build(shape, seed=3, dtype="float64")
    shape = net.input_shapes[0]
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=shape), np.array([0.2, 0.7, 0.1])
    net.parameters += 0.1 * rng.normal(size=net.parameters.shape)
    objective = am.Objective(net, loss)
    return objective, x, y, objective.explanation(x, y)


def near(value):
    """Whether what is shown agrees with the differences shown beside it."""
    return value.error is not None and value.error < 1e-8


@pytest.mark.parametrize("loss", [am.SquaredError(), am.Huber(delta=0.3)], ids=repr)
@pytest.mark.parametrize("name", NETS)
def test_all_gradients_of_a_network_are_the_library_s(name, loss):
    objective, x, y, made = explained(name, loss)
    gradient = np.zeros_like(objective.net.parameters)
    named = objective.net.layout.named(gradient)
    for step in made.steps:
        for value in step.parameters:
            named[value.name] += value.gradient
    assert_allclose(gradient, objective.gradient(x, y), rtol=1e-12, atol=1e-14)
    (inputs,) = made.inputs
    assert_allclose(inputs.gradient, objective.input_gradient(x, y), atol=1e-14)
    assert made.loss.value == pytest.approx(float(objective.value(x, y)), rel=1e-14)
    assert_allclose(made.steps[-1].outputs.values, objective.net(x), rtol=1e-14)


@pytest.mark.parametrize("name", NETS)
def test_every_value_and_parameter_agrees_with_differences(name):
    made = explained(name, am.SquaredError())[-1]
    values = [*made.inputs, *(step.outputs for step in made.steps)]
    values += [each for step in made.steps for each in step.parameters]
    for value in values:
        assert near(value), (value.name, value.error)


@pytest.mark.parametrize("name", NETS)
def test_shapes_fit_together(name):
    made = explained(name, am.SquaredError())[-1]
    known = {value.name: value.shape for value in made.inputs}
    for step in made.steps:
        sizes = [int(np.prod(known[to])) for to in step.takes]
        known[step.outputs.name] = step.outputs.shape
        m, n = step.jacobian.shape
        assert (m, n) == (step.outputs.values.size, sum(sizes))
        assert f"({n}, 1) = J^T ({n}, {m})" in step.backward.column
        assert f"(1, {n}) = " in step.backward.row
        for (to, g), size in zip(step.down, sizes, strict=True):
            assert to in step.takes
            assert g.size == size
        if step.jacobian.dense is not None:
            assert step.jacobian.dense.shape == (m, n)
            down = np.concatenate([np.ravel(g) for _, g in step.down])
            product = step.jacobian.dense.T @ step.outputs.gradient.ravel()
            assert_allclose(product, down, atol=1e-13)
    assert len({each.outputs.name for each in made.steps}) == len(made.steps)


@pytest.mark.parametrize("name", MAPS)
def test_every_activation_with_squared_error_is_explained(name):
    pair = am.Pair(MAPS[name], am.SquaredError())
    z, y, _ = smooth_rows(pair, 0, pair.fixed_width or 5)
    made = pair.explanation(z[0], y[0])
    (logits,), (step,) = made.inputs, made.steps
    assert_allclose(logits.gradient, pair.gradient(z[0], y[0]), rtol=1e-13, atol=1e-15)
    assert near(logits)
    assert near(step.outputs)
    for form in step.forms.equal:
        assert_allclose(form.values, logits.gradient, rtol=1e-10, atol=1e-13)
    assert_allclose(step.forms.terms.sum(0), logits.gradient, rtol=1e-10, atol=1e-13)
    for numbers in ("rounded", "all"):
        text = pair.explain(z[0], y[0], numbers=numbers)
        assert all(len(line) <= 100 for line in text.splitlines())
    json.dumps(made.to_dict(), allow_nan=False)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("name", ["Softmax", "Sigmoid", "Sparsemax", "Softplus"])
def test_every_loss_is_explained_where_it_is_defined(name, cost):
    try:
        pair = am.Pair(MAPS[name], COSTS[cost])
    except (am.DomainError, TypeError):
        pytest.skip("there is no such pair")
    z, y, _ = smooth_rows(pair, 1, pair.fixed_width or 5)
    made = pair.explanation(z[0], y[0])
    assert_allclose(made.inputs[0].gradient, pair.gradient(z[0], y[0]), atol=1e-13)
    assert near(made.inputs[0])
    slope = made.steps[-1].outputs
    inside = slope.differences is not None and np.isfinite(slope.differences).any()
    assert not inside or slope.error < 1e-7


@pytest.mark.parametrize("name", COUPLED)
def test_hidden_maps_that_couple_a_row_show_equal_forms(name):
    map = MAPS[name]
    width = map.fixed_width or 4
    net = am.Chain(am.Dense(width), map, am.Dense(2)).build(3, dtype="float64")
    x = np.random.default_rng(1).normal(size=3)
    made = am.Objective(net, am.SquaredError()).explanation(x, [1.0, -1.0])
    forms = made.steps[1].forms
    assert [form.name for form in forms.equal] == ["matrix", "double sum", "structured"]
    for form in forms.equal:
        assert_allclose(form.values, made.steps[0].outputs.gradient, atol=1e-13)


def test_the_short_form_of_softmax_is_the_known_one():
    pair = am.Pair(am.Softmax(), am.SquaredError())
    z, y = np.array([0.5, -0.2, 1.0]), np.array([0, 1, 0])
    forms = pair.explanation(z, y).forms
    a = np.exp(z) / np.exp(z).sum()
    g = 2 * (a - y)
    short = next(form for form in forms.equal if form.name == "structured")
    assert "a * (g - <a, g>)" in short.formula
    assert_allclose(short.values, a * (g - (a * g).sum()), atol=1e-15)
    assert_allclose(forms.weights, a, atol=1e-15)
    assert_allclose(forms.terms, g[:, None] * (np.diag(a) - np.outer(a, a)), atol=1e-15)


def test_what_cancels_holds_where_the_parts_are_not_finite():
    """At a = 0 the fraction is infinite; the cancelled gradient is not."""
    pair = am.Pair(am.Softmax(), am.CrossEntropy())
    z = [0.0, -800.0, 1.0]
    made = pair.explanation(z, 1)
    assert np.isinf(made.steps[-1].outputs.gradient).any()
    assert_allclose(made.inputs[0].gradient, pair.gradient(z, 1))
    assert made.loss.cancellation.startswith("weight a over a leaves 1")
    said = made.to_dict()
    assert said["steps"][-1]["gradient"][1] == "-inf"
    json.dumps(said, allow_nan=False)
    assert "-inf" in pair.explain(z, 1)


def test_an_input_that_two_maps_take_adds_up_what_arrives():
    made = explained("residual", am.SquaredError())[-1]
    steps = {step.outputs.name: step for step in made.steps}
    arrived = [g for s in made.steps for to, g in s.down if to == "0"]
    assert len(arrived) == 2
    assert_allclose(sum(arrived), steps["0"].outputs.gradient, atol=1e-15)


def test_the_dictionary_holds_what_its_description_names():
    said = explained("gate", am.SquaredError())[-1].to_dict()
    assert list(said) == ["title", "convention", "inputs", "steps", "loss", "forms"]
    assert set(said["convention"]) == {"row", "column"}
    value = {"name", "shape", "values", "gradient", "differences", "error"}
    others = {"map", "formula", "takes", "jacobian", "backward", "down", "parameters"}
    for step in said["steps"]:
        assert set(step) == value | others | {"forms"}
        assert set(step["jacobian"]) == {
            "structure",
            "shape",
            "dense",
            "coupled",
            "cancelled",
        }
    assert set(said["inputs"][0]) == value
    assert set(said["loss"]) == {
        "loss",
        "formula",
        "value",
        "target",
        "slope",
        "cancellation",
        "doubt",
    }
    assert said["forms"] == said["steps"][-1]["forms"]
    assert set(said["forms"]) == {"g", "weights", "equal", "terms"}


def test_indices_that_cannot_be_varied_have_no_differences():
    net = am.Chain(am.Embedding(5, 3), am.Flatten(), am.Dense(2), am.Softmax())
    made = am.Objective(net.build(2), am.CrossEntropy()).explanation([1, 4], 0)
    assert made.inputs[0].error is None
    assert made.to_dict()["inputs"][0]["differences"] == [None, None]
    weight = made.steps[0].parameters[0]
    assert near(weight)
    assert not weight.gradient[[0, 2, 3]].any()


def test_large_arrays_are_compared_in_part_and_shown_in_part():
    net = am.Chain(am.Dense(64), am.Tanh(), am.Dense(3), am.Softmax()).build(64)
    made = am.Objective(net, am.CrossEntropy()).explanation(np.ones(64) / 8, 1)
    weight = made.steps[0].parameters[0]
    assert np.isfinite(weight.differences).sum() == 1000
    assert near(weight)
    assert made.steps[0].jacobian.dense is None
    text = am.Objective(net, am.CrossEntropy()).explain(np.ones(64) / 8, 1)
    assert "... 4096 in all" in text
    assert len(text.splitlines()) < 200


def test_float32_is_explained_in_float64_and_left_alone():
    net = am.Chain(am.Dense(3), am.Softmax()).build(2)
    before = net.parameters.copy()
    made = am.Objective(net, am.CrossEntropy()).explanation([1.0, 2.0], 1)
    assert made.inputs[0].gradient.dtype == np.float64
    assert np.array_equal(net.parameters, before)
    assert net.dtype == np.float32
    assert near(made.inputs[0])


def test_an_ignored_row_has_no_gradient():
    pair = am.Pair(am.Softmax(), am.CrossEntropy(ignore_index=-1))
    made = pair.explanation([1.0, 2.0], -1)
    assert made.loss.value == 0
    assert not made.inputs[0].gradient.any()


def test_text_rounds_unless_it_is_asked_for_all():
    pair = am.Pair(am.Softmax(), am.SquaredError())
    z, y = [0.5, -0.2, 1.0], [0, 1, 0]
    gradient = float(pair.gradient(z, y)[0])
    assert repr(gradient) not in pair.explain(z, y)
    assert repr(gradient) in pair.explain(z, y, numbers="all")
    with pytest.raises(ValueError, match='needs "rounded" or "all"'):
        pair.explain(z, y, numbers="some")


def test_boundary_targets_on_the_support_are_explained():
    pair = am.Pair(am.Sparsemax(), am.CrossEntropy())
    z = np.array([1.0, 0.5, -2.0])
    y = on_support(pair, np.ones((1, 3)) / 3, am.Sparsemax()(z[None]))
    made = pair.explanation(z, y[0])
    assert_allclose(made.inputs[0].gradient, pair.gradient(z, y[0]), atol=1e-15)
    assert near(made.inputs[0])


# ---- the command line


@pytest.fixture
def run(monkeypatch, capsys):
    """The program: its status, and what it prints."""
    program = typer.Typer()
    program.command()(command(train))
    program.command()(explain)
    monkeypatch.setattr(app, "app", program)

    def ran(*arguments):
        status = app.run([str(each) for each in arguments])
        return status, *capsys.readouterr()

    return ran


def written(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def kinds(tmp_path):
    x = np.random.default_rng(1).normal(size=(20, 2)).round(3).tolist()
    rows = [[*each, "ab"[i % 2]] for i, each in enumerate(x)]
    return written(tmp_path / "kinds.csv", ["height", "width", "kind"], rows)


@pytest.fixture
def prices(tmp_path):
    x = np.random.default_rng(2).normal(size=(20, 2)).round(3).tolist()
    rows = [[a, b, 1000 + 300 * a] for a, b in x]
    return written(tmp_path / "prices.csv", ["size", "age", "price"], rows)


TRAINING = ("--hidden", 3, "--epochs", 1, "--save")


def test_a_row_of_a_file_is_explained(run, kinds, tmp_path):
    model = tmp_path / "model.safetensors"
    assert run("train", kinds, "--target", "kind", *TRAINING, model)[0] == 0
    status, out, _ = run("explain", model, kinds, "--row", 3)
    assert status == 0
    assert "row 3 in line 4: kind is a; x are the columns as scaled" in out
    assert "gradient by 0.weight (2, 3)" in out
    status, out, _ = run("explain", model, kinds, "--row", 3, "--json")
    said = json.loads(out)
    assert said["steps"][-1]["map"] == "Softmax()"
    assert said["loss"]["target"] == [1, 0]
    saved = read(str(model))
    x = saved.inputs(read_csv(kinds))[2]
    objective = saved.objective().astype(np.float64)
    assert_allclose(said["inputs"][0]["values"], x, rtol=1e-6)
    found = [v["gradient"] for s in said["steps"] for v in s["parameters"]]
    flat = np.concatenate([np.ravel(each) for each in found])
    assert_allclose(flat, objective.gradient(x, 0), rtol=1e-12, atol=1e-15)


def test_a_row_of_values_is_explained_in_the_scale_of_training(run, prices, tmp_path):
    model = tmp_path / "model.safetensors"
    assert run("train", prices, "--target", "price", *TRAINING, model)[0] == 0
    status, out, _ = run("explain", model, prices, "--row", 20, "--json")
    assert status == 0
    saved, price = read(str(model)), read_csv(prices).numbers("price")[19]
    wanted = saved.units.apply(np.array([price]))
    assert_allclose(json.loads(out)["loss"]["target"], wanted)


def test_a_pair_is_explained_by_its_names(run):
    pair = ("--activation", "softmax", "--loss", "squared_error")
    logits = ("--logits", "1,2,0.5")
    status, out, _ = run("explain", *pair, *logits, "--target", "1", "--json")
    assert status == 0
    wanted = am.Pair(am.Softmax(), am.SquaredError()).gradient([1, 2, 0.5], [0, 1, 0])
    assert_allclose(json.loads(out)["inputs"][0]["gradient"], wanted, atol=1e-15)
    same = run("explain", *pair, *logits, "--target", "0,1,0")[1]
    assert run("explain", *pair, *logits, "--target", "1")[1] == same
    assert run("explain", *pair)[1] == same
    assert repr(float(wanted[0])) in run("explain", *pair, "--all-numbers")[1]


@pytest.mark.parametrize("name", COSTS)
def test_a_pair_needs_neither_logits_nor_target(run, name):
    for activation in ("Softmax", "Sigmoid", "Identity", "LogSoftmax"):
        status, out, said = run("explain", "--activation", activation, "--loss", name)
        assert status == 0 or "needs" in said
        assert status == 2 or "dL/dz = J^T dL/da" in out


def test_a_page_is_written(run, tmp_path):
    page = tmp_path / "page.html"
    pair = ("--activation", "softmax", "--loss", "cross_entropy")
    status, out, _ = run("explain", *pair, "--html", page)
    assert status == 0
    assert out == f"wrote {page}\n"
    assert page.read_text().lower().startswith("<!doctype html>")


REFUSED = {
    "nothing": ((), "needs a model and a file"),
    "a model alone": (("m.safetensors",), "needs a model and a file"),
    "half a pair": (("--loss", "huber"), "both --activation and --loss"),
    "a model and a pair": (
        ("m.safetensors", "--activation", "relu", "--loss", "huber"),
        "not some of each",
    ),
    "no numbers": (
        ("--activation", "relu", "--loss", "huber", "--logits", "1,x"),
        "--logits needs numbers",
    ),
    "class 3 of 3": (
        ("--activation", "softmax", "--loss", "huber", "--target", "3"),
        "a class 0 to 2; got 3",
    ),
    "no file": (("m.safetensors", "rows.csv"), "m.safetensors"),
    "row 0": (("m.safetensors", "rows.csv", "--row", 0), "whole number 1 to"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_explained_is_refused_in_a_sentence(run, name):
    arguments, sentence = REFUSED[name]
    status, _, said = run("explain", *arguments)
    assert status == 2
    assert sentence in said


def test_a_row_or_a_target_that_is_not_there_is_refused(run, kinds, tmp_path):
    model = tmp_path / "model.safetensors"
    run("train", kinds, "--target", "kind", *TRAINING, model)
    assert "has 20 rows; got --row 21" in run("explain", model, kinds, "--row", 21)[2]
    x = written(tmp_path / "x.csv", ["height", "width"], [[1, 2]])
    assert "needs --target COLUMN" in run("explain", model, x)[2]
    other = written(tmp_path / "o.csv", ["height", "width", "kind"], [[1, 2, "z"]])
    assert "a class the network has not met" in run("explain", model, other)[2]


def test_notes_are_printed_in_a_line_each(kinds, capsys):
    note(prepared(Settings(data=str(kinds), target="kind", output="Sigmoid")))
    assert "(sigmoid-exclusive)" in capsys.readouterr().out
    note(prepared(Settings(data=str(kinds), target="kind")))
    assert capsys.readouterr().out == ""
