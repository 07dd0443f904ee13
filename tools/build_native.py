"""Build the native module into the source tree, for work on it.

    python tools/build_native.py                      # every instruction set
    python tools/build_native.py --targets avx512     # one of them, much sooner
    python tools/build_native.py --sanitize address,undefined --into build/asan

Only what changed is compiled again. The module lands in src/anymax (or in --into),
where PYTHONPATH=src finds it. `pip install .` does not need this.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Configure, compile, and put the module where it is found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", default="", help="as avx2,avx512; all if empty")
    parser.add_argument("--sanitize", default="", help="as address,undefined or thread")
    parser.add_argument("--into", type=Path, help="a copy of the package goes here")
    parser.add_argument("--best", action="store_true", help="print this CPU's best")
    asked = parser.parse_args()
    if asked.best:
        print(best())
        return
    kind = "-".join(filter(None, [asked.targets, asked.sanitize])) or "all"
    build = ROOT / "build" / f"native-{kind.replace(',', '-')}"
    options = {
        "CMAKE_BUILD_TYPE": "RelWithDebInfo" if asked.sanitize else "Release",
        "ANYMAX_TARGETS": asked.targets.replace(",", ";"),
        "ANYMAX_SANITIZE": asked.sanitize,
        "Python_EXECUTABLE": sys.executable,
    }
    if shutil.which("ccache"):  # what another checkout compiled need not be again
        options["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
        os.environ |= {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    given = [f"-D{name}={value}" for name, value in options.items()]
    run("cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", *given)
    run("cmake", "--build", str(build), "-j", str(os.cpu_count() or 1))
    (module,) = build.glob("_core*.so")
    package = ROOT / "src" / "anymax"
    if asked.into:
        package = asked.into / "anymax"
        shutil.copytree(ROOT / "src" / "anymax", package, dirs_exist_ok=True)
    shutil.copy2(module, package / module.name)
    print(package / module.name)


def best() -> str:
    """The best instruction set of this processor, as far as Linux says."""
    if platform.machine() in ("aarch64", "arm64"):
        return "neon"
    described = Path("/proc/cpuinfo")
    flags = described.read_text().split() if described.exists() else []
    wanted = {"avx512": "avx512vl", "avx2": "avx2"}
    return next((name for name, flag in wanted.items() if flag in flags), "scalar")


def run(*command: str) -> None:
    """A command that must succeed."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
