"""Why one task would run, or would not, in words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from jug.records import Run, RunState
from jug.task import Task
from jug.task.short_form import call_form, call_forms
from jug.views.earlier import Difference
from jug.views.places import Places
from jug.wording import duration, escaped
from jug.workers import Worker, held_by

__all__ = ["Explanation", "Reason", "enumerated", "when_and_where"]

_SHOWN: Final = 3


class Reason(StrEnum):
    """Why a task would run; the last three are why one would not."""

    NEVER = "never run"
    ARGUMENT = "an argument differs"
    NEEDED = "a dependency is not done"
    REMOVED = "its result was removed"
    FAILED = "failed before"
    ENDED = "was cut short"
    CHOSEN = "is chosen"
    CODE = "its code has changed"
    MADE_FROM = "made from it"
    HELD = "is being run"
    KEPT = "failed for good"
    BLOCKED = "can't run"

    @property
    def head(self) -> str:
        """What stands over the column of a table."""
        return _HEADS[self]

    @property
    def would_run(self) -> bool:
        """Whether a run that begins now would run such a task."""
        return self is not Reason.HELD and not self.is_final

    @property
    def is_final(self) -> bool:
        """Whether nothing that needs such a task would run, however long one waits."""
        return self in (Reason.KEPT, Reason.BLOCKED)


_HEADS: Final = {
    Reason.NEVER: "Never run",
    Reason.ARGUMENT: "Argument",
    Reason.NEEDED: "Dependency",
    Reason.REMOVED: "Removed",
    Reason.FAILED: "Failed",
    Reason.ENDED: "Cut short",
    Reason.CHOSEN: "Chosen",
    Reason.CODE: "Stale",
    Reason.MADE_FROM: "Made from it",
    Reason.HELD: "Held",
    Reason.KEPT: "Failed for good",
    Reason.BLOCKED: "Can't run",
}


@dataclass(frozen=True)
class Explanation:
    """Why one task would run, or would not."""

    task: Task[Any]
    reason: Reason
    run: Run | None = None
    """The run that is the reason: the last of this task, or the nearest of its name."""
    nearest: str = ""
    """The call that the nearest run was of, where it was another one."""
    which: str = ""
    """Which of the earlier runs that is, in words."""
    differences: Sequence[Difference] = ()
    """In which arguments it differs from that."""
    needed: Mapping[Task[Any], Reason | None] = field(default_factory=dict)
    """What it waits for, or can't have, and why that is not done if it is known."""
    holder: Worker | None = None
    """Who runs it."""

    def detail(self, places: Places) -> str:
        """Return the particulars in one sentence, empty if there are none."""
        if self.reason in _ABOUT_OTHERS:
            return f"{_ABOUT_OTHERS[self.reason]} {_calls(self.needed)}"
        if self.reason is Reason.HELD and self.holder is not None:
            return f"by {held_by(self.holder, self.task.digest)}"
        if self.run is None:
            return ""
        if self.reason in (Reason.NEVER, Reason.ARGUMENT):
            return self._compared(self.run, places)
        when = when_and_where(self.run, places)
        return f"{_what_became(self.run)}, {when}" + _ADVICE.get(self.reason, "")

    def _compared(self, run: Run, places: Places) -> str:
        when = when_and_where(run, places)
        if not self.nearest:
            return f"the arguments of earlier runs were not noted; the last was {when}"
        nearest = f"{self.which} is {self.nearest} {when}"
        if self.reason is Reason.NEVER:
            return nearest
        if not self.differences:
            return f"{self._unseen_difference()}; {nearest}"
        return f"{enumerated([_changed(one) for one in self.differences])}; {nearest}"

    def _unseen_difference(self) -> str:
        """Return what may differ where all arguments look alike."""
        unseen = "what differs is not shown in short"
        version = self.task.options.version
        return f"its version is {version!r}, or {unseen}" if version else unseen

    def as_dict(self, places: Places) -> dict[str, Any]:
        """Return what is known, for ``--json``."""
        about: dict[str, Any] = {
            "hash": self.task.digest.hex(),
            "call": call_form(self.task),
            "name": self.task.name,
            "reason": self.reason.value,
            "would_run": self.reason.would_run,
            "detail": self.detail(places),
        }
        if self.differences:
            about["differences"] = [one._asdict() for one in self.differences]
        if self.needed:
            about["needs"] = [task.digest.hex() for task in self.needed]
        if self.run is not None:
            about["run"] = {
                "hash": self.run.digest.hex(),
                "state": self.run.state.value,
                "call": self.nearest or about["call"],
                "end": self.run.record.end,
                "exception": self.run.record.exception or None,
                **places.of(self.run.record.worker).as_dict(),
            }
        if self.holder is not None:
            about["holder"] = self.holder.as_holder(self.task.digest)
        return about


_ABOUT_OTHERS: Final = {
    Reason.NEEDED: "it needs",
    Reason.MADE_FROM: "it needs",
    Reason.BLOCKED: "it needs what would not run:",
}

_ADVICE: Final = {Reason.KEPT: "; `jug cleanup --failed-only` lets it be tried again"}


def enumerated(texts: Sequence[str], shown: int = _SHOWN) -> str:
    """Return the first few of some texts, and how many more there are.

    >>> enumerated(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    listed = ", ".join(texts[:shown])
    return f"{listed} and {len(texts) - shown} more" if len(texts) > shown else listed


def _calls(needed: Mapping[Task[Any], Reason | None]) -> str:
    """Return the first few tasks as calls, with why they are not done."""
    reasons = set(needed.values())
    common = f" ({reason.value})" if len(reasons) == 1 and (reason := reasons.pop()) else ""
    shown = dict(islice(needed.items(), _SHOWN))
    calls = [
        f"{call} ({reason.value})" if reason and not common else call
        for call, reason in zip(call_forms([*shown]), shown.values(), strict=True)
    ]
    return enumerated([*calls, *[""] * (len(needed) - _SHOWN)]) + common


def _changed(one: Difference) -> str:
    argument = f"argument {one.argument}" if one.argument.isdigit() else one.argument
    if not one.now:
        return f"{argument} is not given, was {one.before}"
    return f"{argument} is {one.now}, was {one.before or 'not given'}"


def _what_became(run: Run) -> str:
    record = run.record
    if run.state is RunState.OTHER:
        return "what became of it is said in words of a later version of jug"
    if run.state in (RunState.FAILED, RunState.RETRIED):
        return escaped(record.exception) or "it failed"
    if run.state in (RunState.FINISHED, RunState.ADOPTED, RunState.DISCARDED):
        return "it had finished"
    return (
        f"{run.state.value} ({escaped(record.exception)})" if record.exception else run.state.value
    )


def when_and_where(run: Run, places: Places) -> str:
    """Return how long ago a run ended, and which process ran it."""
    ago = duration(time.time() - run.record.end)
    return f"{ago} ago on {places.of(run.record.worker)}"
