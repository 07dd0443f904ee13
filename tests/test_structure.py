"""Imports go one way, stand at the top, and cost nothing that is not asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import anymax as am
from anymax import activations, losses

ROOT = Path(am.__file__).parent
ORDER = """
cached types errors frames described kernels sets rows monomial jacobian trainable
output target reduction map noise hooks linearized activation loss special activations
losses differences meeting certificate explaining registry native_pair pair functional
initializers tables flat tying graph composite architecture io layers workspace
operation lowering recipes compiled network combine penalty tracing objective optim
examples bound wiring
program plan metrics checking training loading pages data benchmarking cli __main__
""".split()  # noqa: SIM905
FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    """The first part of a module's name: a file, or a package's folder."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> list[tuple[str, ast.AST, bool]]:
    """Rooms of ours that a file imports; whether at run time."""
    tree = ast.parse(path.read_text())
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "anymax":
                names = [f"anymax.{alias.name}" for alias in node.names]
            else:
                names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("anymax."):
                found.append((name.split(".")[1], node, id(node) not in typing))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_points_up(path):
    if path == ROOT / "__init__.py":
        return
    mine = ORDER.index(room(path))
    for name, node, at_run_time in imported(path):
        if at_run_time and name in ORDER:
            assert ORDER.index(name) <= mine, f"{path}:{node.lineno} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_stand_at_the_top_but_for_scipy_on_first_use(path):
    tree = ast.parse(path.read_text())
    inside = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    if path.name == "special.py":
        names = [ast.unparse(node).split()[1] for node in inside]
        assert names == ["scipy.special", "scipy.optimize"]
    else:
        assert inside == []


def test_every_file_has_a_room():
    assert {room(p) for p in FILES} - {"__init__"} <= set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_idea(path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("package", [activations, losses])
def test_a_class_stands_in_a_file_of_its_name(package):
    for name in package.__all__:
        made = getattr(package, name)
        assert made.__module__.split(".")[-1].replace("_", "") == name.lower()


def test_no_activation_names_a_loss_and_no_loss_an_activation():
    for own, other in ((activations, "losses"), (losses, "activations")):
        for path in Path(own.__file__).parent.glob("*.py"):
            assert other not in {name for name, _, _ in imported(path)}, path


def test_importing_anymax_imports_neither_scipy_nor_the_edges():
    code = (
        "import sys, anymax; anymax.Softmax()([1.0, 2.0]); "
        "print([m for m in ('scipy', 'sklearn', 'typer', 'rich', 'torch') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_public_names_are_re_exports():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("anymax."):
            for alias in node.names:
                assert alias.name == "*" or alias.asname == alias.name


@pytest.mark.parametrize("package", [activations, losses])
def test_the_list_of_a_package_is_what_it_imports(package):
    classes = [name for name in vars(package) if name[0].isupper()]
    assert sorted(package.__all__) == sorted(classes)
