"""What the environment says about native kernels, and what is said back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import anymax as am
from anymax import kernels
from anymax.cli import main

NEEDS_NATIVE = pytest.mark.skipif(kernels.core is None, reason="needs native kernels")
IN_USE = "from anymax import kernels; print(*kernels.info(), sep='|')"
WRONG = [
    ("ANYMAX_KERNELS", "cuda", '"native" or "numpy"'),
    ("ANYMAX_NUM_THREADS", "0", "a whole number from 1"),
    ("ANYMAX_NUM_THREADS", "-1", "a whole number from 1"),
    ("ANYMAX_NUM_THREADS", "two", "a whole number from 1"),
    ("ANYMAX_NUM_THREADS", "1.5", "a whole number from 1"),
    ("ANYMAX_NUM_THREADS", "100000", "a whole number from 1 to 1024"),
    pytest.param("ANYMAX_TARGET", "sse9", "one of", marks=NEEDS_NATIVE),
]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A new interpreter with these variables set."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("ANYMAX_")}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=plain | variables,
    )


def test_native_kernels_are_there_where_they_are_required():
    if os.environ.get("ANYMAX_REQUIRE_NATIVE") != "1":
        pytest.skip("ANYMAX_REQUIRE_NATIVE is not 1")
    if os.environ.get("ANYMAX_KERNELS") == "numpy":
        pytest.skip("turned off")
    found = kernels.info()
    assert found.native, found.why
    asked = os.environ.get("ANYMAX_TARGET")
    assert found.target == (asked or found.targets[-1])


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_what_is_not_understood_stops_the_import(name, value, said):
    done = run("-c", "import anymax", **{name: value})
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith(f"ValueError: {name} needs ")
    assert said in last
    assert value in last
    assert last.endswith(".")


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
@pytest.mark.parametrize("command", [["info"], ["train", "digits"]])
def test_the_command_line_says_what_is_not_understood(command, name, value, said):
    done = run("-m", "anymax", *command, **{name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"anymax: {name} needs ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_installed_program_says_what_is_not_understood(tmp_path):
    program = tmp_path / "anymax"
    program.write_text("from anymax.cli import main\nmain()\n")
    done = run(str(program), "info", ANYMAX_KERNELS="cuda")
    assert done.returncode == 2
    assert done.stderr.startswith("anymax: ANYMAX_KERNELS needs ")


def test_variables_that_are_empty_are_not_set():
    names = ("ANYMAX_KERNELS", "ANYMAX_TARGET", "ANYMAX_NUM_THREADS")
    empty = run("-c", IN_USE, **dict.fromkeys(names, ""))
    assert empty.stdout == run("-c", IN_USE).stdout != ""


@NEEDS_NATIVE
@pytest.mark.parametrize("target", kernels.info().targets)
def test_a_target_can_be_forced(target):
    done = run("-c", IN_USE, ANYMAX_TARGET=target)
    assert done.stdout.split("|")[2] == target


@NEEDS_NATIVE
@pytest.mark.parametrize("count", ["1", "3", "64"])
def test_the_number_of_threads_can_be_set(count):
    done = run("-c", IN_USE, ANYMAX_NUM_THREADS=count)
    assert done.stdout.split("|")[4] == count


@NEEDS_NATIVE
def test_a_target_must_be_one_that_the_processor_has():
    with pytest.raises(ValueError, match=r"^ANYMAX_TARGET needs one of .*; got vax\. "):
        kernels.core.choose("vax")


def test_numpy_does_all_where_it_is_asked_to():
    done = run("-c", IN_USE, ANYMAX_KERNELS="numpy")
    native, why = done.stdout.split("|")[:2]
    assert (native, why) == ("False", "ANYMAX_KERNELS=numpy turns native kernels off")


def test_without_the_module_numpy_does_all(tmp_path):
    package = Path(am.__file__).parent
    copy = tmp_path / "anymax"
    copy.mkdir()
    for entry in package.iterdir():
        if not entry.name.startswith("_core"):
            (copy / entry.name).symlink_to(entry)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {IN_USE}"
    done = run("-c", f"{code}; import anymax; print(anymax.softmax([0.0, 0.0]))")
    assert done.stdout.startswith("False|native kernels were not built"), done.stderr
    assert done.stdout.splitlines()[-1] == "[0.5 0.5]"


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True, None, 1025])
def test_set_num_threads_takes_whole_numbers(count):
    with pytest.raises(ValueError, match=r"^set_num_threads needs .*; got .*\.$"):
        am.set_num_threads(count)


@NEEDS_NATIVE
def test_set_num_threads_is_heard():
    before = kernels.core.threads()
    try:
        am.set_num_threads(before + 1)
        assert kernels.info().threads == before + 1
    finally:
        am.set_num_threads(before)


def test_anymax_info_says_what_does_the_work(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["anymax", "info"])
    with pytest.raises(SystemExit) as status:
        main()
    assert status.value.code == 0
    (line,) = (
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("kernels")
    )
    found = kernels.info()
    if found.native:
        assert f"target {found.target} of " in line
        assert f"{found.threads} thread" in line
        assert line.endswith(f"BLAS {found.blas}")
    else:
        assert line.endswith(f"NumPy only: {found.why}")
