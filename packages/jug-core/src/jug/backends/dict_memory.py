"""What the views of a `dict_store` share: results, other runs, workers, code, leases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Condition
from typing import NamedTuple, Self

from jug import records
from jug.backends.base import Lease
from jug.backends.dict_file import DictFile, Saved
from jug.backends.news import News, TaskState
from jug.backends.worker_record import WorkerRecord
from jug.errors import ResultNotFound
from jug.records import Run, RunState

__all__ = ["KeptFailure", "KeptResult", "Memory", "Taken"]


class Taken(NamedTuple):
    """The token of a lease: who has taken it, and when."""

    worker: str
    since: float


# Two of these are never equal, so each can stand for its own identity in a `TaskState`.


@dataclass(slots=True, eq=False)
class KeptResult:
    """A result, encoded, with the packed record of its run."""

    record: bytes
    encoded: bytes
    worker: str = ""


@dataclass(slots=True, eq=False)
class KeptFailure:
    """A failure, by the packed record of its run."""

    record: bytes
    kept: bool
    worker: str = ""


@dataclass(slots=True, eq=False)
class Memory:
    """What the views of one store share."""

    changed: Condition = field(default_factory=Condition)
    news: News = field(default_factory=News)
    results: dict[bytes, KeptResult] = field(default_factory=dict)
    failures: dict[bytes, KeptFailure] = field(default_factory=dict)
    runs: dict[bytes, list[tuple[bytes, str]]] = field(default_factory=dict)
    """The last other runs of a task: their records and their workers."""
    workers: dict[str, WorkerRecord] = field(default_factory=dict)
    code: dict[bytes, bytes] = field(default_factory=dict)
    """The code that made the results, in pieces."""
    leases: dict[bytes, Lease] = field(default_factory=dict)
    released: int = 0
    """How many leases ended so far."""
    runs_kept: int = 0
    file: DictFile | None = None
    unsaved: bool = False

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None, runs_kept: int) -> Self:
        """Return a new memory, with what a file has saved if one is named."""
        memory = cls(runs_kept=runs_kept)
        if path is not None:
            memory.file = DictFile(path)
            saved = memory.file.load()
            memory.results = {key: KeptResult(*one) for key, one in saved.results.items()}
            memory.failures = {key: KeptFailure(*one) for key, one in saved.failures.items()}
            memory.runs = {key: list(runs) for key, runs in saved.runs.items()}
            memory.workers = {
                key: WorkerRecord.unpack(key, packed) for key, packed in saved.workers.items()
            }
            memory.code = dict(saved.code)
        return memory

    def result(self, digest: bytes, url: str) -> KeptResult:
        """Return the result of a task, which must be there."""
        try:
            return self.results[digest]
        except KeyError:
            raise ResultNotFound(
                f"the result of {digest.hex()} is not in {url}: run its task first", digest=digest
            ) from None

    def remember(self, digest: bytes, state: RunState, record: bytes, worker: str) -> None:
        """Keep a run that does not count."""
        earlier = self.runs.setdefault(digest, [])
        earlier.append((records.with_state(record, state), worker))
        del earlier[: -self.runs_kept or len(earlier)]

    def each_run(self) -> Iterator[Run]:
        """Yield every run that is kept, but those whose records are damaged."""
        for digest, result in self.results.items():
            yield from records.run_if_sound(digest, RunState.FINISHED, result.record, result.worker)
        for digest, failure in self.failures.items():
            yield from records.run_if_sound(digest, RunState.FAILED, failure.record, failure.worker)
        for digest, earlier in self.runs.items():
            for packed, worker in earlier:
                yield from records.run_if_sound(digest, None, packed, worker)

    def saved(self) -> Saved:
        """Return what goes to the file."""
        return Saved(
            {key: (one.record, one.encoded, one.worker) for key, one in self.results.items()},
            {key: (one.record, one.kept, one.worker) for key, one in self.failures.items()},
            self.runs,
            {key: worker.pack() for key, worker in self.workers.items()},
            self.code,
        )

    def state(self, digest: bytes) -> TaskState:
        """Return what is known of a task."""
        failure = self.failures.get(digest)
        failures = frozenset() if failure is None else frozenset([failure])
        return TaskState(self.results.get(digest), failures)
