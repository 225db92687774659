"""Time spans and moments, as people write them.

What can be read in two ways is refused: ``90`` are seconds to some programs and minutes to
others, ``1:30`` as a span are minutes and seconds or hours and minutes, and ``4:00:00`` is a
span and no time of day.  Of a number with more digits than seconds since the epoch have, who
knows whether it counts milliseconds.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import inf
from typing import Any, Final

__all__ = ["MOMENTS", "SPANS", "moment", "span"]

SPANS: Final = "a time such as 90s, 20 min, 1h30m or 4:00:00"
"""What `span` understands."""

MOMENTS: Final = (
    "a moment such as 17:30, 2026-05-31 06:00, seconds since the epoch such as 1780200000, or never"
)
"""What `moment` understands."""

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_UNIT: Final = (
    r"(?:(?P<s>s|sec|secs|seconds?)|(?P<m>m|min|mins|minutes?)|(?P<h>h|hours?)|(?P<d>d|days?))"
)
_PART: Final = re.compile(rf"\s*(?P<number>\d+(?:\.\d+)?)\s*{_UNIT}(?![a-z])", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)")
_TIME_OF_DAY: Final = re.compile(r"\d?\d:\d\d")
_EPOCH: Final = re.compile(r"\d{9,10}(\.\d+)?")


def span(given: Any) -> float:
    """Return a time span in seconds; a number is one already.

    >>> [span(given) for given in (90, "90s", "20 min", "1h30m", "1.5 hours", "1-12:00:00")]
    [90.0, 90.0, 1200.0, 5400.0, 5400.0, 129600.0]
    """
    seconds = _written(given) if isinstance(given, str) else _number(given)
    if not 0 <= seconds < inf:
        raise ValueError(f"must be {SPANS}")
    return seconds


def moment(given: Any, now: float) -> float:
    """Return a moment in seconds since the epoch, infinity for ``never``.

    Without a zone it is local; without a day the next that comes.

    >>> moment("1780200000", 0.0), moment("never", 0.0), moment("2026-05-31T06:00+00:00", 0.0)
    (1780200000.0, inf, 1780207200.0)
    >>> moment("17:30", 0.0) - moment("17:29", 0.0)
    60.0
    """
    seconds = _moment(given.strip().lower(), now) if isinstance(given, str) else _number(given)
    if not seconds >= 0:
        raise ValueError(f"must be {MOMENTS}")
    return seconds


def _number(given: Any) -> float:
    try:
        return -1.0 if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        return -1.0


def _written(text: str) -> float:
    if text.strip() == "0":
        return 0.0
    if clock := _CLOCK.fullmatch(text.strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    total, at = 0.0, 0
    while part := _PART.match(text, at):
        (unit,) = (unit for unit in _UNITS if part[unit])
        total += float(part["number"]) * _UNITS[unit]
        at = part.end()
    return total if at and not text[at:].strip() else -1.0


def _moment(text: str, now: float) -> float:
    if text == "never":
        return inf
    if _EPOCH.fullmatch(text):
        return float(text)
    try:
        if _TIME_OF_DAY.fullmatch(text):
            return _next(text, now)
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return -1.0


def _next(time_of_day: str, now: float) -> float:
    """Return when it is next so late, of an hour that comes twice in a night the next one."""
    hour, minute = map(int, time_of_day.split(":"))
    today = datetime.fromtimestamp(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    times = [today.replace(fold=0), today.replace(fold=1), today + timedelta(days=1)]
    return next(at for at in map(datetime.timestamp, times) if at > now)
