"""The command line; it needs the extra [cli]."""

import sys
from importlib import import_module
from importlib.util import find_spec

NEEDED = ("typer", "rich", "sklearn")


def main() -> None:
    """Run `anymax` with the arguments it was started with, and exit with its status."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        sys.exit(_say(f"the command line needs {names}: pip install 'anymax[cli]'"))
    try:
        import_module("anymax.kernels")
    except ValueError as wrong:  # what the environment says of them
        sys.exit(_say(str(wrong)))
    # By name, since only now is it known that what the program imports is there.
    sys.exit(import_module("anymax.cli.app").run())


def _say(sentence: str) -> int:
    print(f"anymax: {sentence}", file=sys.stderr)
    return 2
