"""What is promised of leases: who may run a task, and what becomes of what was run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from jug.backends.base import BaseStore, Outcome
from jug.testing.hooks import (
    A,
    B,
    C,
    D,
    Opener,
    StoreHooks,
    digests,
    failure,
    in_fork,
    polled,
    result,
    taken,
)

RACED = 200


class LeaseContract(StoreHooks):
    """At most one worker holds the lease of a task, and nobody can end another's by mistake."""

    # Taking

    def test_the_first_candidate_that_is_free_and_not_done_is_given(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        other.put(result(A))
        taken(other, B)

        assert taken(store, A, B, C, D).digest == C
        assert taken(store, A, B, C, D).digest == D
        assert store.acquire([A, B, C, D]) is None
        assert store.acquire([]) is None

    def test_workers_that_are_at_work_have_turns_of_their_own(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        taken(store, A), taken(other, B)

        (one, count), (another, same_count) = store.turn(), other.turn()

        assert count == same_count
        assert one < count and another < count
        assert count == 1 or one != another

    def test_a_lease_is_given_to_one_of_two_views(self, store: BaseStore, other: BaseStore) -> None:
        lease = taken(store, A)

        assert other.acquire([A]) is None
        assert store.acquire([A]) is None

        store.release(lease)
        taken(other, A)

    def test_a_task_that_failed_can_be_taken(self, store: BaseStore, other: BaseStore) -> None:
        store.put(failure(A))
        store.put(failure(B, kept=True))

        assert taken(other, A).digest == A
        assert taken(other, B).digest == B

    def test_a_result_that_was_not_polled_yet_is_not_run_again(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)
        assert other.acquire([A]) is None

        store.commit(lease, result(A))

        assert other.acquire([A]) is None
        assert other.has(A)

    def test_threads_that_race_get_each_lease_once(
        self, store: BaseStore, other: BaseStore, eager_threads: None
    ) -> None:
        start = Barrier(2)
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(lambda view: race(view, start.wait), (store, other))

        assert sorted(first + second) == sorted(digests(RACED))
        assert all(polled(store, digests(RACED)))
        assert store.holders() == {}

    @pytest.fixture
    def eager_threads(self) -> Iterator[None]:
        """Let threads take turns so often that a gap between a look and a write is found."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(before)

    # Ending

    def test_release_frees_the_task_and_saves_nothing(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)

        store.release(lease)
        store.release(lease)

        assert polled(other, [A]) == [False]
        assert other.holders() == {}

    def test_release_leaves_a_lease_alone_that_another_took(
        self, store: BaseStore, other: BaseStore, opener: Opener
    ) -> None:
        lost = taken(store, A)
        assert other.break_leases([A]) == 1
        taken(other, A)

        store.release(lost)

        with opener() as third:
            assert third.acquire([A]) is None
        assert A in store.holders()

    def test_leases_are_broken_whoever_holds_them(self, store: BaseStore, other: BaseStore) -> None:
        taken(store, A)
        taken(other, B)

        assert other.break_leases([A, B, C]) == 2

        assert store.holders() == other.holders() == {}
        assert other.break_leases([A, B]) == 0
        taken(store, B)

    def test_close_gives_all_leases_back(self, opener: Opener, store: BaseStore) -> None:
        leaving = opener()
        taken(leaving, A)
        taken(leaving, B)
        kept = taken(store, C)

        leaving.close()

        assert list(store.holders()) == [C]
        assert taken(store, A).digest == A
        store.release(kept)

    def test_tidy_leaves_the_leases_of_the_living(self, store: BaseStore, other: BaseStore) -> None:
        lease = taken(store, A)

        other.tidy()

        assert other.acquire([A]) is None
        assert store.commit(lease, result(A)) is Outcome.SAVED

    # Committing

    def test_commit_saves_and_ends_the_lease(self, store: BaseStore, other: BaseStore) -> None:
        assert store.commit(taken(store, A), result(A, "done")) is Outcome.SAVED
        assert store.commit(taken(store, B), failure(B)) is Outcome.SAVED

        for view in (store, other):
            assert polled(view, [A, B]) == [True, False]
            assert dict(view.failures()) == {B: False}
            assert view.load_digest(A) == "done"
            assert view.holders() == {}
        taken(other, B)

    def test_commit_and_acquire_does_both(self, store: BaseStore, other: BaseStore) -> None:
        lease = taken(store, A)
        taken(other, B)

        outcome, following = store.commit_and_acquire(lease, result(A), [], [A, B, C])

        assert outcome is Outcome.SAVED
        assert following is not None
        assert following.digest == C
        assert store.commit_and_acquire(following, result(C), [], []) == (Outcome.SAVED, None)
        assert polled(other, [A, B, C]) == [True, False, True]

    def test_a_result_saved_meanwhile_makes_a_duplicate(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)
        other.put(result(A, "first"))

        assert store.commit(lease, result(A, "second")) is Outcome.DUPLICATE

        for view in (store, other):
            view.poll()
            assert view.load_digest(A) == "first"
            assert view.holders() == {}

    def test_of_two_that_ran_a_task_the_first_to_commit_is_saved(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lost = taken(store, A)
        other.break_leases([A])
        lease = taken(other, A)

        assert store.commit(lost, result(A, "slow")) is Outcome.SAVED
        assert A in other.holders()
        assert other.commit(lease, result(A, "late")) is Outcome.DUPLICATE

        for view in (store, other):
            view.poll()
            assert view.load_digest(A) == "slow"
            assert view.holders() == {}

    def test_a_lost_lease_and_a_result_make_a_duplicate(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lost = taken(store, A)
        other.break_leases([A])
        other.commit(taken(other, A), result(A, "fast"))

        assert store.commit(lost, result(A, "slow")) is Outcome.DUPLICATE

        assert store.load_digest(A) == "fast"

    @pytest.mark.parametrize("what", ["result", "failure"])
    def test_what_was_made_from_a_removed_result_is_stale(
        self, store: BaseStore, other: BaseStore, what: str
    ) -> None:
        store.put(result(A))
        store.put(result(B))
        lease = taken(store, C)
        other.discard([B])

        frame = result(C) if what == "result" else failure(C)
        assert store.commit(lease, frame, [A, B]) is Outcome.STALE

        for view in (store, other):
            assert polled(view, [A, B, C]) == [True, False, False]
            assert dict(view.failures()) == {}
            assert view.holders() == {}

    def test_an_input_computed_again_meanwhile_makes_stale_too(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A, "old"))
        lease = taken(store, B)
        other.discard([A])
        other.put(result(A, "new"))

        assert store.commit(lease, result(B), [A]) is Outcome.STALE

        again = taken(store, B)
        assert store.commit(again, result(B), [A]) is Outcome.SAVED

    def test_an_input_removed_before_the_lease_was_given_does_not_matter(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A, "old"))
        other.discard([A])
        other.put(result(A, "new"))

        lease = taken(store, B)

        assert store.commit(lease, result(B), [A]) is Outcome.SAVED

    def test_a_removal_of_something_else_does_not_matter(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        store.put(result(B))
        lease = taken(store, C)
        other.discard([B])

        assert store.commit(lease, result(C), [A]) is Outcome.SAVED

    def test_a_task_that_is_discarded_while_it_runs_is_not_saved(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)
        other.discard([A])

        assert store.commit(lease, result(A)) is Outcome.STALE

        assert polled(other, [A]) == [False]
        assert store.commit(taken(store, A), result(A)) is Outcome.SAVED

    # Several at a time

    def test_several_are_given_to_one_of_two_views(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        other.put(result(A))
        lease = taken(other, C)

        given = store.acquire_several([A, B, C, D])

        assert [one.digest for one in given] == ([B, D] if given else [])
        assert other.acquire([A, B, C, D]) is None or not given
        assert other.acquire_several([B, D]) == [] or not given
        store.end_several()
        other.release(lease)

    def test_of_several_each_is_begun_and_saved_by_itself(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        given = store.acquire_several([A, B, C])
        if not given:
            assert not store.gives_several
            return

        assert store.begin(given[0])
        assert store.save(given[0], result(A, "first")) is Outcome.SAVED
        assert store.begin(given[1])
        assert store.save(given[1], failure(B)) is Outcome.SAVED

        other.poll()
        assert other.load_digest(A) == "first"
        assert dict(other.failures()) == {B: False}
        assert other.holders().keys() == {B, C}
        store.end_several()
        assert other.holders() == {}
        assert taken(other, A, B, C).digest == B

    def test_what_is_discarded_while_several_are_held_is_not_saved(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        for lease in store.acquire_several([A, B]):
            assert store.begin(lease)
            other.discard([lease.digest])
            store.save(lease, result(lease.digest))
        store.end_several()

        assert polled(store, [A, B]) == polled(other, [A, B]) == [False, False]
        assert store.commit(taken(store, A), result(A)) is Outcome.SAVED
        assert polled(other, [A]) == [True]

    def test_several_can_be_broken(self, store: BaseStore, other: BaseStore) -> None:
        given = store.acquire_several([A, B])
        if given:
            assert store.begin(given[0])
            assert other.break_leases([A]) == 1
            assert not store.begin(given[1])
        taken(other, A)
        taken(other, B)

    # Forking

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_a_forked_process_is_a_worker_of_its_own(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)

        assert in_fork(lambda: work_on_b(store)) == 0

        assert other.acquire([A]) is None
        assert store.commit(lease, result(A)) is Outcome.SAVED
        if self.processes:
            assert polled(other, [A, B]) == [True, True]
            assert other.load_digest(B) == "of the child"
        assert other.holders() == {}


def race(store: BaseStore, start: Callable[[], object]) -> list[bytes]:
    """Take and finish tasks until there are none; return those that were given."""
    start()
    return list(finished(store, digests(RACED)))


def finished(store: BaseStore, candidates: list[bytes]) -> Iterator[bytes]:
    """Finish all of the candidates that this store is given."""
    while lease := store.acquire(candidates):
        yield lease.digest
        assert store.commit(lease, result(lease.digest)) is Outcome.SAVED


def work_on_b(store: BaseStore) -> None:
    """Run a task in a process that was forked from one that holds a lease."""
    store.after_fork()
    lease = taken(store, A, B)
    assert lease.digest == B
    assert store.commit(lease, result(B, "of the child")) is Outcome.SAVED
    taken(store, C)
    store.close()
