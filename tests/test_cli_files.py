"""Every activation and loss trains from the command line; what is saved comes back."""

from __future__ import annotations

import csv
import math
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import anymax as am
from anymax import activations, losses, optim
from anymax.cli.app import run
from anymax.cli.settings import Settings
from anymax.cli.source import sourced
from anymax.errors import DomainError
from anymax.loading import load, load_checkpoint
from anymax.optim.optimizer import Optimizer
from anymax.optim.schedule import Schedule
from anymax.registry import names, samples
from anymax.sets import Placement

ROWS = 48


@pytest.fixture(scope="module")
def flowers(tmp_path_factory) -> str:
    """Three kinds that two columns tell apart, and a third column of noise."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "flowers.csv"
    kinds = np.arange(ROWS) % 3
    x = rng.normal(size=(ROWS, 3)) * 0.3 + np.eye(3)[kinds] * [3, 3, 0]
    rows = [
        [*map(repr, map(float, a)), "abc"[k]] for a, k in zip(x, kinds, strict=True)
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["height", "width", "noise", "kind"], *rows])
    return str(path)


@pytest.fixture(scope="module")
def prices(tmp_path_factory) -> str:
    """price = 1000 + 300 size - 50 age."""
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("data") / "prices.csv"
    x = rng.uniform(0, 10, (ROWS, 2)).round(3)
    rows = [[a, b, 1000 + 300 * a - 50 * b] for a, b in x]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["size", "age", "price"], *rows])
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run the program; what it says on stdout, or its sentence if it fails."""
    found = run(arguments)
    out, err = capsys.readouterr()
    assert found == status, err
    if status:
        assert err.startswith("anymax: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
    return err if status else out


def number(out: str, name: str) -> float:
    """The number that a line of the output gives."""
    (line,) = [each for each in out.splitlines() if each.startswith(f"{name}: ")]
    return float(line.removeprefix(f"{name}: "))


def train(*arguments: str) -> list[str]:
    return ["train", *arguments, "--hidden", "6", "--epochs", "2", "--batch", "16"]


# ---- every activation, every loss, every rule


def partner(activation: am.Activation) -> str:
    """A loss that is finite on all that an activation gives."""
    for name in ("CrossEntropy", "NegativeLogLikelihood", "SquaredError"):
        if inside(activation, getattr(am, name)()):
            return name
    raise AssertionError(f"no loss for {activation!r}")


def ending(loss: am.Loss) -> str:
    """An activation on all of whose outputs a loss is finite."""
    for name in ("Softmax", "Sigmoid", "LogSoftmax", "Identity"):
        if inside(getattr(am, name)(), loss):
            return name
    raise AssertionError(f"no activation for {loss!r}")


def inside(activation: am.Activation, loss: am.Loss) -> bool:
    """Whether the two are a pair, and not only up to the edge."""
    try:
        return am.Pair(activation, loss).placement is Placement.INSIDE
    except DomainError:
        return False


def check(out: str) -> None:
    assert math.isfinite(number(out, "test loss"))
    assert 0 <= number(out, "test accuracy") <= 1
    assert sum(line.startswith("train") for line in out.splitlines()) == 2
    if "check    none" not in out:
        assert float(out.split("relative error ")[1].split()[0]) < 1e-6


@pytest.mark.parametrize("name", names(activations))
def test_every_activation_ends_a_network(name, flowers, capsys):
    made = samples(activations)[name]
    ends = ["--output", repr(made), "--loss", partner(made)]
    check(said(capsys, *train(flowers, "--target", "kind", *ends)))


@pytest.mark.parametrize("name", names(activations))
def test_every_activation_stands_between_layers(name, flowers, capsys):
    between = ["--activation", repr(samples(activations)[name])]
    check(said(capsys, *train(flowers, "--target", "kind", *between)))


@pytest.mark.parametrize("name", names(losses))
def test_every_loss_trains(name, flowers, capsys):
    made = samples(losses)[name]
    ends = ["--output", ending(made), "--loss", repr(made)]
    check(said(capsys, *train(flowers, "--target", "kind", *ends)))


def of_kind(base: type | tuple[type, ...]) -> list[str]:
    return [n for n in names(optim) if issubclass(getattr(optim, n), base)]


@pytest.mark.parametrize("name", of_kind(Optimizer))
def test_every_optimizer_trains(name, flowers, capsys):
    rule = ["--optimizer", name.lower(), "--lr", "0.02"]
    check(said(capsys, *train(flowers, "--target", "kind", *rule)))


@pytest.mark.parametrize("name", [*of_kind(Schedule), "Warmup(Cosine, 3)"])
def test_every_schedule_trains(name, flowers, capsys):
    text = "StepDecay(every=2)" if name == "StepDecay" else name
    check(said(capsys, *train(flowers, "--target", "kind", "--schedule", text)))


@pytest.mark.parametrize("norm", ["layer", "batch", "rms", "none"])
def test_norms_and_dropout_and_penalties_train(norm, flowers, capsys):
    more = ["--normalize", norm, "--dropout", "0.2", "--l1", "1e-4", "--l2", "1e-3"]
    out = said(capsys, *train(flowers, "--target", "kind", *more))
    check(out)
    named = {"layer": "LayerNorm()", "batch": "BatchNorm()", "rms": "RMSNorm()"}
    before = f"{named[norm]}, " if norm in named else ""
    assert f"Chain(Dense(6), {before}ReLU(), Dropout(0.2), Dense(3), Softmax())" in out


# ---- values


def test_lbfgs_finds_the_line_that_prices_lie_on(prices, capsys):
    line = ["--target", "price", "--optimizer", "LBFGS", "--hidden", "none"]
    out = said(capsys, "train", prices, *line)
    assert number(out, "test R2") > 0.9999
    assert number(out, "test mean absolute error") < 1
    assert "regression: price is 48 different numbers" in out
    assert "price is scaled to mean 0 and variance 1" in out


@pytest.mark.parametrize("loss", ["AbsoluteError", "Huber", "LogCosh", "Poisson"])
def test_values_with_other_losses(loss, prices, capsys):
    ends = ["--output", "Exp" if loss == "Poisson" else "Identity", "--loss", loss]
    arguments = ["--target", "age", "--columns", "size", *ends, "--standardize"]
    out = said(capsys, *train(prices, *arguments))
    assert math.isfinite(number(out, "test loss"))
    assert ("is scaled to" in out) == (loss != "Poisson")


# ---- saved networks


@pytest.fixture(scope="module")
def model(flowers, tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp("models") / "flowers.safetensors")
    options = ["--lr", "0.05", "--validation", "0.2", "--patience", "20"]
    arguments = [*train(flowers, "--target", "kind"), *options, "--epochs", "40"]
    assert run([*arguments, "--save", path]) == 0
    return path


def test_predict_gives_what_python_gives(model, flowers, tmp_path, capsys):
    capsys.readouterr()
    out = said(capsys, "predict", model, flowers)
    header, *predictions = out.splitlines()
    with open(flowers, newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = [row["kind"] for row in rows]
    assert header == "prediction"
    assert np.mean(np.array(predictions) == kinds) > 0.95
    x = np.array(
        [[float(row[n]) for n in ("height", "width", "noise")] for row in rows]
    )
    split = sourced(Settings(data=flowers, target="kind")).split
    x = (x - split.x_train.mean(0)) / split.x_train.std(0)
    assert load(model).predict(x).tolist() == predictions


def test_predict_writes_a_file_with_probabilities(model, flowers, tmp_path, capsys):
    there = tmp_path / "out.csv"
    out = said(
        capsys, "predict", model, flowers, "--output", str(there), "--probabilities"
    )
    assert out.splitlines() == [
        f"wrote 48 predictions to {there}",
        f"next: anymax evaluate {model} {flowers} --target kind",
    ]
    with there.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["prediction", "p_a", "p_b", "p_c"]
    shares = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    assert ["abc"[i] for i in shares.argmax(1)] == [row[0] for row in rows]


def test_predict_needs_no_target_and_any_order(model, tmp_path, capsys):
    path = tmp_path / "new.csv"
    path.write_text("noise,extra,width,height\n0,text,0,3\n0,more,3,0\n")
    assert said(capsys, "predict", model, str(path)) == "prediction\na\nb\n"


def test_evaluate_agrees_with_the_predictions(model, flowers, capsys):
    found = said(capsys, "predict", model, flowers).splitlines()[1:]
    out = said(capsys, "evaluate", model, flowers, "--target", "kind")
    with open(flowers, newline="") as file:
        right = [row["kind"] == p for row, p in zip(csv.DictReader(file), found)]  # noqa: B905
    assert number(out, "accuracy") == pytest.approx(np.mean(right), abs=5e-5)
    assert 0 < number(out, "loss") < 1
    assert out.splitlines()[-1] == f"next: anymax info {model}"
    assert said(capsys, "evaluate", model, flowers) == out


def test_values_are_predicted_in_their_own_units(prices, tmp_path, capsys):
    model = str(tmp_path / "prices.safetensors")
    line = ["--target", "price", "--optimizer", "LBFGS", "--hidden", "none"]
    said(capsys, "train", prices, *line, "--save", model)
    _, *found = said(capsys, "predict", model, prices).splitlines()
    with open(prices, newline="") as file:
        wanted = [float(row["price"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(np.array(found, float), wanted, rtol=1e-3)
    out = said(capsys, "evaluate", model, prices)
    assert number(out, "R2") > 0.9999
    assert "needs classes" in said(
        capsys, "predict", model, prices, "--probabilities", status=2
    )


def test_training_goes_on_as_if_it_had_not_stopped(flowers, tmp_path, capsys):
    whole, half, rest = (str(tmp_path / name) for name in ("whole", "half", "rest"))
    for arguments in (
        ["--target", "kind", "--epochs", "6", "--dropout", "0.2", "--save", whole],
        ["--target", "kind", "--epochs", "3", "--dropout", "0.2", "--save", half],
    ):
        said(capsys, "train", flowers, *arguments)
    out = said(
        capsys, "train", flowers, "--resume", half, "--epochs", "3", "--save", rest
    )
    assert f"resume   {half} after 3 epochs" in out
    assert "epoch 4: loss" in out
    one, two = load_checkpoint(whole), load_checkpoint(rest)
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)
    assert one.epochs == two.epochs == 6
    assert one.optimizer.steps == two.optimizer.steps


@pytest.mark.parametrize(
    "options",
    [
        ["--optimizer", "Adam(average=0.9)"],
        ["--optimizer", "SGD(momentum=0.9)", "--schedule", "Cosine(0.1, 40)"],
        ["--normalize", "batch", "--validation", "0.2", "--batch", "8"],
        ["--schedule", "OnPlateau(0.05, patience=1)", "--dropout", "0.2"],
        ["--patience", "1", "--lr", "0.5"],
        ["--patience", "2", "--lr", "0.3", "--validation", "0.3"],
        ["--patience", "9", "--validation", "0.3", "--optimizer", "SGD(average=0.5)"],
    ],
    ids=" ".join,
)
def test_a_resumed_file_is_that_of_one_run(options, flowers, tmp_path, capsys):
    """Stopped after any epoch: the same bytes as the run that never stopped."""
    begin = ["train", flowers, "--target", "kind", "--hidden", "6", *options]
    patience = options[:2] if "--patience" in options else []
    whole, half, rest = (str(tmp_path / name) for name in ("whole", "half", "rest"))
    said(capsys, *begin, "--epochs", "7", "--save", whole)
    count = load_checkpoint(whole).epochs
    for epochs in sorted({1, 2, count - 1}):
        said(capsys, *begin, "--epochs", str(epochs), "--save", half)
        again = ["--resume", half, "--epochs", str(7 - epochs), "--save", rest]
        said(capsys, "train", flowers, *again, *patience)
        assert Path(rest).read_bytes() == Path(whole).read_bytes(), epochs


def test_a_stopped_run_gets_its_patience_anew(flowers, tmp_path, capsys):
    begin = ["train", flowers, "--target", "kind", "--hidden", "6", "--lr", "0.5"]
    options = ["--patience", "2", "--epochs", "300"]
    model = str(tmp_path / "model")
    out = said(capsys, *begin, *options, "--save", model)
    (first,) = re.findall(r"stopped after epoch (\d+), .* than epoch (\d+)", out)
    out = said(capsys, "train", flowers, "--resume", model, *options)
    (then,) = re.findall(r"stopped after epoch (\d+), .* than epoch (\d+)", out)
    assert int(then[0]) - int(first[0]) >= 2
    assert int(then[1]) >= int(first[1])
    anew = ["--resume", model, "--optimizer", "Adam(0.5)", "--epochs", "1"]
    assert f"epoch {int(first[0]) + 1}: loss" in said(capsys, "train", flowers, *anew)


def test_resume_with_lbfgs_takes_as_many_iterations(flowers, tmp_path, capsys):
    model = str(tmp_path / "model")
    begin = ["train", flowers, "--target", "kind", "--optimizer", "LBFGS"]
    said(capsys, *begin, "--hidden", "6", "--epochs", "3", "--save", model)
    again = ["train", flowers, "--resume", model]
    out = said(capsys, *again, "--epochs", "4", "--verbose", "2")
    assert re.findall(r"epoch (\d+): loss", out) == ["4", "5", "6", "7"]
    out = said(capsys, *again, "--batch", "7", status=2)
    assert "LBFGS takes all rows at once" in out


def test_resume_says_that_a_schedule_has_ended(flowers, tmp_path, capsys):
    model = str(tmp_path / "model")
    begin = train(flowers, "--target", "kind", "--schedule", "Cosine")
    said(capsys, *begin, "--save", model)
    again = ["train", flowers, "--resume", model, "--epochs", "2"]
    out = said(capsys, *again, status=2)
    assert "Cosine(0.001, 6) has ended, and gives 0 in all of the 6 steps" in out
    assert "test loss" in said(capsys, *again, "--lr", "0.01")


def test_resume_needs_the_steps_it_had(model, flowers, capsys):
    resumed = ["train", flowers, "--resume", model, "--epochs", "1"]
    out = said(capsys, *resumed, "--batch", "7", status=2)
    assert "goes on with 2 steps an epoch; got 5, batches of 7 of 29 rows" in out
    out = said(capsys, *resumed, "--validation", "0.6", status=2)
    assert "got 1, batches of 16 of 14 rows" in out
    said(capsys, *resumed, "--batch", "7", "--optimizer", "Adam")
    said(capsys, *resumed, "--batch", "15")


@pytest.mark.parametrize(("batch", "steps"), [("25", 1), ("24", 2)])
def test_a_schedule_lasts_the_steps_there_are(batch, steps, flowers, tmp_path, capsys):
    """0.3 of 36 rows are 11, which leaves 25: one step of 25."""
    model = str(tmp_path / "model")
    options = ["--schedule", "Cosine", "--batch", batch, "--validation", "0.3"]
    begin = ["train", flowers, "--target", "kind", "--epochs", "3", *options]
    said(capsys, *begin, "--save", model)
    found = load_checkpoint(model)
    assert found.optimizer.steps == found.optimizer.lr.steps == 3 * steps


def test_resume_refuses_what_does_not_fit(model, flowers, prices, capsys):
    fixed = ["train", flowers, "--resume", model, "--hidden", "9"]
    assert "--hidden is that of the network" in said(capsys, *fixed, status=2)
    other = ["train", prices, "--resume", model, "--target", "price"]
    assert "no column 'height'" in said(capsys, *other, status=2)
    columns = ["train", flowers, "--resume", model, "--columns", "noise,width,height"]
    assert "was trained on 3 columns" in said(capsys, *columns, status=2)
    named = ["train", "iris", "--resume", model]
    assert "was trained on 3 columns" in said(capsys, *named, status=2)


def test_saved_named_set_resumes(tmp_path, capsys):
    path = str(tmp_path / "iris")
    out = said(capsys, *train("iris", "--save", path))
    assert out.splitlines()[-1] == f"next: anymax info {path}"
    out = said(capsys, "train", "iris", "--resume", path, "--epochs", "2")
    assert "epoch 4: loss" in out
    info = said(capsys, "info", path)
    assert "3 classes: setosa, versicolor, virginica" in info
    assert "petal length" in info


def test_info_describes_a_network(model, capsys):
    out = said(capsys, "info", model)
    assert "Dense(6)" in out
    assert "45 parameters" in out
    assert "3 columns: height, width, noise" in out
    assert "kind, 3 classes: a, b, c" in out
    assert "Softmax + CrossEntropy: slope -y / a, weight a: a cancels" in out
    assert "Adam(0.05)" in out
    assert out.splitlines()[-1] == f"next: anymax predict {model} FILE.csv"


def test_info_without_a_network_says_what_is_installed(capsys):
    out = said(capsys, "info")
    assert f"anymax   {am.__version__}" in out
    for package in (activations, losses, optim):
        assert ", ".join(names(package)) in out
    assert out.splitlines()[-1] == "next: anymax train digits"


def test_network_saved_in_python_predicts_and_evaluates(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    y = np.where(x[:, 0] > 0, "up", "down")
    net = am.Chain(am.Dense(2), am.Softmax())
    rule = am.Adam(0.05)
    am.fit(net, am.CrossEntropy(), x, y, optimizer=rule, epochs=30, verbose=0)
    model, data = str(tmp_path / "net"), tmp_path / "x.csv"
    net.save(model, loss=am.CrossEntropy())
    data.write_text("a,b\n2,0\n-2,0\n")
    assert said(capsys, "predict", model, str(data)) == "prediction\nup\ndown\n"
    data.write_text("a,b,way\n2,0,up\n-2,0,down\n")
    assert "keep those 2" in said(capsys, "predict", model, str(data), status=2)


# ---- what is wrong


@pytest.mark.parametrize("command", ["predict", "evaluate", "info", "train"])
def test_every_cut_of_a_model_is_refused(command, model, flowers, tmp_path, capsys):
    whole = Path(model).read_bytes()
    path = tmp_path / "cut"
    arguments = {
        "predict": ["predict", str(path), flowers],
        "evaluate": ["evaluate", str(path), flowers, "--target", "kind"],
        "info": ["info", str(path)],
        "train": ["train", flowers, "--resume", str(path), "--save", str(path)],
    }[command]
    for length in range(0, len(whole), 500):
        path.write_bytes(whole[:length])
        said(capsys, *arguments, status=2)
        assert path.read_bytes() == whole[:length]


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("height,width,kind\n1,2,a\n", "no column 'noise'"),
        ("height,width,noise,kind\n1,2,x,a\n", "line 2: column 'noise' needs a finite"),
        ("height,width,noise,kind\n1,2,,a\n", "line 2: column 'noise' is empty"),
        ("height,width,noise,kind\n1,2,3,d\n", "line 2: column 'kind' holds 'd', a"),
        ("height,width,noise,kind\n1,2,3,\n", "line 2: column 'kind' is empty"),
        ("height,width,noise\n1,2,3\n", "needs --target COLUMN"),
        ("height,width,noise,kind\n", "no rows"),
    ],
)
def test_evaluate_refuses_rows_that_do_not_fit(rows, wrong, model, tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text(rows)
    assert wrong in said(capsys, "evaluate", model, str(path), status=2)


def test_predict_overwrites_neither_model_nor_data(model, flowers, tmp_path, capsys):
    copy = str(shutil.copy(flowers, tmp_path / "rows.csv"))
    before = Path(copy).read_bytes(), Path(model).read_bytes()
    for output in (copy, model):
        arguments = ["predict", model, copy, "--output", output]
        assert "would overwrite" in said(capsys, *arguments, status=2)
    nowhere = str(tmp_path / "none" / "out.csv")
    assert "there is no folder" in said(
        capsys, "predict", model, copy, "--output", nowhere, status=2
    )
    assert (Path(copy).read_bytes(), Path(model).read_bytes()) == before


def test_a_users_class_is_saved_and_brought_along(flowers, tmp_path, capsys):
    own, model = tmp_path / "mine.py", str(tmp_path / "model")
    own.write_text(
        "import numpy as np\nimport anymax as am\n\n\n"
        "class Sinh(am.Activation):\n"
        "    def apply(self, z):\n        return np.sinh(z)\n\n"
        "    def structure(self, z, a):\n"
        "        return am.Diagonal(a, factor=np.cosh(z), bend=a)\n"
    )
    between = ["--activation", f"{own}:Sinh", "--save", model]
    said(capsys, *train(flowers, "--target", "kind", *between))
    assert "Sinh" in said(capsys, "predict", model, flowers, status=2)
    out = said(capsys, "predict", model, flowers, "--custom", str(own))
    assert len(out.splitlines()) == ROWS + 1


# ---- the configuration file


def test_config_gives_options_and_the_command_line_wins(flowers, tmp_path, capsys):
    path = tmp_path / "run.toml"
    path.write_text(
        f'data = "{flowers}"\ntarget = "kind"\nhidden = [5, 4]\nepochs = 4\n'
        'learning-rate = 0.01\ncolumns = ["height", "width"]\nstandardize = false\n'
        'optimizer = "AdamW(decay=0.1)"\ntest_size = 0.5\n'
    )
    out = said(capsys, "train", "--config", str(path), "--epochs", "2", "--hidden", "3")
    assert "24 rows to train on, 24 to test with, 2 features" in out
    assert "Chain(Dense(3), ReLU()," in out
    assert "epoch 2: loss" in out
    assert "epoch 3: loss" not in out
    typed = ["--target", "kind", "--columns", "height,width", "--no-standardize"]
    typed += ["--optimizer", "AdamW(decay=0.1)", "--lr", "0.01", "--test-size", "0.5"]
    assert (
        said(capsys, "train", flowers, *typed, "--epochs", "2", "--hidden", "3") == out
    )


def test_config_takes_every_option(tmp_path, capsys):
    given = {each.name: each.default for each in fields(Settings)}
    text = {name: v for name, v in given.items() if v is not None and name != "data"}
    lines = [
        f"{n} = {str(v).lower() if isinstance(v, bool) else v!r}"
        for n, v in (
            (name, v if isinstance(v, int | float) else str(v))
            for name, v in text.items()
        )
    ]
    path = tmp_path / "all.toml"
    path.write_text('data = "iris"\nepochs = 2\n' + "\n".join(lines))
    assert set(tomllib.loads(path.read_text())) > {"hidden", "l1", "seed", "verbose"}
    said(capsys, "train", "--config", str(path))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("epoch = 3", "no option is called 'epoch'; did you mean epochs?"),
        ("weight-decay = 3", "no option is called 'weight-decay'"),
        ("config = 'other.toml'", "no option is called 'config'"),
        ("epochs = 0", "got '0'"),
        ("epochs = 2.5", "got '2.5'"),
        ("epochs = [1, {}]", "needs text, a number, true or false, or a list"),
        ("[train]\nepochs = 3", "no option is called 'train'"),
        ("lr = 1\nlearning_rate = 2", "gives 'lr' twice"),
        ("epochs = ", "is not TOML"),
        ("standardize = 'perhaps'", "standardize"),
        ("lr = 'fast'", "got 'fast'"),
    ],
)
def test_wrong_config_is_one_sentence(text, wrong, tmp_path, capsys):
    path = tmp_path / "run.toml"
    path.write_text(text)
    assert wrong in said(capsys, "train", "iris", "--config", str(path), status=2)


# ---- how training ends


def test_training_stops_early_and_keeps_the_best(flowers, capsys):
    options = ["--target", "kind", "--lr", "0.5", "--patience", "3", "--l2", "0.01"]
    out = said(capsys, "train", flowers, *options, "--validation", "0.25")
    (line,) = [each for each in out.splitlines() if "stopped after" in each]
    stopped, best = (int(n) for n in re.findall(r"epoch (\d+)", line))
    assert stopped == best + 3


def test_verbose_says_nothing_some_or_all(flowers, capsys):
    counts = []
    for verbose in ("0", "1", "2"):
        options = ["--target", "kind", "--epochs", "20", "--verbose", verbose]
        out = said(capsys, "train", flowers, *options)
        counts.append(sum(line.startswith("train ") for line in out.splitlines()))
    assert counts == [0, 10, 20]


def test_interrupted_training_is_saved(flowers, tmp_path):
    model = tmp_path / "model"
    command = [sys.executable, "-u", "-m", "anymax", "train", flowers]
    options = ["--target", "kind", "--epochs", "1000000", "--save", str(model)]
    with subprocess.Popen(
        [*command, *options, "--verbose", "2"], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "epoch 3:" in line:
                running.send_signal(signal.SIGINT)
                break
        out = running.stdout.read()
    assert running.returncode == 130
    assert "interrupted; what was learned so far is kept" in out
    assert load_checkpoint(str(model)).epochs >= 3


def test_resume_keeps_the_split(flowers, tmp_path, capsys):
    first, then = str(tmp_path / "first"), str(tmp_path / "then")
    split = ["--seed", "5", "--test-size", "0.25"]
    said(capsys, *train(flowers, "--target", "kind", "--save", first, *split))
    again = ["train", flowers, "--resume", first, "--epochs", "1", "--save", then]
    out = said(capsys, *again)
    assert "36 rows to train on, 12 to test with" in out
    assert "seed 5" in out
    assert "note     the split" not in out
    out = said(capsys, *again, "--seed", "6")
    assert "note     the split is that of --seed 6 --test-size 0.25, but before" in out
    assert "seed 6" in said(capsys, "train", flowers, "--resume", then, "--epochs", "1")


def test_the_target_is_no_column_of_a_network_from_python(tmp_path, capsys):
    model, path = str(tmp_path / "net"), tmp_path / "rows.csv"
    net = am.Chain(am.Dense(1), am.Identity()).build(2, seed=0)
    net.save(model, loss=am.SquaredError())
    path.write_text("a,t,b\n1,2,3\n4,5,6\n")
    evaluate = ["evaluate", model, str(path), "--target"]
    assert "R2: " in said(capsys, *evaluate, "t")
    assert "no column 'T'" in said(capsys, *evaluate, "T", status=2)
    path.write_text("a,t\n1,2\n4,5\n")
    out = said(capsys, *evaluate, "t", status=2)
    assert "has 1 column beside the target 't', but the network takes 2" in out
