"""Tables as all commands print them: numbers first, the task's name last and never broken.

Lines that only separate are no longer than a terminal is wide.  Where a line ends with
a text that may be long, such as an exception, a terminal gets its beginning alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import compress, starmap
from math import log10
from typing import Final

_GAP: Final = "  "
_WIDE: Final = 100
_LEAST: Final = 40  # characters, with less of which a text says too little
_UNITS: Final = ("KB", "MB", "GB", "TB")


def _plain(title: str, cell: str) -> str:
    return cell


def table(
    titles: Sequence[str],
    rows: Mapping[str, Sequence[int]],
    paint: Callable[[str, str], str] = _plain,
) -> str:
    """Return a table of numbers by task name, sorted by name, with their total.

    `paint` gets the title of each number and the number as it will stand there, and
    returns it, in colour perhaps.  On a terminal that is too narrow columns of zeros are left out.

    >>> print(table(["Executed", "Loaded"], {"primes.is_prime": [2, 1]}))
    Executed  Loaded  Task name
    ---------------------------------
           2       1  primes.is_prime
    .................................
           2       1  Total
    """
    totals = [sum(column) for column in zip(*rows.values(), strict=True)] or [0] * len(titles)
    columns = list(zip(titles, *rows.values(), totals, strict=True))
    widths = [max(len(str(cell)) for cell in column) for column in columns]

    def line(numbers: Sequence[int], name: str) -> str:
        cells = map(_padded, numbers, widths)
        return _GAP.join([*map(paint, titles, cells), name])

    head = _GAP.join([*map(_padded, titles, widths), "Task name"])
    length = sum(widths) + len(_GAP) * len(titles) + max(map(len, ("Task name", *rows)))
    room, says = _terminal_width() or length, [total > 0 for total in totals]
    if length > room and any(says) and not all(says):
        some = {name: [*compress(numbers, says)] for name, numbers in rows.items()}
        return table([*compress(titles, says)], some, paint)
    length = min(length, room)
    body = [line(rows[name], name) for name in sorted(rows)]
    return "\n".join([head, "-" * length, *body, "." * length, line(totals, "Total")])


class Columns:
    """Lines of text in columns, all laid out as the first rows of them need it.

    The columns whose titles are in `right` are aligned so.  `paint` gets the row and the
    number of a cell, and the cell as it will stand there, and returns it, in colour perhaps.
    The last column is cut where a terminal has room for `least` characters of it.

    >>> rows = [("node1:7", "1.2 s", "primes.is_prime(7)")]
    >>> columns = Columns(["Worker", "Took", "Task"], rows, right=["Took"])
    >>> print(columns.table(rows))
    Worker    Took  Task
    ----------------------------------
    node1:7  1.2 s  primes.is_prime(7)
    """

    def __init__(
        self,
        titles: Sequence[str],
        rows: Sequence[Sequence[str]],
        right: Container[str] = (),
        paint: Callable[[Sequence[str], int, str], str] = lambda row, column, cell: cell,
        least: int = _LEAST,
    ) -> None:
        self._titles = titles
        self._widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
        self._is_right = [title in right for title in titles]
        self._paint = paint
        self._least = least

    def table(self, rows: Iterable[Sequence[str]]) -> str:
        """Return the titles, a rule and the rows."""
        return "\n".join([self.head(), *map(self.row, rows)])

    def head(self) -> str:
        """Return the titles, and a rule under them."""
        length = sum(self._widths) + len(_GAP) * (len(self._widths) - 1)
        rule = "-" * min(length, _terminal_width() or _WIDE)
        return f"{self._line(self._titles)}\n{rule}"

    def row(self, row: Sequence[str]) -> str:
        """Return one line."""
        return self._line(row, lambda column, cell: self._paint(row, column, cell))

    def _line(
        self, row: Sequence[str], paint: Callable[[int, str], str] = lambda column, cell: cell
    ) -> str:
        *cells, last = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, self._widths, self._is_right, strict=True)
        ]
        room = _terminal_width() - sum(len(cell) + len(_GAP) for cell in cells)
        fitted = fitting(last, room, self._least)
        return _GAP.join(starmap(paint, enumerate([*cells, fitted]))).rstrip()


def fitting(text: str, room: int, least: int = _LEAST) -> str:
    """Return as much of a text as there is room for, and the whole where that is hardly any.

    >>> fitting("a text that is longer than its line will ever be", 40), fitting("a text", 3)
    ('a text that is longer than its line wil…', 'a text')
    """
    if room < least or len(text.rstrip()) <= room:
        return text.rstrip()
    return f"{text[: room - 1]}…"


def _terminal_width() -> int:
    """Return how many columns the terminal has that is written to, 0 if it is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return 0
    from shutil import get_terminal_size  # which is slow to import

    return get_terminal_size().columns


def _padded(cell: object, width: int) -> str:
    return f"{cell!s:>{width}}"


def size(count: int) -> str:
    """Return a number of bytes as people read it.

    >>> size(900), size(12_300_000)
    ('900 bytes', '12.3 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    thousands = min(int(log10(count)) // 3, len(_UNITS))
    return f"{count / 1000**thousands:.1f} {_UNITS[thousands - 1]}"
