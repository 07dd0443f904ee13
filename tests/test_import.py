"""Importing anymax costs little: what is not asked for is not imported."""

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import anymax as am
from anymax import activations, kernels, layers, losses, optim

ROOT = Path(am.__file__).parent
PACKAGES = (activations, layers, losses, optim)


def run(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said_to_type_checkers() -> dict[str, str]:
    """The names under TYPE_CHECKING, a package's own for a star, with their homes."""
    tree = ast.parse((ROOT / "__init__.py").read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    starred = {package.__name__: package for package in PACKAGES}
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            own = [alias.name] if alias.name != "*" else starred[node.module].__all__
            found |= dict.fromkeys(own, node.module)
    return found


def test_type_checkers_see_what_is_there():
    homes = {}
    for home, names in am._HOMES.items():
        own = sys.modules[home].__all__ if names == "*" else names.split()
        homes |= dict.fromkeys(own, home)
    assert said_to_type_checkers() == homes
    assert set(homes) == set(am.__all__)


def test_every_public_name_is_there_and_listed():
    assert len(am.__all__) == len(set(am.__all__))
    assert set(am.__all__) <= set(dir(am))
    for name in am.__all__:
        assert getattr(am, name).__name__ == name
    for package in PACKAGES:
        assert set(package.__all__) <= set(am.__all__)


@pytest.mark.parametrize("name", ["Softmax", "fit", "Adam", "entmax", "Dense", "Pair"])
def test_a_name_is_there_in_a_new_interpreter(name):
    assert run(f"import anymax; print(anymax.{name}.__name__)") == f"{name}\n"
    assert run(f"from anymax import {name}; print({name}.__name__)") == f"{name}\n"


def test_a_star_import_takes_all():
    code = (
        "from anymax import *; import anymax; print(set(anymax.__all__) - set(dir()))"
    )
    assert run(code) == "set()\n"


def test_a_module_is_there_without_an_import_of_its_own():
    assert run("import anymax; print(anymax.training.fit.__name__)") == "fit\n"


@pytest.mark.parametrize("name", ["Softmin2", "softmin2", "_nothing", "__wrapped__"])
def test_what_is_not_there_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=f"'anymax' has no attribute '{name}'"):
        getattr(am, name)


def test_importing_anymax_imports_a_handful_of_modules():
    code = """
import numpy, sys
before = set(sys.modules)
import anymax
print(*(set(sys.modules) - before))
"""
    assert len(run(code).split()) <= 12


def test_importing_anymax_takes_less_than_40_ms_beyond_numpy():
    code = """
import numpy, time
start = time.perf_counter()
import anymax
print(time.perf_counter() - start)
"""
    # The least of some: what other programs take from the processor is not ours.
    assert min(float(run(code)) for _ in range(7)) < 0.040


def test_own_built_files_are_small():
    """5 MB at most, in the wheel that ANYMAX_WHEEL names or as installed."""
    wheel = os.environ.get("ANYMAX_WHEEL")
    if wheel:
        with zipfile.ZipFile(wheel) as file:
            built = [i.file_size for i in file.infolist() if ".so" in i.filename]
        assert len(built) == 1
    elif kernels.core is None:
        pytest.skip("native kernels are not built")
    else:
        built = [Path(kernels.core.__file__).stat().st_size]
    assert sum(built) < 5e6
