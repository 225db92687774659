"""When a command must end, and who says so.

Stronger is what stands first: what the user asks for, the variable ``JUG_END_TIME``, and what
the batch system says whose job this is.  That is asked for once by a command, before its
workers start, so a thousand of them do not ask at once.

From that follows when a worker must have saved its last task.  The margin before the end is
for that, and for all that a worker does last.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import inf
from typing import Final

from jug.errors import OptionError
from jug.execution.batch_job import ask_for_end
from jug.named_tuple import NamedTuple

__all__ = ["EndTime", "end_of_job", "end_time"]

_MARGIN: Final = 30.0  # seconds
_SHARE: Final = 0.05  # of all the time that there is, where that is less


class EndTime(NamedTuple):
    """When a command must end, in seconds since the epoch.

    >>> end = EndTime(began=1000.0, at=1600.0)
    >>> end.seconds, end.margin, end.last_save
    (600.0, 30.0, 1570.0)
    """

    began: float
    """When it began."""
    at: float
    """When it must have ended."""
    wanted_margin: float | None = None
    """How many seconds before that the last task is to be saved, None for what is usual."""

    @property
    def seconds(self) -> float:
        """How long the command may take, all in all."""
        return max(0.0, self.at - self.began)

    @property
    def margin(self) -> float:
        """How many seconds before the end the last task must be saved."""
        if self.wanted_margin is not None:
            return self.wanted_margin
        return min(_MARGIN, _SHARE * self.seconds)

    @property
    def last_save(self) -> float:
        """When the last task must be saved."""
        return self.at - self.margin


def end_time(
    began: float,
    until: float | None,
    lasting: float | None,
    of_job: float | None,
    margin: float | None = None,
) -> EndTime | None:
    """Return when a command must end that began then, None if it may take any time.

    The earlier counts of `until` and what is `lasting` for so many seconds, and only where
    neither is given that `of_job`.

    >>> end_time(1000.0, until=None, lasting=60.0, of_job=1010.0)
    EndTime(began=1000.0, at=1060.0, wanted_margin=None)
    """
    asked = [until] if until is not None else []
    asked += [began + lasting] if lasting is not None else []
    at = min(asked) if asked else of_job
    return None if at is None or at == inf else EndTime(began, at, margin)


def end_of_job(now: float, environ: Mapping[str, str] = os.environ) -> float | None:
    """Return when the batch job must end that this process belongs to, None if nobody says.

    >>> end_of_job(0.0, {"JUG_END_TIME": "1780200000"})
    1780200000.0
    """
    if given := environ.get("JUG_END_TIME"):
        from jug.moments import moment  # which is seldom needed

        try:
            return moment(given, now)
        except ValueError as error:
            raise OptionError(f"the variable JUG_END_TIME {error}, not {given!r}") from None
    said = environ.get("SLURM_JOB_END_TIME", "")
    return float(said) if said.isdecimal() and int(said) else ask_for_end(environ)
