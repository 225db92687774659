"""Which result of the old store is whose, and saving it in the new one.

Two tasks of today that had one hash in jug 2.x had one result there, of whichever ran
first.  Such tasks are *ambiguous*: nobody can tell whose result it is, so they and all
that is made from them are refused, unless the user takes them.  Whether there is such a
pair is known for certain only when the jugfile was read to its end.  But a jugfile may
need results to be read that far.  So each task is *surveyed*, to note its hash, as early
as it can be, and results are brought over when they are asked for; where a pair shows up
later, what was brought over for it is removed again and the jugfile is read once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from jug import codec, records
from jug.adopt.contents import Unreadable
from jug.adopt.hashing import FormerHashes
from jug.adopt.stores import FormerStore
from jug.adopt.versions import dialects
from jug.backends.base import BaseStore, Frame, Kind
from jug.errors import EncodeError
from jug.progress import Display
from jug.progress.counting import shown
from jug.records import Record
from jug.task import Task, alltasks
from jug.task.short_form import call_form

_ACCEPTED: Final = " (ambiguous)"


class State(Enum):
    """What became of a task, by the name that it has in JSON."""

    ADOPTED = "adopted"
    """Its result was brought over, or in a trial would be."""
    THERE = "already"
    """The new store has a result of it already."""
    MISSING = "not there"
    """The old store has none."""
    REFUSED = "refused"
    """The old store has one, which was not taken, or a worker that makes it just now."""


@dataclass(frozen=True)
class Seen:
    """What became of a task, and why."""

    name: str
    state: State
    task: str = ""
    """The call that was refused, in short."""
    why: str = ""
    """Why it was refused."""
    is_ambiguous: bool = False
    """Whether it was refused since the result may be another task's."""


@dataclass(frozen=True)
class Choices:
    """What the user chose."""

    accepts_ambiguous: bool = False
    is_trial: bool = False
    """Nothing is read of a result but that it is there, and nothing is written."""
    version: str | None = None
    """Of jug 2.x, None for any."""


class Adoption:
    """Brings the results of one old store over, task by task."""

    def __init__(self, former: FormerStore, choices: Choices = Choices()) -> None:
        self.seen: dict[bytes, Seen] = {}
        """What became of each task, by its digest."""
        self._former = former
        self._choices = choices
        self._hashes = [FormerHashes(dialect) for dialect in dialects(choices.version)]
        self._owners: dict[bytes, Task[Any]] = {}
        """The first task that each hash of jug 2.x was met for."""
        self._claimed: set[bytes] = set()
        """The hashes of results in the old store that are some task's."""
        self._ambiguous: dict[bytes, str] = {}
        """The digests of ambiguous tasks, with the reason."""
        self._surveyed: set[int] = set()
        """The ids of tasks that were surveyed; `FormerHashes` keep them alive."""
        self._made = 0
        """How many of `alltasks` were surveyed."""

    @property
    def unclaimed(self) -> int:
        """How many results in the old store are no task's."""
        return len(self._former.hashes) - len(self._claimed)

    def read_again(self) -> None:
        """Note that the jugfile is read anew, and makes other task objects."""
        self._made = 0
        self._surveyed.clear()
        for hashes in self._hashes:
            hashes.forget()

    def bring(self, task: Task[Any]) -> None:
        """Save a task's result in its store, if the old one has it and it is certainly its own."""
        self._survey_new()
        self._survey(task)
        self._adopt(task)

    def bring_all(self, tasks: Sequence[Task[Any]], display: Display | None = None) -> None:
        """Bring the results of all tasks, each of which stands behind what it is made from."""
        for task in shown(tasks, display, "hashes"):
            self._survey(task)
        for task in tasks:  # only now all that share a hash are known
            self._survey_inputs(task)
        for task in shown(tasks, display, "tasks"):
            if task.store.has(task.digest):
                self._note(task, State.THERE)
            else:
                self._adopt(task)

    def take_back(self, store: BaseStore, tasks: Sequence[Task[Any]]) -> bool:
        """Remove what was brought over and turned out to be ambiguous; return whether any was.

        With it goes what was made from it since.  A result stays that was accepted, or
        computed in the new store from others.
        """
        if self._choices.accepts_ambiguous or self._choices.is_trial:
            return False
        wrong = {digest for digest in self._ambiguous if _is_brought(store, digest)}
        for task in tasks if wrong else ():
            if any(one.digest in wrong for one in task.dependencies()):
                wrong.add(task.digest)
        store.discard(wrong)
        for digest in wrong:
            self.seen.pop(digest, None)
        return bool(wrong)

    # Hashes

    def _survey_new(self) -> None:
        """Survey the tasks that the jugfile made since the last time."""
        self._made = min(self._made, len(alltasks))  # a compound task takes its call's place
        for task in alltasks[self._made :]:
            self._survey(task)
        self._made = len(alltasks)

    def _survey(self, task: Task[Any]) -> None:
        """Note a task's hashes; those that another task has too make both ambiguous."""
        if id(task) in self._surveyed:
            return
        self._surveyed.add(id(task))
        hashes = list(self._each_hash(task))
        known = [hash for hash in hashes if hash in self._former.hashes]
        self._claimed.update(known)
        for hash in known or hashes[:1]:  # of the other dialects the old store knows nothing
            owner = self._owners.setdefault(hash, task)
            if owner.digest != task.digest:
                self._mark(task, hash, owner)
                self._mark(owner, hash, task)
        self._survey_inputs(task)

    def _survey_inputs(self, task: Task[Any]) -> None:
        """Note a task as ambiguous if something is that it is made from."""
        for one in task.dependencies():
            if one.digest in self._ambiguous:
                why = f"it is made from {call_form(one)}, which jug 2.x can't tell apart"
                self._ambiguous.setdefault(task.digest, why)

    def _mark(self, task: Task[Any], hash: bytes, other: Task[Any]) -> None:
        """Note a task as ambiguous, if the hash that it shares is that of its result."""
        if self._found(task) in (hash, None):
            why = f"jug 2.x can't tell it from {call_form(other)}"
            self._ambiguous.setdefault(task.digest, why)

    def _found(self, task: Task[Any]) -> bytes | None:
        """Return the hash of the result that the old store has of a task, None if it has none."""
        return next((one for one in self._each_hash(task) if one in self._former.hashes), None)

    def _each_hash(self, task: Task[Any]) -> Iterator[bytes]:
        """Yield the hashes that a task had in the dialects, each once, the newest first."""
        hash, met = self._hashes[0].of_task(task)
        if hash is not None:
            yield hash
        if not met:
            return
        done = {self._hashes[0].dialect & met}
        for hashes in self._hashes[1:]:
            if hashes.dialect & met not in done:
                done.add(hashes.dialect & met)
                hash, _ = hashes.of_task(task)
                if hash is not None:
                    yield hash

    # Results

    def _adopt(self, task: Task[Any]) -> None:
        known = self.seen.get(task.digest)
        if known is not None and known.state is State.REFUSED:
            return
        hash = self._found(task)
        if hash is None:
            self._note_missing(task)
        elif task.digest in self._ambiguous and not self._choices.accepts_ambiguous:
            self._refuse(task, self._ambiguous[task.digest], is_ambiguous=True)
        elif self._choices.is_trial:
            self._note(task, State.ADOPTED)
        else:
            self._save(task, hash)

    def _note_missing(self, task: Task[Any]) -> None:
        locks = self._former.locks
        holder = next((locks[one] for one in self._each_hash(task) if one in locks), None)
        if holder is None:
            self._note(task, State.MISSING)
        else:
            self._refuse(task, f"jug 2.x is running it, or was when it died ({holder})")

    def _save(self, task: Task[Any], hash: bytes) -> None:
        try:
            found = self._former.read(hash)
            payload = codec.encode(found.value)
        except (Unreadable, EncodeError) as error:
            self._refuse(task, str(error))
            return
        size = sum(map(len, payload))
        record = Record(task.name, start=found.end, size=size, source=self._source(task))
        task.store.put(Frame(Kind.RESULT, task.digest, records.pack(record), payload))
        self._note(task, State.ADOPTED)

    def _source(self, task: Task[Any]) -> str:
        """Return what a record says of where its result is from."""
        return self._former.source + (_ACCEPTED if task.digest in self._ambiguous else "")

    def _note(self, task: Task[Any], state: State) -> None:
        known = self.seen.get(task.digest)
        if known is None or known.state is State.MISSING:
            self.seen[task.digest] = Seen(task.name, state)

    def _refuse(self, task: Task[Any], why: str, is_ambiguous: bool = False) -> None:
        call = call_form(task)
        self.seen[task.digest] = Seen(task.name, State.REFUSED, call, why, is_ambiguous)


def _is_brought(store: BaseStore, digest: bytes) -> bool:
    """Return whether a result was brought over, without the user having accepted it as it is."""
    record = store.record(digest) if store.has(digest) else None
    return record is not None and bool(record.source) and not record.source.endswith(_ACCEPTED)
