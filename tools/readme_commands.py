"""Print a set-up command of the README: python tools/readme_commands.py "anymax train".

The commands stand in fenced blocks tagged bash, one a line, and begin with
`pip install`. Printed is the one that holds the given words, as it stands there; if
there is not exactly one, the status is 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main(words: str) -> int:
    """Print the one set-up command with these words."""
    if not README.is_file():
        print(f"there is no {README}.", file=sys.stderr)
        return 1
    found = [each for each in commands(README.read_text("utf-8")) if words in each]
    if len(found) != 1:
        print(
            f"README.md needs one ```bash block with a pip install and {words!r}; "
            f"got {len(found)}.",
            file=sys.stderr,
        )
        return 1
    print(found[0])
    return 0


def commands(text: str) -> list[str]:
    """The lines of bash blocks that install something."""
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    return [line for line in lines if line.startswith("pip install")]


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
