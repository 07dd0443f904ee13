"""The program does its main job, and answers wrong input with one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import anymax as am
from anymax import activations, cli, losses
from anymax.checking.cells import Cell
from anymax.cli.app import run
from anymax.cli.cancelling import cancelling
from anymax.cli.options import widths
from anymax.cli.pairs import STATUSES, headers, listed, tabled
from anymax.data import load
from anymax.registry import names

MINE = '''
import numpy as np
import anymax as am

GIVEN = 1.0


class Mine(am.Activation):
    """a = sinh z."""

    def apply(self, z):
        return np.sinh(z)

    def structure(self, z, a):
        return am.Diagonal(a, factor=np.cosh(z), bend=a)


class Reversed(am.Activation):
    """a = softmax of the row read backwards: a Jacobian of its own kind."""

    coupling = "row"
    range = am.Simplex(closed=False)

    def __init__(self, *, temperature=1.0):
        self.temperature = temperature

    def apply(self, z, mask=None):
        return am.Softmax()(z[..., ::-1] / self.temperature)

    def structure(self, z, a, mask=None):
        turned = np.eye(z.shape[-1])[::-1] / self.temperature
        return am.Centering(a, am.Monomial(1)) @ am.Explicit(
            np.broadcast_to(turned, (*z.shape, z.shape[-1]))
        )


class Wrong(am.Activation):
    """The derivative of another map."""

    def apply(self, z):
        return np.sinh(z)

    def structure(self, z, a):
        return am.Diagonal(a, factor=np.ones_like(z))


class Broken(am.Activation):
    def apply(self, z):
        return z.nothing

    def structure(self, z, a):
        return am.Diagonal(a)


class Half(am.Activation):
    def apply(self, z):
        return z


class Far(am.Loss):
    """sum (a - y)^4."""

    def rows(self, out, y):
        return ((out.a - y) ** 4).sum(-1)

    def slope(self, out, y):
        return am.Slope(4 * (out.a - y) ** 3)

    def slope_derivative(self, out, y, d):
        return am.Slope(12 * (out.a - y) ** 2 * d.a)
'''
SHORT = ["train", "iris", "--epochs", "2", "--hidden", "8"]
USAGE = {  # arguments, and what the sentence must hold
    ("--epochs", "-1"): "'--epochs'",
    ("--epochs", "0"): "got '0'",
    ("--epochs", "2.5"): "got '2.5'",
    ("--hidden", "a,b"): "--hidden needs widths as 64,32, or none; got 'a,b'",
    ("--hidden", "0"): "got '0'",
    ("--hidden", "8,,8"): "got '8,,8'",
    ("--hidden", "10000000000000"): "not enough memory",
    ("--seed", "text"): "got 'text'",
    ("--seed", "-1"): "got '-1'",
    ("--seed", "4294967296"): "got '4294967296'",
    ("--batch", "none"): "got 'none'",
    ("--learning-rate", "x"): "got 'x'",
    ("--learning-rate", "0"): "got '0'",
    ("--learning-rate", "nan"): "got 'nan'",
    ("--optimizer", "lyon"): "did you mean Lion?",
    ("--optimizer", "Cosine"): "no optimizer is called 'Cosine'",
    ("--optimizer", "AdamW(weight_decay=0.01)"): "AdamW takes lr, ",
    ("--optimizer", "Adam(lr=0.1)", "--lr", "0.2"): "given twice",
    ("--optimizer", "LBFGS", "--schedule", "Cosine"): "got --schedule Cosine",
    ("--schedule", "Adam"): "no schedule is called 'Adam'",
    ("--schedule", "StepDecay"): "missing a required argument: 'every'",
    ("--dropout", "1"): "a number in [0, 1); got '1'",
    ("--normalize", "group"): "group",
    ("--validation", "-0.1"): "got '-0.1'",
    ("--patience", "0"): "got '0'",
    ("--l1", "-1"): "a number >= 0; got '-1'",
    ("--test-size", "1"): "a number between 0 and 1; got '1'",
    ("--target", "species"): "go with FILE.csv",
    ("--save", "none/there.st"): "there is no folder none",
    ("--resume", "none.st"): "there is no none.st",
    ("--config", "none.toml"): "none.toml cannot be read",
    ("--unknown", "1"): "--unknown",
    ("--output", "Tanh"): "CrossEntropy needs outputs that are values > 0",
    ("--output", "Softmx"): "did you mean Softmax?",
    ("--output", "CrossEntropy"): "no activation is called 'CrossEntropy'",
    ("--output", ""): "names no activation",
    ("--output", "Softmax("): "names no activation",
    ("--output", "3"): "names no activation",
    ("--output", "Entmax(alfa=1)"): "Entmax takes alpha, temperature, axis",
    ("--output", "Entmax(1.5)"): "too many positional arguments",
    ("--output", "Entmax(alpha=0.5)"): "Entmax needs alpha >= 1; got 0.5",
    ("--output", "Entmax(alpha='x')"): "Entmax(alpha='x')",
    ("--output", "Entmax(alpha=1 + 1)"): "names, numbers, strings and lists only",
    ("--output", "Entmax(**{'alpha': 2})"): "got an unexpected keyword argument",
    ("--output", "TaylorSoftmax(order=3)"): "order",
    ("--output", "Normalized"): "missing a required argument: 'h'",
    ("--output", "Normalized(ReLU)"): "Normalized needs a map whose range excludes 0",
    ("--output", "am.Softmax"): "names no activation",
    ("--output", "__import__('os').getcwd()"): "names, numbers, strings and lists only",
    ("--output", "Entmax(alpha=open('x'))"): "no activation is called 'open'",
    ("--activation", "Relu6"): "no activation is called 'Relu6'",
    ("--loss", "crossentropi"): "did you mean CrossEntropy?",
    ("--loss", "Softmax"): "no loss is called 'Softmax'",
    ("--loss", "CrossEntropy(class_weight=[1, 2])"): "class_weight needs one number",
    ("--loss", "Matching", "--output", "GELU"): "Matching needs a map",
    ("--loss", "CrossEntropy(z_loss=0.1)", "--output", "Sigmoid"): "z_loss needs a map",
    ("--activation", "Softmax", "--hidden", "1"): "over one output is always 1",
    ("--output", "none.py:Mine"): "there is no file none.py",
}


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return str(path)


def sentence(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    """Run the program; its one line on stderr, with the status it must have."""
    assert run(arguments) == status
    said = capsys.readouterr().err
    assert said.startswith("anymax: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


# ---- anymax train


def test_train_prints_what_it_does(capsys) -> None:
    assert run(SHORT) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("data     iris: 112 rows to train on, 38 to test with")
    assert "Chain(Dense(8), ReLU(), Dense(3), Softmax()), 67 parameters" in lines[1]
    assert lines[2] == (
        "pair     Softmax + CrossEntropy: slope -y / a, weight a: a cancels; "
        "the gradient is a sum(y) - y"
    )
    assert "largest relative error" in lines[3]
    assert float(lines[3].split()[-1]) < 1e-6
    assert "epoch 2: loss" in lines[-4]
    assert 0 <= float(lines[-3].removeprefix("test accuracy: ")) <= 1
    assert float(lines[-2].removeprefix("test loss: ")) > 0
    assert lines[-1] == "next: anymax pairs"
    assert not err


def test_train_learns_and_repeats(capsys) -> None:
    arguments = ["train", "iris", "--epochs", "60", "--hidden", "16,8", "--seed", "3"]
    said = []
    for _ in range(2):
        assert run([*arguments, "--learning-rate", "0.01"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert float(said[0].split("test accuracy: ")[1].split()[0]) > 0.9


@pytest.mark.parametrize(
    "arguments",
    [
        ("--hidden", "none", "--optimizer", "sgd"),
        ("--activation", "Softmax"),
        ("--activation", "Entmax(alpha=Trainable(1.5, lower=1, upper=2))"),
        ("--output", "Sparsemax", "--loss", "Matching"),
        ("--output", "Normalized(Exp())", "--loss", "Focal(gamma=1)"),
        ("--output", "softmax", "--loss", "squarederror"),
        ("--output", "Identity", "--loss", "Huber(delta=0.5)", "--batch", "7"),
        ("--loss", "CrossEntropy(label_smoothing=0.1, class_weight=[1, 2, 3])"),
    ],
)
def test_train_takes_any_names(arguments, capsys) -> None:
    assert run([*SHORT, *arguments]) == 0
    assert "test accuracy" in capsys.readouterr().out


def test_train_says_what_targets_become(capsys) -> None:
    assert run([*SHORT, "--output", "Tanh", "--loss", "Hinge"]) == 0
    assert "targets  Hinge takes -1 and +1" in capsys.readouterr().out


def test_train_repeats_the_doubt(capsys) -> None:
    assert run([*SHORT, "--output", "Sigmoid"]) == 0
    assert "never pushes the other outputs down" in capsys.readouterr().out


def test_train_does_not_check_a_straight_through_estimator(capsys) -> None:
    hard = ["--output", "GumbelSoftmax(hard=True)", "--loss", "SquaredError"]
    assert run([*SHORT, *hard]) == 0
    assert "another derivative on purpose" in capsys.readouterr().out


def test_diverged_training_is_status_1(capsys) -> None:
    far = ["--output", "Identity", "--loss", "SquaredError", "--learning-rate", "1e30"]
    assert "needs finite numbers" in sentence(capsys, 1, *SHORT, *far)


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_input_is_one_sentence_and_status_2(arguments, capsys) -> None:
    assert USAGE[arguments] in sentence(capsys, 2, *SHORT, *arguments)


def test_unknown_data_and_command_name_the_nearest(capsys) -> None:
    assert "did you mean digits?" in sentence(capsys, 2, "train", "digit")
    assert "trian" in sentence(capsys, 2, "trian")


def test_widths() -> None:
    assert widths("64, 32") == [64, 32]
    assert widths("none") == []


# ---- a user's own file


@pytest.mark.parametrize(
    "arguments",
    [
        ("--output", "{}:Mine", "--loss", "SquaredError"),
        ("--output", "{}:Reversed"),
        ("--output", "{}:Reversed(temperature=2.0)", "--loss", "Brier"),
        ("--activation", "{}:Mine", "--hidden", "4,4"),
        ("--activation", "{}:Reversed", "--hidden", "4,4"),
        ("--loss", "{}:Far"),
    ],
)
def test_classes_of_a_users_file_train(arguments, mine, capsys) -> None:
    assert run([*SHORT, *(each.format(mine) for each in arguments)]) == 0
    out = capsys.readouterr().out
    assert float(out.split("largest relative error ")[1].split()[0]) < 1e-6
    assert "test accuracy" in out


def test_users_file_is_found_beside_the_shell(
    mine, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*SHORT, "--output", "mine.py:Reversed"]) == 0
    assert "Reversed + CrossEntropy: slope -y / a, weight a" in capsys.readouterr().out


def test_wrong_derivative_is_found_and_status_1(mine, capsys) -> None:
    own = ["--output", f"{mine}:Wrong", "--loss", "SquaredError"]
    assert "differs from finite differences" in sentence(capsys, 1, *SHORT, *own)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Mime", "did you mean Mine?"),
        (
            "GIVEN",
            "is no activation; derive the class from anymax.activation.Activation",
        ),
        ("Far", "is no activation"),
        ("Mine(alpha=1)", "Mine takes nothing"),
        ("Half", "structure"),
        ("Broken", "mine.py, line"),
        ("", "names no activation"),
    ],
)
def test_what_is_wrong_in_a_users_file(name, said, mine, capsys) -> None:
    own = ["--output", f"{mine}:{name}", "--loss", "SquaredError"]
    assert said in sentence(capsys, 2, *SHORT, *own)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:", "line 1: invalid syntax"),
        ("1 / 0", "ZeroDivisionError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("", "it holds no classes"),
    ],
)
def test_what_is_wrong_with_a_users_file(text, said, tmp_path, capsys) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    assert said in sentence(capsys, 2, *SHORT, "--output", f"{path}:Mine")


# ---- what cancels


@pytest.mark.parametrize(
    ("activation", "loss", "said"),
    [
        (am.Softmax(), am.CrossEntropy(), "the gradient is a sum(y) - y"),
        (
            am.Sigmoid(),
            am.BinaryCrossEntropy(),
            "a (1-a) cancels; the gradient is a - y",
        ),
        (am.Exp(), am.Poisson(), "slope (a - y) / a, weight a: a cancels"),
        (am.Sigmoid(), am.CrossEntropy(), "a cancels, (1-a) is left"),
        (am.Entmax(alpha=1.5), am.CrossEntropy(), "a^0.5 cancels, a^-0.5 is left"),
        (am.Sparsemax(), am.CrossEntropy(), "nothing cancels, a^-1 is left"),
        (am.Identity(), am.SquaredError(), "slope 2 (a - y), not a fraction"),
        (
            am.Sparsemax(),
            am.Matching(),
            "the loss knows its gradient by z itself: a - y",
        ),
    ],
    ids=repr,
)
def test_cancelling_says(activation, loss, said) -> None:
    assert said in cancelling(am.Pair(activation, loss))


def test_cancelling_names_a_factor_of_the_width() -> None:
    pair = am.Pair(am.Identity(), am.MeanSquaredError())
    assert "the gradient is 0.2 (a - y)" in cancelling(pair, 10)


# ---- anymax pairs


def test_pairs_of_one_loss_as_json(capsys) -> None:
    assert run(["pairs", "--json", "--loss", "CrossEntropy"]) == 0
    cells = json.loads(capsys.readouterr().out)
    assert len(cells) == len(names(activations))
    for cell in cells:
        assert cell["loss"] == "CrossEntropy()"
        assert cell["status"] in STATUSES
        refused = cell["status"] == "refused"
        assert (
            (cell["gradient_error"] is None) == (cell["hvp_error"] is None) == refused
        )
        assert refused or (cell["gradient_error"] < 1e-7 and cell["hvp_error"] < 1e-5)
        assert cell["sentence"] or cell["status"] in ("fused", "plain")


def test_pairs_of_one_activation_lists_every_loss(capsys) -> None:
    assert run(["pairs", "--activation", "Softmax"]) == 0
    out = capsys.readouterr().out
    for name in names(losses):
        assert f"Softmax + {name} " in out


def test_pairs_takes_a_users_class(mine, capsys) -> None:
    assert run(["pairs", "--activation", f"{mine}:Mine", "--loss", "SquaredError"]) == 0
    assert "Mine + SquaredError  plain" in capsys.readouterr().out


@pytest.mark.parametrize("width", [20, 80, 120, 200])
def test_table_holds_every_pair_within_the_width(width) -> None:
    cells = [
        Cell(f"{one}()", f"{two}()", "plain", "", 3e-11, 2e-9, 5)
        for one in names(activations)
        for two in names(losses)
    ]
    lines = [str(line) for line in tabled(cells, width)]
    assert sum(line.count("p-10") for line in lines) == len(cells)
    table = lines[: lines.index("f     0 fused     " + STATUSES["fused"][2])]
    assert max(len(line.rstrip()) for line in table) <= max(width, 30)


def test_headers_are_short_and_all_different() -> None:
    heads = headers([*names(losses), "Poissonian", "CubeEntropy"])
    assert len(set(heads.values())) == len(heads)
    assert max(map(len, heads.values())) <= 4


def test_list_shows_no_error_of_a_refused_pair() -> None:
    refused = Cell("Tanh()", "CrossEntropy()", "refused", "It needs values > 0.")
    lines = [str(line) for line in listed([refused], 80)]
    assert lines[1:] == ["Tanh + CrossEntropy  refused", "    It needs values > 0."]


def test_pairs_of_an_unknown_name(capsys) -> None:
    assert "did you mean" in sentence(capsys, 2, "pairs", "--loss", "CrossEntrop")


# ---- the program itself


def start(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        **options,
    )


def test_program_starts_as_a_module() -> None:
    done = start("-m", "anymax", "--version")
    assert (done.returncode, done.stdout) == (0, f"anymax {am.__version__}\n")
    done = start("-m", "anymax", *SHORT, "--output", "Tanh")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_help_lists_the_commands_there_are() -> None:
    done = start("-m", "anymax", "--help", env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0
    listed = done.stdout.split("Commands:")[1].split("\n")
    assert {line.split()[0] for line in listed if line.strip()} == {
        *("train", "predict", "evaluate", "info", "check", "explain", "pairs", "bench")
    }


def test_importing_anymax_imports_nothing_of_the_extra() -> None:
    look = "import sys, anymax; print({'typer', 'rich', 'sklearn'} & set(sys.modules))"
    assert start("-c", look).stdout == "set()\n"


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys) -> None:
    found = {"typer": None, "rich": None, "sklearn": "there"}
    monkeypatch.setattr(cli, "find_spec", found.get)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        "anymax: the command line needs typer and rich: pip install 'anymax[cli]'\n"
    )


def test_closed_pipe_is_no_traceback() -> None:
    both = "-m anymax pairs --loss SquaredError | head -n 1"
    done = subprocess.run(
        f"{sys.executable} {both}",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


# ---- data sets


@pytest.mark.parametrize("name", ["digits", "wine", "iris", "breast_cancer"])
def test_split_is_stratified_and_scaled_by_the_training_rows(name) -> None:
    data = load(name)
    split = data.split(seed=1)
    share = np.bincount(split.y_test) / np.bincount(data.y)
    assert np.all(np.abs(share - 0.25) < 0.02)
    axis = None if data.one_unit else 0
    np.testing.assert_allclose(split.x_train.mean(axis), 0, atol=1e-12)
    np.testing.assert_allclose(split.x_train.std(axis), 1)
    again = data.split(seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(split, again, strict=True))
    assert not np.array_equal(split.x_train, data.split(seed=2).x_train)
