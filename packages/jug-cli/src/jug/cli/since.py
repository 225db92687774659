"""A moment that users give: how long ago it was, or a date or time."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Final

import click

__all__ = ["moment"]

_AGO: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_FIRST_YEAR: Final = 1970  # nothing was before, and not all clocks count so far back
_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")


def moment(context: click.Context, param: click.Parameter, text: str | None) -> float:
    """Return a moment in seconds since the epoch, 0 if none is given.

    >>> context = click.Context(click.Command("log"))
    >>> moment(context, click.Option(["--since"]), "2026-11-26T14:00:00+01:00")
    1795698000.0
    >>> moment(context, click.Option(["--since"]), "0001-01-01")
    0.0
    """
    if text is None:
        return 0.0
    try:
        return _seconds(text.strip())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time: give how long ago it was, such as 30m, 2h or 3d, "
            "a date such as 2026-11-26, or a time such as 14:00 or 2026-11-26T14:00",
            context,
            param,
        ) from None


def _seconds(text: str) -> float:
    if ago := _AGO.fullmatch(text):
        return time.time() - float(ago[1]) * _SECONDS[ago[2]]
    if _CLOCK.fullmatch(text):  # of today
        hour, rest = text.split(":", 1)
        text = f"{datetime.now():%Y-%m-%d} {hour:0>2}:{rest}"
    when = datetime.fromisoformat(text)
    return 0.0 if when.year < _FIRST_YEAR else when.timestamp()
