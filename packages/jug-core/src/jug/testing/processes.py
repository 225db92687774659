"""What is promised between processes, of a store that several can open."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

import pytest

from jug.backends.base import BaseStore, Lease, Outcome
from jug.backends.registry import open_store
from jug.testing.hooks import A, B, C, Opener, StoreHooks, digests, polled, result, taken
from jug.testing.leases import RACED, race

Job = Callable[[BaseStore, Connection], None]


class ProcessContract(StoreHooks):
    """Several processes share the store; one that is killed leaves nothing locked."""

    @pytest.fixture
    def shared(self, opener: Opener) -> Opener:
        """Return the opener, if other processes can use it."""
        if not self.processes:
            pytest.skip("one process alone can use this store")
        return opener

    def test_the_url_opens_the_same_store(self, shared: Opener, store: BaseStore) -> None:
        store.put(result(A, "by its URL"))
        store.flush()

        with open_store(store.url) as again:
            again.poll()
            assert again.load_digest(A) == "by its URL"

    def test_what_a_process_saves_is_seen_by_others(self, shared: Opener, store: BaseStore) -> None:
        with running(shared, save_b) as (_, pipe):
            pipe.send("go")
            assert pipe.recv() == "saved"

            assert polled(store, [B]) == [True]
            assert store.load_digest(B) == "of another process"

    def test_processes_that_race_get_each_lease_once(
        self, shared: Opener, store: BaseStore
    ) -> None:
        with running(shared, race_by_pipe) as (_, one), running(shared, race_by_pipe) as (_, two):
            one.send("go")
            two.send("go")
            first, second = one.recv(), two.recv()

        assert sorted(first + second) == sorted(digests(RACED))
        assert all(polled(store, digests(RACED)))
        assert store.holders() == {}

    def test_the_lease_of_a_process_that_lives_is_respected(
        self, shared: Opener, store: BaseStore
    ) -> None:
        with running(shared, hold_a) as (process, pipe):
            pipe.send("go")
            assert pipe.recv() == "held"

            assert taken(store, A, B).digest == B
            holder = store.holders()[A]
            assert holder.alive
            assert holder.process is None or holder.process.pid == process.pid

    def test_the_lease_of_a_killed_process_is_taken_over_by_one(
        self, shared: Opener, store: BaseStore, other: BaseStore
    ) -> None:
        self.kill_a_holder(shared)

        lease = self.taken_over(store)

        assert other.acquire([A]) is None
        assert store.commit(lease, result(A, "rescued")) is Outcome.SAVED
        assert polled(other, [A]) == [True]
        assert store.holders() == {}

    def test_the_death_of_a_holder_ends_a_wait(self, shared: Opener, store: BaseStore) -> None:
        with running(shared, hold_a) as (process, pipe):
            pipe.send("go")
            assert pipe.recv() == "held"
            assert store.acquire([A]) is None
            kill(process)

            started = monotonic()
            with store.reader() as changes:
                store.wait(changes, 60)

        assert monotonic() - started < self.takes_over_within

    def test_tidy_removes_what_the_dead_left_behind(self, shared: Opener, store: BaseStore) -> None:
        self.kill_a_holder(shared)

        until = monotonic() + self.takes_over_within
        with store.reader() as changes:
            while store.holders() and monotonic() < until:
                store.tidy()
                store.wait(changes, 0.05)

        assert store.holders() == {}
        assert polled(store, [A, C]) == [False, True]

    def kill_a_holder(self, opener: Opener) -> None:
        """Kill a process that holds the lease of A and has saved C."""
        with running(opener, hold_a) as (process, pipe):
            pipe.send("go")
            assert pipe.recv() == "held"
            kill(process)

    def taken_over(self, store: BaseStore) -> Lease:
        """Return the lease of A once its holder was found dead."""
        until = monotonic() + self.takes_over_within
        with store.reader() as changes:
            while (lease := store.acquire([A])) is None:
                assert monotonic() < until, "a dead worker's lease was not taken over in time"
                store.wait(changes, 0.05)
        return lease


def save_b(store: BaseStore, pipe: Connection) -> None:
    """Save a result, and live until the pipe is closed."""
    store.commit(taken(store, B), result(B, "of another process"))
    store.flush()
    pipe.send("saved")
    pipe.recv()


def hold_a(store: BaseStore, pipe: Connection) -> None:
    """Save one task, take another, and run it for as long as the pipe is open."""
    store.commit(taken(store, C), result(C))
    store.flush()
    taken(store, A)
    pipe.send("held")
    pipe.recv()


def race_by_pipe(store: BaseStore, pipe: Connection) -> None:
    """Finish tasks until there are none, and send which were given."""
    pipe.send(race(store, lambda: None))
    pipe.recv()


@cache
def start_method() -> Any:
    """Return how processes are started: not by a plain fork, which takes connections along."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@contextmanager
def running(opener: Opener, job: Job) -> Iterator[tuple[Any, Connection]]:
    """Run a job in another process, which begins when it is sent something."""
    context = start_method()
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(opener, job, theirs))
    process.start()
    theirs.close()
    try:
        assert ours.recv() == "ready"
        yield process, ours
    finally:
        ours.close()
        process.join()
        process.close()


def kill(process: Any) -> None:
    """Kill a process and wait until it is gone."""
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def _run(opener: Opener, job: Job, pipe: Connection) -> None:
    with opener() as store:
        pipe.send("ready")
        try:
            pipe.recv()
            job(store, pipe)
        except EOFError:
            pass  # the test is over
