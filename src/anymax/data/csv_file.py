"""CSV files as text: a header of names, and rows that all have as many cells."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from anymax.data.table import Table

DELIMITERS = ",;\t"


def read_csv(path: str | Path) -> Table:
    """The table in a UTF-8 file whose first line names the columns.

    Cells are separated by commas, or by semicolons or tabs if the header is; quotes are
    those of RFC 4180; empty lines are skipped.

    Raises ValueError for a file that is not there, or not such a table; the message
    names the file, the line and the column.
    """
    text = _text(path)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines, start = [], [], 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as wrong:
        raise ValueError(f"{path}, line {start}: {wrong}; check the quotes.") from None
    if not rows:
        raise ValueError(f"{path} is empty; its first line has to name the columns.")
    header = tuple(name.strip() for name in rows[0])
    _check_header(path, lines[0], header)
    _check_lengths(path, lines, rows)
    return Table(str(path), header, tuple(rows[1:]), tuple(lines[1:]))


def _text(path: str | Path) -> str:
    """The text of a file; the error says where it is none."""
    if not Path(path).is_file():
        kind = "is no file" if Path(path).exists() else "does not exist"
        raise ValueError(f"{path} {kind}; check the path.")
    try:
        content = Path(path).read_bytes()
    except OSError as wrong:
        raise ValueError(f"{path} cannot be read: {wrong.strerror}.") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        where = _where(content[: wrong.start])
        raise ValueError(
            f"{path}, {where}: the byte {content[wrong.start]:#04x} is not UTF-8; "
            "save the file as UTF-8."
        ) from None
    if "\0" in text:
        where = _where(content[: content.index(0)])
        raise ValueError(
            f"{path}, {where}: a NUL byte; it is no text, or damaged. Export it again."
        )
    return text


def _where(before: bytes) -> str:
    """The line and column that come after these bytes."""
    line = before.rpartition(b"\n")[2].decode("utf-8", "replace")
    delimiter = max(DELIMITERS, key=line.count)
    return f"line {before.count(10) + 1}, column {line.count(delimiter) + 1}"


def _check_header(path: str | Path, line: int, header: tuple[str, ...]) -> None:
    for name, times in Counter(header).items():
        if name and times > 1:
            places = [str(i) for i, each in enumerate(header, 1) if each == name]
            raise ValueError(
                f"{path}, line {line}: the columns {' and '.join(places)} are both "
                f"called {name!r}; rename one."
            )


def _check_lengths(path: str | Path, lines: list[int], rows: list[list[str]]) -> None:
    width = len(rows[0])
    for line, row in zip(lines, rows, strict=True):
        if len(row) != width:
            near = rows[0][min(len(row), width - 1)].strip()
            kind = "ends before" if len(row) < width else "goes on after"
            raise ValueError(
                f"{path}, line {line} has {len(row)} cells, the header {width}: it "
                f"{kind} column {near!r}; check its separators and quotes."
            )
    if len(rows) == 1:
        raise ValueError(
            f"{path} has a header in line {lines[0]} but no rows; add some below it."
        )
