"""Asking again and again, and seeing when that is of no use any more.

Jobs that die as they begin, as a module is missing on the nodes, would be asked for for ever;
so there must be something done by those of last time before more are asked for.
"""

from __future__ import annotations

from jug.batch.submission import Submission
from jug.wording import counted

__all__ = ["Watch"]


class Watch:
    """What was seen of earlier rounds."""

    def __init__(self) -> None:
        self._last: frozenset[bytes] | None = None
        """What was left when jobs were last asked for."""

    def may_ask(self, submission: Submission) -> bool:
        """Return whether to ask now, and if so note it; not blindly, but for the first time."""
        if submission.trouble and self._last is not None:
            return False
        if submission.jobs or self._last is None:
            self._last = _digests(submission)
        return True

    def why_not_again(self, submission: Submission) -> str:
        """Return why nothing more can be done by asking, empty if something can."""
        left = submission.left
        if self._last is None or submission.trouble or submission.there:
            return ""
        if left.tasks and left.hopeless == len(left.tasks):
            tasks = counted(left.hopeless, "task")
            return f"{tasks} failed, or had to wait for one that did: `jug failures` shows why"
        if _digests(submission) == self._last:
            return f"the jobs are over, and no task was done: their logs are in {submission.folder}"
        return ""


def _digests(submission: Submission) -> frozenset[bytes]:
    return frozenset(task.digest for task in submission.left.tasks)
