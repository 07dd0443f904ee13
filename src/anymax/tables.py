"""Text tables: what summaries and histories print."""

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], right: str = "") -> str:
    """Columns of text, two spaces apart; `right` has an "r" for each flush right.

    >>> print(table([["map", "count"], ["ReLU()", "0"]], "lr"))
    map     count
    ReLU()      0
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = right.ljust(len(widths), "l")
    lines = []
    for row in rows:
        cells = zip(row, widths, sides, strict=True)
        said = [
            cell.rjust(w) if side == "r" else cell.ljust(w) for cell, w, side in cells
        ]
        lines.append("  ".join(said).rstrip())
    return "\n".join(lines)
