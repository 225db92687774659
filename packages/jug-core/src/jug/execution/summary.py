"""What workers did, and why they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final

from jug.named_tuple import NamedTuple
from jug.wording import counted, duration

if TYPE_CHECKING:
    from jug.execution.too_large import TooLarge


class Ending(Enum):
    """Why a worker stopped."""

    DONE = "all selected tasks are done"
    UNMATCHED = "no task is selected"
    LIMIT = "a limit that was set for this run was reached"
    TIME = "nothing that is left fits into the time that is left"
    PAST = "the time for this was over before it began"
    DRAINED = "told to begin no further task"
    FAILED = "a task failed"
    STALE = "results came from older code"
    TOO_LARGE = "what is left needs more than this command has of its machine"
    STUCK = "nothing that is left can be run"
    UNSELECTED = "what is left needs tasks that are not selected, and nobody has run them"
    WAITED = "others still hold tasks, and the waiting time is over"
    INTERRUPTED = "interrupted"

    @property
    def status(self) -> int:
        """The exit status."""
        return _STATUSES[self]


_STATUSES: Final = {
    Ending.DONE: 0,
    Ending.LIMIT: 0,
    Ending.TIME: 0,
    Ending.PAST: 0,
    Ending.DRAINED: 0,
    Ending.FAILED: 1,
    Ending.STALE: 1,
    Ending.UNMATCHED: 2,
    Ending.TOO_LARGE: 3,
    Ending.STUCK: 3,
    Ending.UNSELECTED: 3,
    Ending.WAITED: 3,
    Ending.INTERRUPTED: 130,
}


class Failure(NamedTuple):
    """A task that failed, as it is shown to the user."""

    name: str
    digest: str
    exception: str
    traceback: str
    arguments: str | None = None
    """Its arguments in short, where they are known."""

    @property
    def call(self) -> str:
        """The task as the call that failed, or with its hash where its arguments are not known."""
        arguments = self.digest[:12] if self.arguments is None else self.arguments
        space = " " if self.arguments is None else ""
        return f"{self.name}{space}({arguments})"

    def _repr_html_(self) -> str:
        from jug import html  # of use in notebooks alone

        known = {"exception": self.exception, "hash": self.digest}
        return html.facts(f"{self.name} failed", known, {"traceback": self.traceback})


class TooLong(NamedTuple):
    """Tasks of one name that did not fit into all the time that their command had."""

    name: str
    tasks: int
    why: str
    """What is known of how long one takes, in words."""
    had: float
    """How many seconds there were."""
    needed: float
    """How many there must be."""

    def __str__(self) -> str:
        """Return what is to be said of them."""
        are = "is" if self.tasks == 1 else "are"
        return (
            f"{counted(self.tasks, 'task')} of {self.name} {are} too long for the "
            f"{duration(self.had)} of this command, as {self.why}: "
            f"ask for {duration(self.needed)} or more"
        )


class Summary:
    """What one worker, or several together, did."""

    def __init__(
        self,
        ending: Ending,
        executed: Mapping[str, int] | None = None,
        loaded: Mapping[str, int] | None = None,
    ) -> None:
        self.ending = ending
        self.executed = Counter(executed)
        """How many tasks were run here, by name."""
        self.loaded = Counter(loaded)
        """How many of those that are selected were found done, by name."""
        self.failures: list[Failure] = []
        """The tasks that failed here."""
        self.failures_elsewhere: list[Failure] = []
        """Some that were not tried here: they failed elsewhere meanwhile, or earlier for good."""
        self.blocked = 0
        """How many tasks wait for one that failed."""
        self.left = 0
        """How many selected tasks are not done."""
        self.unmatched = ""
        """What to say of a selection that no task fits."""
        self.stale = ""
        """What is said of results that came from older code, if this worker was to say it."""
        self.too_long: list[TooLong] = []
        """What would not have fitted into all the time that there was."""
        self.too_large: list[TooLarge] = []
        """What needs more than there is of the machine."""
        self.short = False
        """Whether less is to be told of it."""
        self.at_barrier = False
        """Whether the jugfile stops at a barrier, beyond which there may be more tasks."""

    def rows(self) -> dict[str, list[int]]:
        """Return for each name how many tasks were executed and how many loaded."""
        names = self.executed | self.loaded
        return {name: [self.executed[name], self.loaded[name]] for name in names}

    def _repr_html_(self) -> str:
        from jug import html  # of use in notebooks alone

        return html.table(["Executed", "Loaded"], self.rows())


def merge(
    summaries: list[Summary],
    executed: Counter[str],
    failures: list[Failure],
    interrupted: bool = False,
) -> Summary:
    """Return what several workers did together.

    What was executed and what failed is given for all of them, also those that died.
    """
    total = Summary(Ending.STUCK, executed)
    total.failures = failures
    last = min(summaries, key=lambda summary: summary.left, default=total)
    total.left, total.blocked, total.unmatched = last.left, last.blocked, last.unmatched
    total.at_barrier, total.too_long = last.at_barrier, last.too_long
    total.too_large = last.too_large
    total.stale = next((summary.stale for summary in summaries if summary.stale), "")
    total.short = any(summary.short for summary in summaries)
    here = {failure.digest for failure in failures}
    total.failures_elsewhere = [f for f in last.failures_elsewhere if f.digest not in here]
    total.loaded = last.executed + last.loaded - executed
    endings = {summary.ending for summary in summaries}
    if Ending.DONE in endings:  # others have done what an interrupted worker left
        endings.discard(Ending.INTERRUPTED)
    if interrupted:
        endings.add(Ending.INTERRUPTED)
    if total.failures:
        endings.add(Ending.FAILED)
    total.ending = next((e for e in _WEIGHT if e in endings), Ending.STUCK)
    return total


_WEIGHT: Final = (
    Ending.INTERRUPTED,
    Ending.FAILED,
    Ending.STALE,
    Ending.DONE,
    Ending.UNMATCHED,
    Ending.DRAINED,
    Ending.TIME,
    Ending.PAST,
    Ending.LIMIT,
    Ending.TOO_LARGE,
    Ending.WAITED,
    Ending.UNSELECTED,
    Ending.STUCK,
)
