"""What is promised of news: being told what changed, waiting for it, and what it makes stale."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import permutations, product
from threading import Event
from time import monotonic, sleep

import pytest

from jug.backends.base import BaseStore, Changes, Outcome, Reader
from jug.testing.hooks import A, B, C, D, Opener, StoreHooks, digests, failure, result, taken, told

TRIES = 5
"""Of so many one must be in time: a busy machine may stop a process for half a second."""


class NewsContract(StoreHooks):
    """Each change is told once to each reader, and who waits for one is woken."""

    def test_each_kind_of_change_is_told_once(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        store.put(result(A))
        store.put(failure(B))
        assert told(other.refresh(changes)) == ({A}, {B}, set())
        assert not other.refresh(changes)
        assert not changes.take()

        store.discard([A, B])
        assert told(other.refresh(changes)) == (set(), set(), {A, B})
        assert not other.refresh(changes)

    def test_each_view_is_told_of_each_change(
        self, store: BaseStore, other: BaseStore, changes: Reader, opener: Opener
    ) -> None:
        with opener() as third, store.reader() as mine, third.reader() as theirs:
            store.commit(taken(store, A), result(A))
            other.commit(taken(other, B), result(B))

            assert A in other.refresh(changes).finished
            assert B in store.refresh(mine).finished
            assert third.refresh(theirs).finished.count(A) == 1

    def test_a_task_that_is_done_after_it_failed_is_told(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        store.put(failure(A))
        other.refresh(changes)

        store.commit(taken(store, A), result(A))

        assert told(other.refresh(changes)) == ({A}, set(), set())

    def test_each_further_failure_is_told(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        store.put(failure(A))
        assert told(other.refresh(changes)) == (set(), {A}, set())

        store.put(failure(A, kept=True))
        assert told(other.refresh(changes)) == (set(), {A}, set())

    def test_what_was_polled_is_there_until_it_is_taken(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        store.put(result(A))
        other.poll()
        store.put(result(B))
        other.poll()

        assert told(changes.take()) == ({A, B}, set(), set())
        assert not changes.take()

    def test_asking_of_tasks_polls_and_keeps_none_that_are_not_done(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        store.put(result(A))
        store.put(failure(B))

        assert other.exists_after_poll([A, B, C]) == [True, False, False]
        assert (list(other.digests()), [*other.failures()]) == ([A], [B])
        assert told(changes.take()) == ({A}, {B}, set())

        store.put(result(C))
        assert other.exists_after_poll([C, D]) == [True, False]

    def test_taking_a_lease_polls(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        store.put(result(A))

        lease = taken(other, B)

        assert other.has(A)
        assert A in changes.take().finished
        other.release(lease)

    def test_committing_polls(self, store: BaseStore, other: BaseStore, changes: Reader) -> None:
        lease = taken(other, B)
        store.put(result(A))

        other.commit(lease, result(B))

        assert other.has(A)
        assert A in changes.take().finished

    # Several readers of one store object

    def test_what_one_reader_takes_stays_for_another(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        with other.reader() as second:
            store.put(result(A))

            assert told(other.wait(second, 30)) == ({A}, set(), set())
            assert told(other.refresh(changes)) == ({A}, set(), set())

    def test_a_reader_is_told_of_what_was_done_through_its_own_store_object(
        self, other: BaseStore, changes: Reader
    ) -> None:
        other.commit(taken(other, A), result(A))
        other.put(failure(B))
        assert told(changes.take()) == ({A}, {B}, set())

        other.discard([A, B])
        assert told(changes.take()) == (set(), set(), {A, B})

    def test_a_reader_is_told_of_nothing_that_was_there_before_it_nor_after_it_closed(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        other.poll()
        with other.reader() as changes:
            assert not other.refresh(changes)
        store.put(result(B))
        other.poll()

        assert not changes.take()

    # Removed and made anew

    def test_a_result_made_anew_between_two_readings_is_told_as_removed_and_as_finished(
        self, store: BaseStore, other: BaseStore, changes: Reader, opener: Opener
    ) -> None:
        store.put(result(A, "old"))
        other.refresh(changes)

        store.discard([A])
        with opener() as third:
            third.commit(taken(third, A), result(A, "new"))

        assert told(other.refresh(changes)) == ({A}, set(), {A})
        assert other.load_digest(A) == "new"

    @pytest.mark.parametrize("polls", list(product([False, True], repeat=2)), ids=str)
    @pytest.mark.parametrize("ranks", list(permutations(range(4))), ids=str)
    def test_what_was_made_from_a_replaced_result_is_stale_in_whatever_order_that_is_read(
        self, opener: Opener, ranks: tuple[int, ...], polls: tuple[bool, bool]
    ) -> None:
        with ExitStack() as views, self.worker_order(ranks):
            store, worker, remover, maker = [views.enter_context(opener()) for _ in range(4)]
            store.put(result(A, "old"))
            lease = taken(worker, B)
            changes = views.enter_context(worker.reader())
            assert worker.load_digest(A) == "old"

            remover.discard([A])
            if polls[0]:
                worker.poll()
            maker.commit(taken(maker, A), result(A, "new"))
            if polls[1]:
                worker.poll()

            assert worker.commit(lease, result(B, "from old"), [A]) is Outcome.STALE
            news = changes.take()
            assert (news.finished, news.failed, news.removed) == ([A], [], [A])
            for view in (store, worker, remover, maker):
                view.poll()
                assert not view.has(B)
                assert view.load_digest(A) == "new"

            again = taken(worker, B)
            assert worker.commit(again, result(B, "from new"), [A]) is Outcome.SAVED

    def test_who_discards_the_task_that_it_runs_does_not_save_it(self, store: BaseStore) -> None:
        lease = taken(store, A)
        store.discard([A])

        assert store.commit(lease, result(A)) is Outcome.STALE
        assert store.commit(taken(store, A), result(A)) is Outcome.SAVED

    @pytest.mark.parametrize("polls", list(product([False, True], repeat=2)), ids=str)
    @pytest.mark.parametrize("ranks", list(permutations(range(3))), ids=str)
    def test_a_task_that_was_discarded_and_made_anew_while_it_ran_is_stale(
        self, opener: Opener, ranks: tuple[int, ...], polls: tuple[bool, bool]
    ) -> None:
        with ExitStack() as views, self.worker_order(ranks):
            worker, remover, maker = [views.enter_context(opener()) for _ in range(3)]
            lease = taken(worker, A)

            remover.discard([A])
            if polls[0]:
                worker.poll()
            maker.break_leases([A])
            maker.commit(taken(maker, A), result(A, "new"))
            if polls[1]:
                worker.poll()

            assert worker.commit(lease, result(A, "old")) is Outcome.STALE
            for view in (worker, remover, maker):
                view.poll()
                assert view.load_digest(A) == "new"

    # Waiting

    @pytest.mark.parametrize("kind", ["finished", "failed", "removed"])
    def test_who_waits_is_woken_by_a_change(
        self, store: BaseStore, other: BaseStore, changes: Reader, kind: str
    ) -> None:
        make: dict[str, Callable[[bytes], object]] = {
            "finished": lambda digest: store.commit(taken(store, digest), result(digest)),
            "failed": lambda digest: store.put(failure(digest)),
            "removed": lambda digest: store.discard([digest]),
        }

        def delay(digest: bytes) -> float:
            if kind == "removed":
                store.put(result(digest))
            other.refresh(changes)
            found, seconds = self.woken(other, changes, lambda: make[kind](digest), until=bool)
            assert getattr(found, kind) == [digest]
            assert not other.refresh(changes)
            return seconds

        assert any(delay(digest) < self.wakes_within for digest in digests(TRIES))

    @pytest.mark.parametrize("how", ["released", "broken", "closed"])
    def test_who_waits_is_woken_by_a_lease_that_ends(
        self, opener: Opener, other: BaseStore, changes: Reader, how: str
    ) -> None:
        def delay(digest: bytes) -> float:
            ends = Event()
            with opener() as store:
                lease = taken(store, digest)
                assert other.acquire([digest]) is None
                end: dict[str, Callable[[], object]] = {
                    "released": lambda: store.release(lease),
                    "broken": lambda: store.break_leases([digest]),
                    "closed": store.close,
                }

                def cause() -> None:
                    ends.set()
                    end[how]()

                _, seconds = self.woken(other, changes, cause, until=lambda _: ends.is_set())
            taken(other, digest)
            return seconds

        assert any(delay(digest) < self.wakes_within for digest in digests(TRIES))

    def test_a_change_before_the_wait_is_not_missed(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        assert not other.refresh(changes)

        def delay(digest: bytes) -> float:
            store.put(result(digest))
            found, seconds = timed_wait(other, changes, 30)
            assert found.finished == [digest]
            return seconds

        assert any(delay(digest) < self.wakes_within for digest in digests(TRIES))

    def test_a_change_that_was_polled_before_the_wait_is_not_missed(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        def delay(digest: bytes) -> float:
            store.put(result(digest))
            other.poll()
            found, seconds = timed_wait(other, changes, 30)
            assert found.finished == [digest]
            return seconds

        assert any(delay(digest) < self.wakes_within for digest in digests(TRIES))

    def test_a_lease_that_ended_before_the_wait_is_not_missed(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        def delay(digest: bytes) -> float:
            lease = taken(store, digest)
            assert other.acquire([digest]) is None
            store.release(lease)
            return timed_wait(other, changes, 30)[1]

        assert any(delay(digest) < self.wakes_within for digest in digests(TRIES))

    def test_a_wait_without_a_change_ends_after_its_time(
        self, store: BaseStore, other: BaseStore, changes: Reader
    ) -> None:
        store.put(result(A))
        other.refresh(changes)

        def seconds() -> float:
            found, seconds = timed_wait(other, changes, 0.1)
            assert not found
            assert seconds > 0.09
            return seconds

        assert any(seconds() < 0.1 + self.wakes_within for _ in range(TRIES))
        assert not other.wait(changes, 0)

    def woken(
        self,
        waiting: BaseStore,
        changes: Reader,
        cause: Callable[[], object],
        until: Callable[[Changes], bool],
    ) -> tuple[Changes, float]:
        """Return what a thread was told that waits already when the cause happens, and how late."""
        waits = Event()

        def wait() -> tuple[Changes, float]:
            waits.set()
            while not until(found := waiting.wait(changes, 30)):
                pass  # the end of a lease may wake it before the result does
            return found, monotonic()

        with ThreadPoolExecutor(1) as threads:
            woken = threads.submit(wait)
            waits.wait()
            # Lets the thread fall asleep; if it does not, the test passes by the shorter way.
            sleep(0.05)
            cause()
            happened = monotonic()
            found, at = woken.result()
        return found, at - happened


def timed_wait(store: BaseStore, changes: Reader, seconds: float) -> tuple[Changes, float]:
    """Wait for a change; return what was told, and after how many seconds."""
    started = monotonic()
    found = store.wait(changes, seconds)
    return found, monotonic() - started
