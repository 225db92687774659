"""What is promised of learning what others did, and of waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import pytest

from jug.backends.base import BaseStore, Changes
from jug.testing._store_hooks import A, B, C, D, Opener, StoreHooks, failure, result, taken


class NewsContract(StoreHooks):
    """Each change is handed out once to each view, and who waits for one is woken."""

    def test_each_kind_of_change_is_told_once(self, store: BaseStore, other: BaseStore) -> None:
        store.put(result(A))
        store.put(failure(B))
        assert told(other.refresh()) == ({A}, {B}, set())
        assert not other.refresh()
        assert not other.drain()

        store.discard([A, B])
        assert told(other.refresh()) == (set(), set(), {A, B})
        assert not other.refresh()

    def test_each_view_is_told_of_each_change(
        self, store: BaseStore, other: BaseStore, opener: Opener
    ) -> None:
        with opener() as third:
            third.refresh()
            store.commit(taken(store, A), result(A))
            other.commit(taken(other, B), result(B))

            assert A in other.refresh().finished
            assert B in store.refresh().finished
            assert third.refresh().finished.count(A) == 1

    def test_a_task_that_is_done_after_it_failed_is_told(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(failure(A))
        other.refresh()

        store.commit(taken(store, A), result(A))

        assert told(other.refresh()) == ({A}, set(), set())

    def test_what_was_learned_is_there_until_it_is_drained(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        other.learn()
        store.put(result(B))
        other.learn()

        assert told(other.drain()) == ({A, B}, set(), set())
        assert not other.drain()

    def test_asking_of_tasks_learns_and_keeps_none_that_are_not_done(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        store.put(failure(B))

        assert other.learn_of([A, B, C]) == [True, False, False]
        assert (list(other.digests()), [*other.failures()]) == ([A], [B])
        assert told(other.drain()) == ({A}, {B}, set())

        store.put(result(C))
        assert other.learn_of([C, D]) == [True, False]

    def test_taking_a_lease_learns(self, store: BaseStore, other: BaseStore) -> None:
        store.put(result(A))

        lease = taken(other, B)

        assert other.has(A)
        assert A in other.drain().finished
        other.release(lease)

    def test_committing_learns(self, store: BaseStore, other: BaseStore) -> None:
        lease = taken(other, B)
        store.put(result(A))

        other.commit(lease, result(B))

        assert other.has(A)
        assert A in other.drain().finished

    # Waiting

    @pytest.mark.parametrize("kind", ["finished", "failed", "removed"])
    def test_who_waits_is_woken_by_a_change(
        self, store: BaseStore, other: BaseStore, kind: str
    ) -> None:
        store.put(result(C))
        other.refresh()
        change: dict[str, Callable[[], object]] = {
            "finished": lambda: store.commit(taken(store, A), result(A)),
            "failed": lambda: store.put(failure(A)),
            "removed": lambda: store.discard([C]),
        }

        changes = self.woken(other, change[kind], until=bool)

        assert getattr(changes, kind) == [C if kind == "removed" else A]
        assert not other.refresh()

    @pytest.mark.parametrize("how", ["released", "broken", "closed"])
    def test_who_waits_is_woken_by_a_lease_that_ends(
        self, opener: Opener, other: BaseStore, how: str
    ) -> None:
        with opener() as store:
            lease = taken(store, A)
            assert other.acquire([A]) is None
            end: dict[str, Callable[[], object]] = {
                "released": lambda: store.release(lease),
                "broken": lambda: store.break_leases([A]),
                "closed": store.close,
            }

            self.woken(other, end[how], until=lambda changes: True)

        taken(other, A)

    def test_a_change_before_the_wait_is_not_missed(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        assert not other.refresh()
        store.put(result(A))

        started = monotonic()
        changes = other.wait(30)

        assert changes.finished == [A]
        assert monotonic() - started < self.wakes_within

    def test_a_lease_that_ended_before_the_wait_is_not_missed(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)
        assert other.acquire([A]) is None
        store.release(lease)

        started = monotonic()
        other.wait(30)

        assert monotonic() - started < self.wakes_within

    def test_a_wait_without_a_change_ends_after_its_time(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        other.refresh()

        started = monotonic()
        changes = other.wait(0.1)

        assert not changes
        assert 0.09 < monotonic() - started < 0.1 + self.wakes_within
        assert not other.wait(0)

    def woken(
        self,
        waiting: BaseStore,
        cause: Callable[[], object],
        until: Callable[[Changes], bool],
    ) -> Changes:
        """Return what a thread was told that waits already when the cause happens."""
        waits = Event()

        def wait() -> tuple[Changes, float]:
            waits.set()
            while not until(changes := waiting.wait(30)):
                pass  # the end of a lease may wake it before the result does
            return changes, monotonic()

        with ThreadPoolExecutor(1) as threads:
            told = threads.submit(wait)
            waits.wait()
            # Lets the thread fall asleep; if it does not, the test passes by the shorter way.
            sleep(0.05)
            cause()
            happened = monotonic()
            changes, at = told.result()
        assert at - happened < self.wakes_within
        return changes


def told(changes: Changes) -> tuple[set[bytes], set[bytes], set[bytes]]:
    """Return the digests of each kind, of which none may be there twice."""
    kinds = (changes.finished, changes.failed, changes.removed)
    assert [len(kind) for kind in kinds] == [len(set(kind)) for kind in kinds]
    return set(kinds[0]), set(kinds[1]), set(kinds[2])
