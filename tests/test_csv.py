"""CSV files are read as they are, and what is wrong with one is said with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anymax.cli.app import run
from anymax.cli.evaluate import indices
from anymax.cli.settings import TaskName
from anymax.cli.source import labels_of, target_of
from anymax.data import Scaling, Table, read_csv

GOOD = "a,b,kind\n1,2,x\n2,3,y\n3,1,x\n4,0,y\n5,7,x\n6,6,y\n7,5,x\n8,2,y\n"


def written(tmp_path: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(tmp_path: Path, content: str | bytes) -> Table:
    return read_csv(written(tmp_path, content))


# ---- what is read


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"], ids=["", "mark", "lines"])
def test_separators_line_ends_and_byte_order_marks(delimiter, ending, start, tmp_path):
    text = start + GOOD.replace(",", delimiter).replace("\n", ending)
    found = table(tmp_path, text)
    assert found.header == ("a", "b", "kind")
    np.testing.assert_array_equal(found.numbers("a"), np.arange(1.0, 9))
    assert found.cells("kind") == ["x", "y"] * 4
    assert found.lines[0] == (4 if start == "\n\n" else 2)


def test_quotes_hold_separators_and_line_ends(tmp_path):
    found = table(tmp_path, 'a,"b, or c"\n1,"one\ntwo"\n\n 2 ,"say ""x"""\n')
    assert found.header == ("a", "b, or c")
    assert found.cells("b, or c") == ["one\ntwo", 'say "x"']
    np.testing.assert_array_equal(found.numbers("a"), [1, 2])
    assert found.lines == (2, 5)


def test_numbers_are_read_as_python_reads_them(tmp_path):
    cells = ["1", "-2.5", "+3e-2", "1E3", "0.1", ".5", "5.", " 7 "]
    found = table(tmp_path, "\n".join(["a", *cells])).numbers("a")
    np.testing.assert_array_equal(found, [float(cell) for cell in cells])


def test_last_line_needs_no_end(tmp_path):
    assert len(table(tmp_path, "a,b\n1,2\n3,4")) == 2


def test_scaling_is_undone():
    x = np.random.default_rng(0).normal(3, 2, (20, 4))
    scaling = Scaling.of(x)
    np.testing.assert_allclose(scaling.apply(x).mean(0), 0, atol=1e-14)
    np.testing.assert_allclose(scaling.apply(x).std(0), 1)
    np.testing.assert_allclose(scaling.undo(scaling.apply(x)), x)
    one = Scaling.of(x, together=True)
    assert np.ptp(one.scale) == 0
    assert one.scale[0] == pytest.approx(x.std())


# ---- what a target becomes


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        (["no", "yes"] * 5, TaskName.auto, ["no", "yes"]),
        (["3", "1", "2"] * 4, TaskName.auto, [1, 2, 3]),
        (["1.0", "2.0"] * 4, TaskName.auto, [1, 2]),
        (["1.5", "2.5"] * 4, TaskName.auto, None),
        ([str(i) for i in range(12)], TaskName.auto, None),
        (["3", "1", "2"] * 4, TaskName.regression, None),
        (["1.5", "2.5"] * 4, TaskName.classification, ["1.5", "2.5"]),
        (["1", "2", "x"] * 4, TaskName.classification, ["1", "2", "x"]),
    ],
)
def test_target_is_classes_or_values(cells, task, classes, tmp_path):
    found, y, decided = target_of(table(tmp_path, "\n".join(["t", *cells])), "t", task)
    if classes is None:
        assert found is None
        np.testing.assert_array_equal(y, [[float(cell)] for cell in cells])
        assert decided.startswith("regression: t is ")
    else:
        assert found.tolist() == classes
        wanted = [str(label) for label in found[y]]
        assert wanted == [c if c in wanted else f"{float(c):g}" for c in cells]
        assert decided.startswith(f"classification: t is {len(classes)} classes")


# ---- what is wrong

NUMBER = ("--target", "a", "--columns", "b")
EMPTY_TARGETS = "a,b,kind\n1,2,x\n2,3,\n3,1,x\n4,0,\n5,1,y\n"
BAD: dict[str, tuple[str | bytes, str]] = {  # content, what the sentence must hold
    "empty": ("", "data.csv is empty"),
    "only lines": ("\n\n\r\n", "data.csv is empty"),
    "header only": ("a,b,kind\n", "data.csv has a header in line 1 but no rows"),
    "no target": ("a,b,sort\n1,2,x\n2,3,y\n", "no column 'kind'"),
    "near target": ("a,b,kinds\n1,2,x\n2,3,y\n", "did you mean kinds?"),
    "twice": ("a,b,a,kind\n1,2,3,x\n", "line 1: the columns 1 and 3 are both called"),
    "no name": ("a,,kind\n1,2,x\n2,3,y\n", "line 1: column 2 has no name"),
    "short row": (GOOD + "9,x\n", "line 10 has 2 cells, the header 3: it ends before"),
    "long row": ("a,b,kind\n1,2,x\n1,2,3,y\n", "line 3 has 4 cells, the header 3"),
    "text": (GOOD + "nine,1,x\n", "line 10: column 'a' needs a finite number; got"),
    "decimal comma": (
        "a;kind\n" + "1;x\n2;y\n" * 3 + "1,5;x\n",
        "line 8: column 'a' needs a finite number; got '1,5'",
    ),
    "nan": (GOOD + "9,nan,x\n", "line 10: column 'b' needs a finite number; got 'nan'"),
    "infinity": (GOOD + "9,1e999,x\n", "line 10: column 'b' needs a finite number"),
    "underscore": (GOOD + "9,1_0,x\n", "line 10: column 'b' needs a finite number"),
    "empty cell": (GOOD + "9, ,x\n", "line 10: column 'b' is empty"),
    "text column": (
        "a,b,kind\n1,red,x\n2,blue,y\n",
        "column 'b' holds text, as 'red'; select columns of numbers with --columns a",
    ),
    "empty target": (EMPTY_TARGETS, "line 3: column 'kind' is empty, and in 1 more"),
    "one class": ("a,b,kind\n1,2,x\n2,3,x\n", "holds 'x' only, in all 2 rows"),
    "target alone": ("kind\nx\ny\n", "no column beside the target"),
    "latin": (GOOD.encode() + "9,1,\xe9\n".encode("latin-1"), "line 10, column 3: the"),
    "utf-16": (GOOD.encode("utf-16"), "line 1, column 1: the byte 0xff is not UTF-8"),
    "nul": (GOOD.encode() + b"9,\0,x\n", "line 10, column 2: a NUL byte"),
    "open quote": (GOOD + '9,"1,x\n', "line 10: unexpected end of data"),
    "stray quote": (GOOD + '9,"1"2,x\n', "line 10: ',' expected after '\"'"),
    "one row": ("a,b,kind\n1,2,x\n", "holds 'x' only, in all 1 rows"),
    "numbers with a mistake": (
        "a,kind\n" + "".join(f"{i},{i}.5\n" for i in range(9)) + "9,9.5m\n",
        "line 11: column 'kind' needs a finite number; got '9.5m'",
    ),
}


def sentence(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the program with wrong input; its one line on stderr."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert err.startswith("anymax: ")
    assert err.count("\n") == 1
    assert not out
    return err


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_one_sentence_and_nothing_is_overwritten(name, tmp_path, capsys):
    content, said = BAD[name]
    path = written(tmp_path, content)
    there = written(tmp_path, "what was there", "model")
    arguments = ["--target", "kind", "--save", str(there), "--epochs", "1"]
    found = sentence(capsys, "train", str(path), *arguments)
    assert said in found
    assert "data.csv" in found
    assert there.read_text() == "what was there"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.csv", "model"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "needs --target COLUMN, what to predict; it has a, b, kind"),
        (("--target", "a", "--columns", "b,c"), "no column 'c'"),
        (("--target", "a", "--columns", "a,b"), "the target 'a' itself"),
        (("--target", "a", "--columns", "b,b"), "needs different names"),
        (("--target", "a", "--columns", ""), "needs different names"),
        (
            ("--target", "a", "--columns", "kind"),
            "line 2: column 'kind' needs a finite",
        ),
        (("--target", "kind", "--task", "regression"), "needs a finite number"),
        (("--target", "kind", "--task", "sorting"), "sorting"),
        (("--target", "kind", "--test-size", "0.01"), "leaves none to test with"),
        ((*NUMBER, "--loss", "CrossEntropy"), "CrossEntropy needs outputs that are"),
        (
            (*NUMBER, "--loss", "BinaryCrossEntropy", "--output", "Sigmoid"),
            "line 3: column 'a' is 2, but BinaryCrossEntropy needs targets that are",
        ),
        ((*NUMBER, "--output", "Softmax"), "always 1"),
    ],
)
def test_options_that_do_not_fit_the_file(arguments, said, tmp_path, capsys):
    path = written(tmp_path, GOOD)
    assert said in sentence(capsys, "train", str(path), *arguments)


def test_missing_file_and_folder(tmp_path, capsys):
    none = str(tmp_path / "none.csv")
    assert "none.csv does not exist" in sentence(capsys, "train", none, "--target", "a")
    folder = str(tmp_path)
    assert "is no file" in sentence(capsys, "train", folder, "--target", "a")
    assert "did you mean iris?" in sentence(capsys, "train", "irsi", "--target", "a")


def test_selected_columns_may_leave_out_what_cannot_be_read(tmp_path, capsys):
    rows = [f"{i},{i % 3},red,{'xy'[i % 2]}" for i in range(12)]
    path = written(tmp_path, "\n".join(["a,b,colour,kind", *rows]))
    columns = ["--target", "kind", "--columns", "a, b", "--epochs", "1"]
    assert run(["train", str(path), *columns]) == 0
    assert "2 features, 2 classes" in capsys.readouterr().out


# ---- what rounding would change


def test_constant_columns_are_not_divided_by_rounding():
    x = np.full((49, 2), 0.1) * [1, 3]
    assert x.std(0).max() > 0
    for together in (False, True):
        found = Scaling.of(x[:, :1], together=together)
        np.testing.assert_array_equal(found.apply(x[:, :1]), np.zeros((49, 1)))
        np.testing.assert_array_equal(found.scale, [1])
    np.testing.assert_array_equal(Scaling.of(x).apply(x + 1), np.full((49, 2), 1.0))


@pytest.mark.parametrize("column", ["a", "price"])
def test_columns_that_overflow_are_refused(column, tmp_path, capsys):
    rows = [{"a": f"{i}", "price": f"{i}.5"} for i in range(20)]
    for i, row in enumerate(rows):
        row[column] = f"{(-1) ** i * (1 + i)}e300"
    lines = [f"{row['a']},{row['price']}" for row in rows]
    path = written(tmp_path, "\n".join(["a,price", *lines]))
    options = ["--target", "price", "--task", "regression"]
    assert run(["train", str(path), *options]) == 2
    out, err = capsys.readouterr()
    assert f"column '{column}' needs a finite mean and variance" in err
    assert "train " not in out


def test_labels_that_become_one_class_are_said(tmp_path):
    def decided(*cells):
        given = table(tmp_path, "y\n" + "\n".join(cells))
        return target_of(given, "y", TaskName.classification)

    classes, index, said = decided("1", "2", "1.0", "2")
    assert (classes.tolist(), index.tolist()) == ([1, 2], [0, 1, 0, 1])
    assert said.endswith("'1' and '1.0' are one class, as the same number")
    assert "one class" not in decided("1", "2", "1", "2")[2]
    classes, _, said = decided("1", "1.0", "a", "a")
    assert classes.tolist() == ["1", "1.0", "a"]
    assert "one class" not in said
    with pytest.raises(ValueError, match="nothing to learn"):
        decided("1", "1.0", "01", "1")


def test_whole_labels_are_exact(tmp_path):
    big = ["9007199254740992", "9007199254740993", "9007199254740994.0"]
    found = labels_of(table(tmp_path, "y\n" + "\n".join(big)), "y")
    assert found.tolist() == [2**53, 2**53 + 1, 2**53 + 2]
    wide = ["1", "100000000000000000000"]
    given = table(tmp_path, "y\n" + "\n".join(wide))
    assert labels_of(given, "y").tolist() == wide
    assert indices(given, "y", np.array(wide)).tolist() == [0, 1]
    given = table(tmp_path, "y\n" + "\n".join(big))
    assert indices(given, "y", found).tolist() == [0, 1, 2]
