"""Several short tasks that one worker takes together, in a server.

One script gives their leases, which are like any others, and only the worker knows
which of them it runs.  It saves each as soon as it has run it, by a call that it does
not wait for (`Server.post`): what is sent is saved, also if the worker is killed then.
What became of all these calls it reads at the end, before it takes more.

A task that was thought to be short may take long, and then nobody else may have to wait
for those behind it.  The worker can't be asked, as it runs the task; its supervisor can,
which sees what it runs in memory that they share.  Here is how the two agree, with no word
between them and by one clock, that of their machine:

    The worker shows that it begins a task, then looks at the clock: if it has held
    the leases for longer than `LONGEST` (`jug.execution.short_tasks`), it does not begin.
    The supervisor looks at the clock, then which task is shown: if it was shown much
    longer ago than that, it gives the others back (`RedisHeartbeat.show`).

If the supervisor does not see a task that the worker has shown, then the worker looks
at the clock later than the supervisor did, and so too late to begin it.  So no other
worker runs what this one runs too, however long either of them was held up.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Final

from jug.backends._redis import scripts
from jug.backends._redis.access import Access
from jug.backends._redis.follower import Follower
from jug.backends._redis.leases import OUTCOMES, RedisLeases
from jug.backends.base import Frame, Lease, Outcome

_MARK: Final = "+"
"""At the end of the token of a lease that was taken with others."""


class Several:
    """The leases that one worker has taken together, and what it has saved under them."""

    def __init__(
        self, access: Access, follower: Follower, leases: RedisLeases, runs_kept: int
    ) -> None:
        self._access = access
        self._follower = follower
        self._leases = leases
        self._runs_kept = runs_kept
        self._token = ""
        self._cursor = b""
        """Up to which event the index was read when they were taken."""
        self._posted: list[tuple[Lease, Frame, Sequence[bytes]]] = []

    def acquire(self, candidates: Sequence[bytes]) -> list[Lease]:
        """Take those that are free and have no result."""
        self._follower.begin()
        server, index, leases = self._access.server, self._follower.index, self._leases
        self._token = token = leases.new_token() + _MARK
        reply = self._follower.take_in(
            server.run(
                scripts.TAKE_SEVERAL, index.cursor, leases.lease_ms, token, b"".join(candidates)
            )
        )
        given = [*compress(candidates, reply.rest)]
        leases.held.update(dict.fromkeys(given, token))
        since = index.news.clock
        if reply.is_behind:
            self._follower.poll()
        self._cursor = index.cursor
        return [Lease(digest, token, since, True) for digest in given]

    def save(self, lease: Lease, frame: Frame, inputs: Sequence[bytes]) -> Outcome | None:
        """Save a small frame without waiting for what becomes of it, another one as always."""
        entry, index = self._leases.entry_of(frame), self._follower.index
        if entry.chunks or index.news.is_stale((lease.digest, *inputs), lease.since):
            return self._leases.commit(lease, frame, inputs)
        words = (lease.digest, lease.token, index.removals, entry.pack(), self._runs_kept)
        self._access.server.post(scripts.SAVE, *words)
        self._posted.append((lease, frame, inputs))
        return None

    def end(self) -> dict[bytes, Outcome]:
        """Give back what is left; return what became of what was saved without waiting."""
        try:
            return self._outcomes()
        finally:
            held = self._leases.held
            left = [digest for digest, token in held.items() if token == self._token]
            if left:
                self._access.server.run(scripts.END_SEVERAL, self._token, *left)
                for digest in left:
                    del held[digest]

    def _outcomes(self) -> dict[bytes, Outcome]:
        posted, self._posted = self._posted, []
        found = {}
        for (lease, frame, inputs), done in zip(
            posted, self._access.server.posted_answers(), strict=True
        ):
            self._leases.note_ended(done, lease.digest, lease.token)
            found[lease.digest] = OUTCOMES.get(done) or self._leases.commit(lease, frame, inputs)
            if done == scripts.SAVED and not self._has_read():
                self._follower.index.note(frame.kind, lease.digest)
        if posted and self._has_read():
            self._heed_removals(found)
        return found

    def _has_read(self) -> bool:
        """Return whether news were read since, with which also came what was saved here."""
        return self._follower.index.cursor != self._cursor

    def _heed_removals(self, found: dict[bytes, Outcome]) -> None:
        """Note what was saved and then removed, of which nobody was told that it was there."""
        self._follower.poll()
        index = self._follower.index
        for digest, outcome in found.items():
            if outcome is Outcome.SAVED and not index.has(digest):
                found[digest] = Outcome.STALE

    def forget(self) -> None:
        """Leave them to the parent of this process."""
        self._posted.clear()
