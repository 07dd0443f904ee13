"""One definition: an object of one instruction set must not lend code to another.

The linker keeps one copy of an inline function that several objects have, with the
instructions of whichever came first. So kernels export their table and nothing else.
The objects are those of the last build in build/, or in the folder ANYMAX_OBJECTS.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAMILIES = sorted(path.name for path in (ROOT / "native" / "kernels").glob("*.cpp"))
REQUIRED = os.environ.get("ANYMAX_REQUIRE_NATIVE") == "1"
SCALAR, AVX2, AVX512, NEON = "scalar", "avx2", "avx512", "neon"
# Of the compiler's own making: copies of structs and their like.
ALLOWED = {"memcpy", "memmove", "memset", "memcmp", "_GLOBAL_OFFSET_TABLE_"}


def built() -> list[Path]:
    """The objects of the newest complete build without sanitizers."""
    given = os.environ.get("ANYMAX_OBJECTS")
    folders = [Path(given)] if given else (ROOT / "build").glob("*/CMakeFiles")
    builds = []
    for folder in folders:
        if not re.search("address|thread", folder.parent.name):
            found = [
                path
                for path in sorted(folder.glob("kernels_*.dir/native/kernels/*.o"))
                if path.name.removesuffix(".o") in FAMILIES
            ]
            if found:
                builds.append((max(path.stat().st_mtime for path in found), found))
    return max(builds)[1] if builds else []


def target_of(path: Path) -> str:
    return re.search(r"kernels_(\w+)\.dir", str(path))[1]


TOOLS = bool(shutil.which("nm") and shutil.which("objdump"))
OBJECTS = built() if TOOLS and "ANYMAX_SANITIZED" not in os.environ else []
every_object = pytest.mark.parametrize(
    "path", OBJECTS, ids=lambda path: f"{target_of(path)}-{path.stem}"
)


def of(*targets: str) -> pytest.MarkDecorator:
    found = [path for path in OBJECTS if target_of(path) in targets]
    return pytest.mark.parametrize(
        "path", found, ids=lambda path: f"{target_of(path)}-{path.stem}"
    )


def out(*command: str | Path) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def instructions(path: Path) -> list[str]:
    """The disassembly without addresses and bytes."""
    lines = out("objdump", "--disassemble", "--no-show-raw-insn", path)
    return [line.partition(":\t")[2] for line in lines if ":\t" in line]


@pytest.mark.skipif("ANYMAX_SANITIZED" in os.environ, reason="other objects")
@pytest.mark.skipif(not REQUIRED, reason="ANYMAX_REQUIRE_NATIVE is not 1")
def test_there_are_objects_and_tools_to_look_at_them():
    assert TOOLS
    assert {target_of(path) for path in OBJECTS} & {SCALAR, NEON}
    assert {path.stem for path in OBJECTS} == set(FAMILIES)


@every_object
def test_an_object_shares_no_definition(path):
    symbols = out("nm", "--demangle", path)
    assert [line for line in symbols if re.search(" [WVuvw] ", line)] == []


@every_object
def test_an_object_exports_its_tables_alone(path):
    names = [line.split()[-1] for line in out("nm", "--extern-only", path)]
    defined = [
        line.split()[-1] for line in out("nm", "--extern-only", "--defined-only", path)
    ]
    assert defined
    assert [name for name in defined if not name.endswith(f"_{target_of(path)}")] == []
    assert set(names) - set(defined) <= ALLOWED


@every_object
def test_an_object_runs_nothing_before_it_is_called(path):
    sections = out("objdump", "--section-headers", path)
    assert [line for line in sections if re.search(r"\.init_array|\.ctors", line)] == []


@of(SCALAR)
def test_scalar_code_runs_on_every_processor(path):
    newer = re.compile(r"^v[a-z]|%[yz]mm|%k[0-7]")
    assert [line for line in instructions(path) if newer.search(line)] == []


@of(AVX2)
def test_avx2_code_has_nothing_of_avx512(path):
    newer = re.compile(r"%zmm|%k[0-7]|%[xy]mm(1[6-9]|2\d|3[01])")
    assert [line for line in instructions(path) if newer.search(line)] == []


@of(AVX512)
def test_avx512_code_is_that(path):
    assert any("%zmm" in line for line in instructions(path))
