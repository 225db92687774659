"""Runs as lines of a table, as `jug log` and `jug show` print them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final

from jug.cli.colours import painted
from jug.tables import Columns
from jug.views.history import PastRun
from jug.wording import duration, escaped

__all__ = ["RunLines", "when"]

_TITLES: Final = ("Ended", "State", "Took", "Worker")
_STATE: Final = _TITLES.index("State")
_WIDE: Final = ("2026-11-26 14:00:00", "given back", "59 min 59 s", "a-host:1234567", "")
_LONGEST: Final = 100  # characters of an exception


class RunLines:
    """Lines on runs, laid out as the first runs need it, or as any may if more are to come.

    They end with the exception, and before it the call, unless all are of one task.
    """

    def __init__(
        self, runs: Iterable[PastRun], *, of_one_task: bool = False, more: bool = False
    ) -> None:
        self._with_call = not of_one_task
        last = "Exception" if of_one_task else "Call"
        rows = [self._row(run) for run in runs] + ([_WIDE] if more else [])
        self._columns = Columns((*_TITLES, last), rows, right={"Took"}, paint=_paint)

    def head(self) -> str:
        """Return the titles and a rule."""
        return self._columns.head()

    def line(self, run: PastRun) -> str:
        """Return the line of a run."""
        return self._columns.row(self._row(run))

    def _row(self, run: PastRun) -> Sequence[str]:
        exception = escaped(run.record.exception)
        if len(exception) > _LONGEST:
            exception = f"{exception[:_LONGEST]}…"
        what = [run.call] if self._with_call else []
        took = "-" if run.duration is None else duration(run.duration)
        return (
            when(run.record.end),
            run.state.value,
            took,
            str(run.place),
            ": ".join([*what, *([exception] if exception else [])]),
        )


def _paint(row: Sequence[str], column: int, cell: str) -> str:
    return painted(row[_STATE], cell) if column == _STATE else cell


def when(moment: float) -> str:
    """Return a moment as people here read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment)) if moment else "-"
