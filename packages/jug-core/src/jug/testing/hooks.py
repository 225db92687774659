"""What the tests of a store are told about it, and what they are made with."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import blake2b
from typing import Any, ClassVar

import pytest

from jug import codec, records
from jug.backends.base import BaseStore, Changes, Frame, Kind, Lease, Reader
from jug.records import Record

Opener = Callable[[], BaseStore]


class StoreHooks:
    """How a store is opened, what it can do, and how to look behind its back."""

    processes: ClassVar[bool] = False
    """Whether other processes can open the store, by the pickled opener."""

    wakes_within: ClassVar[float] = 1.0
    """How many seconds after a change `wait` has returned at the latest."""

    takes_over_within: ClassVar[float] = 5.0
    """How many seconds after a process was killed its leases are free at the latest."""

    @pytest.fixture
    def opener(self) -> Opener:
        """Return a function that opens one more view of the store, which is empty at first."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture named opener")

    def raw_contains(self, store: BaseStore, data: bytes) -> bool:
        """Return whether the bytes of an encoded result lie where the store keeps results."""
        raise NotImplementedError(f"{type(self).__name__} needs a method raw_contains")

    def damage(self, store: BaseStore, digest: bytes) -> None:
        """Flip a bit in the encoded result of a digest, where the store keeps it."""
        raise NotImplementedError(f"{type(self).__name__} needs a method damage")

    def refuse_writes(self, store: BaseStore) -> AbstractContextManager[None]:
        """Return a context in which nothing can be written to where the store keeps results."""
        pytest.skip("no way is given to make writing fail (refuse_writes)")

    @pytest.fixture
    def store(self, opener: Opener) -> Iterator[BaseStore]:
        """Open the store."""
        with opener() as store:
            yield store

    @pytest.fixture
    def other(self, opener: Opener, store: BaseStore) -> Iterator[BaseStore]:
        """Open the same store once more."""
        with opener() as other:
            yield other

    @pytest.fixture
    def changes(self, other: BaseStore) -> Iterator[Reader]:
        """Follow what changes, by the other view."""
        with other.reader() as changes:
            yield changes

    @contextmanager
    def worker_order(self, ranks: Sequence[int]) -> Iterator[None]:
        """Make the workers that begin in the block sort by these ranks, one after another.

        For a store in which it depends on the workers in which order others read what
        they wrote, or whose result counts.  In others nothing need be done.
        """
        yield


def digests(count: int) -> list[bytes]:
    """Return this number of digests, the same at each call."""
    return [blake2b(b"%d" % number, digest_size=20).digest() for number in range(count)]


A, B, C, D = digests(4)


def result(digest: bytes, value: Any = 1, **about: Any) -> Frame:
    """Return the frame of a result."""
    payload = codec.encode(value)
    record = Record(**{"name": "m.f", "size": sum(map(len, payload)), **about})
    return Frame(Kind.RESULT, digest, records.pack(record), payload)


def failure(digest: bytes, kept: bool = False, exception: str = "ValueError: no") -> Frame:
    """Return the frame of a failure."""
    record = records.pack(Record("m.f", exception=exception))
    return Frame(Kind.KEPT if kept else Kind.FAILURE, digest, record)


def taken(store: BaseStore, *candidates: bytes) -> Lease:
    """Return a lease, which must be free."""
    lease = store.acquire(candidates)
    assert lease is not None, "a free lease was not given"
    return lease


def polled(store: BaseStore, candidates: Sequence[bytes]) -> list[bool]:
    """Return which results are there, after reading what others did."""
    store.poll()
    return store.exists(candidates)


def told(changes: Changes) -> tuple[set[bytes], set[bytes], set[bytes]]:
    """Return the digests of each kind (finished, failed, removed), none of which is there twice."""
    kinds = (changes.finished, changes.failed, changes.removed)
    assert [len(kind) for kind in kinds] == [len(set(kind)) for kind in kinds]
    return set(kinds[0]), set(kinds[1]), set(kinds[2])


def in_fork(function: Callable[[], None]) -> int:
    """Return the exit status of a forked process that calls the function."""
    with warnings.catch_warnings():
        # Python warns of threads, also of those that numpy leaves behind; none holds a lock here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            function()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
