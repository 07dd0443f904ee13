"""Where our time goes, by perf: python benchmarks/profiled.py training --rows 784-512.

Runs anymax alone on the rows of a table, and prints the functions that most samples
fall into. Needs the Linux tool perf, and for the names of functions a build with
-C cmake.build-type=RelWithDebInfo -C install.strip=false.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from run import TABLES

from anymax.benchmarking.environment import THREADS, variables
from anymax.benchmarking.libraries import LIBRARIES
from anymax.benchmarking.work import Work

SECONDS, SHOWN = 3, 16
LOOP = "--loop"


def main() -> None:
    """A profile for every row that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--rows", default="", metavar="WORD")
    parser.add_argument("--library", default="anymax", choices=LIBRARIES)
    parser.add_argument("--operation", metavar="NAME", help='as "anymax eager"')
    asked = parser.parse_args()
    for case in TABLES[asked.table].cases:
        if asked.rows in case.work.label:
            name = asked.operation or asked.library
            print(f"{case.work.label}, {name}\n\n{profile(case.work, asked, name)}\n")


def profile(work: Work, asked: argparse.Namespace, name: str) -> str:
    """The report of perf on a process that does nothing but this."""
    told = json.dumps([work.fields, asked.library, name])
    again = [sys.executable, __file__, LOOP, told]
    own = variables(THREADS, {})
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(again, stdout=subprocess.PIPE, env=own) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()  # all is prepared, and it runs
        data = str(Path(folder) / "perf.data")
        record = ["perf", "record", "-q", "-F", "2000", "-o", data]
        what = ["-p", str(process.pid), "--", "sleep", str(SECONDS)]
        subprocess.run([*record, *what], check=True)
        process.terminate()
        report = ["perf", "report", "-i", data, "--stdio", "--no-children"]
        sort = ["--sort", "dso,symbol", "--percent-limit", "0.5"]
        done = subprocess.run([*report, *sort], capture_output=True, text=True)
    lines = [line.rstrip(" -") for line in done.stdout.splitlines()]
    return "\n".join([line for line in lines if line and line[0] != "#"][:SHOWN])


def loop(told: str) -> None:
    """Call it until somebody ends the process."""
    fields, library, name = json.loads(told)
    operation = LIBRARIES[library]().operations(Work.of(fields))[name]
    operation.prepare()
    print("ready", flush=True)
    while True:
        operation.block(0.1)


if __name__ == "__main__":
    loop(sys.argv[2]) if sys.argv[1:2] == [LOOP] else main()
