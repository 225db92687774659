"""Numbers, times and sizes as they stand on the page; what is not known is a dash."""

from __future__ import annotations

import time
from typing import Final

from jug import tables
from jug.wording import duration, rounded

__all__ = ["UNKNOWN", "age", "clock", "date", "number", "percent", "size", "span", "whole_span"]

UNKNOWN: Final = "–"
_LATEST: Final = 1e11  # seconds since the epoch


def number(count: int) -> str:
    """Return a count, in groups of three digits.

    >>> number(1234567)
    '1,234,567'
    """
    return f"{count:,}"


def span(seconds: float | None) -> str:
    """Return a time span; nothing took no time, so that is not known.

    >>> span(1.25), span(0.0), span(None)
    ('1.2 s', '–', '–')
    """
    return duration(seconds) if seconds is not None and seconds > 0.0 else UNKNOWN


def whole_span(seconds: float | None) -> str:
    """Return a time span without parts of seconds, unless it is shorter.

    >>> whole_span(75.3), whole_span(0.0)
    ('1 min 15 s', '0 s')
    """
    return UNKNOWN if seconds is None else rounded(max(0.0, seconds))


def age(moment: float, now: float) -> str:
    """Return how long ago a moment was, where 0 is none."""
    return whole_span(now - moment) if moment else UNKNOWN


def percent(share: float | None) -> str:
    """Return a share of one; what is nearly nothing or nearly all does not look so.

    >>> percent(0.5), percent(0.0001), percent(0.9999), percent(1.0), percent(None)
    ('50 %', '< 1 %', '> 99 %', '100 %', '–')
    """
    if share is None:
        return UNKNOWN
    if 0.0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1.0 else f"{100 * share:.0f} %"


def size(count: int | None) -> str:
    """Return a number of bytes, where none are not known."""
    return tables.size(count) if count else UNKNOWN


def date(moment: float) -> str:
    """Return a moment, in seconds since the epoch, by the clock of this host; 0 is none."""
    if not 0.0 < moment < _LATEST:  # the record is damaged
        return UNKNOWN
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def clock(moment: float) -> str:
    """Return the time of the day of a moment, by the clock of this host."""
    return time.strftime("%H:%M:%S", time.localtime(moment))
