"""Time spans and moments as people write them: what is understood, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.moments import moment, span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90s", 90),
        ("1.5 min", 90),
        ("55m", 3300),
        ("2 Hours", 7200),
        (" 1 h 30 min 5 sec ", 5405),
        ("1d12h", 129_600),
        ("4:00:00", 14_400),
        ("100:00:01", 360_001),
        ("1-02:03:04", 93_784),
    ],
)
def test_a_span_has_a_unit_or_three_numbers(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize(
    "given",
    ["", "90", "1:30", "4h30", "h", "1 fortnight", "-5m", "1:99:00", "5mm", "nan", "inf", "5 m x"]
    + [None, True, -1, float("nan"), float("inf"), [5]],
)
def test_what_can_be_read_in_two_ways_or_none_is_no_span(given: object) -> None:
    with pytest.raises(ValueError, match="must be a time such as 90s, 20 min, 1h30m or 4:00:00"):
        span(given)


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_both_ways_to_write_a_span_agree(days: int, hours: int, minutes: int, seconds: int) -> None:
    written = f"{days}d {hours} h {minutes}min{seconds} seconds"
    assert span(f"{days}-{hours}:{minutes:02}:{seconds:02}") == span(written)


NOON = datetime(2026, 5, 31, 12, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:01", datetime(2026, 5, 31, 12, 1)),
        ("12:00", datetime(2026, 6, 1, 12, 0)),
        ("6:30", datetime(2026, 6, 1, 6, 30)),
        ("2026-06-02 06:00", datetime(2026, 6, 2, 6, 0)),
        ("2026-06-02T06:00:30", datetime(2026, 6, 2, 6, 0, 30)),
        ("2026-06-02", datetime(2026, 6, 2)),
        ("2020-01-01 00:00", datetime(2020, 1, 1)),
    ],
)
def test_a_moment_is_local_and_without_a_day_the_next(text: str, expected: datetime) -> None:
    assert moment(text, NOON.timestamp()) == expected.timestamp()


def test_a_moment_may_have_a_zone_or_be_counted_or_never_come() -> None:
    assert moment("2026-05-31T06:00+02:00", 0.0) == moment("2026-05-31t04:00z", 0.0)
    assert moment("1780200000.5", 0.0) == moment(1780200000.5, 0.0) == 1780200000.5
    assert moment("Never", 0.0) == inf


@pytest.mark.parametrize(
    "given",
    ["", "soon", "25:00", "4:00:00", "12:60", "2026-13-01", "90", "55m", "nan"]
    + ["1780200000123", None, True, -1.0],
)
def test_anything_else_is_no_moment(given: object) -> None:
    with pytest.raises(ValueError, match="must be a moment such as 17:30, 2026-05-31 06:00"):
        moment(given, NOON.timestamp())


@given(st.floats(0, 4e9), st.integers(0, 23), st.integers(0, 59))
def test_the_next_time_of_day_comes_within_about_a_day(now: float, hour: int, minute: int) -> None:
    assert now < moment(f"{hour}:{minute:02}", now) <= now + 26 * 3600


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be where clocks are set forward on 29 March and back on 25 October 2026."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-10-25T02:30+02:00", "2:40", "2026-10-25T02:40+02:00"),
        ("2026-10-25T02:50+02:00", "2:40", "2026-10-25T02:40+01:00"),
        ("2026-10-25T02:30+01:00", "2:40", "2026-10-25T02:40+01:00"),
        ("2026-10-25T02:50+01:00", "2:40", "2026-10-26T02:40+01:00"),
        ("2026-10-25T01:30+02:00", "6:00", "2026-10-25T06:00+01:00"),
        ("2026-03-28T23:30+01:00", "6:00", "2026-03-29T06:00+02:00"),
        ("2026-03-29T01:30+01:00", "2:30", "2026-03-29T03:30+02:00"),
        ("2026-03-29T03:40+02:00", "2:30", "2026-03-30T02:30+02:00"),
    ],
)
@pytest.mark.usefixtures("in_berlin")
def test_in_nights_when_clocks_are_set_the_next_such_time_counts(
    now: str, text: str, expected: str
) -> None:
    begin = datetime.fromisoformat(now).timestamp()

    assert moment(text, begin) == datetime.fromisoformat(expected).timestamp()


@pytest.mark.usefixtures("in_berlin")
def test_a_moment_with_a_day_is_that_of_the_place() -> None:
    assert moment("2026-10-24 12:00", 0.0) == moment("2026-10-24T10:00Z", 0.0)
    assert moment("2026-10-26 12:00", 0.0) == moment("2026-10-26T11:00Z", 0.0)
