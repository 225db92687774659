"""Tables of text, as wide as the terminal."""

from __future__ import annotations

import pytest

from jug import tables
from jug.tables import Columns

ROWS = [
    ("node1:7", "1.2 s", "primes.is_prime(7): ValueError: no such luck"),
    ("node12:123", "350 ms", "primes.is_prime(8)"),
]


@pytest.fixture
def width(monkeypatch):
    """Call with the width of the terminal, 0 for none."""
    return lambda columns: monkeypatch.setattr(tables, "_terminal_width", lambda: columns)


def columns(**more):
    return Columns(["Worker", "Took", "Call"], ROWS, right=["Took"], **more)


def test_columns_are_as_wide_as_they_must_be(width):
    width(0)

    assert columns().table(ROWS).splitlines() == [
        "Worker        Took  Call",
        "-" * 64,
        "node1:7      1.2 s  primes.is_prime(7): ValueError: no such luck",
        "node12:123  350 ms  primes.is_prime(8)",
    ]


def test_a_terminal_gets_the_beginning_of_what_does_not_fit(width):
    width(62)

    lines = columns().table(ROWS).splitlines()

    assert lines[1:3] == [
        "-" * 62,
        "node1:7      1.2 s  primes.is_prime(7): ValueError: no such l…",
    ]
    assert max(map(len, lines)) == 62


def test_where_there_is_hardly_any_room_the_terminal_breaks_lines(width):
    width(59)

    assert columns().row(ROWS[0]).endswith("no such luck")


def test_how_little_room_is_enough_may_be_said(width):
    width(50)

    assert columns(least=20).row(ROWS[0]).endswith("primes.is_prime(7): ValueErro…")


def test_cells_are_painted_where_they_stand(width):
    width(0)

    painted = columns(paint=lambda row, column, cell: f"<{cell}>" if column == 0 else cell)

    assert painted.row(ROWS[0]).startswith("<node1:7   >   1.2 s")


def test_there_may_be_no_rows():
    assert Columns(["Worker", "Call"], []).head() == "Worker  Call\n------------"
