"""What is promised of the workers that are there: that one sees who they are and that they live."""

from __future__ import annotations

import os
import pickle

from jug.backends.base import BaseStore
from jug.testing.hooks import A, B, C, Opener, StoreHooks, result, taken


class PresenceContract(StoreHooks):
    """A worker is there from its first lease until it leaves, and shows that it lives."""

    def test_holders_are_named_and_alive(self, store: BaseStore, other: BaseStore) -> None:
        taken(store, A)
        taken(other, B)

        for view in (store, other):
            holders = view.holders()
            assert sorted(holders) == sorted([A, B])
            assert holders[A].worker
            assert holders[A].worker != holders[B].worker
            for holder in holders.values():
                assert holder.alive
                assert holder.process is None or holder.process.pid == os.getpid()

    def test_the_heartbeat_pickles_and_beats(self, store: BaseStore, other: BaseStore) -> None:
        taken(store, A)
        heartbeat = store.heartbeat()

        if heartbeat is not None:
            assert heartbeat.interval > 0
            pickle.loads(pickle.dumps(heartbeat)).beat()

        assert other.holders()[A].alive

    def test_holders_tell_when_they_last_showed_that_they_live(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        taken(store, A)
        heartbeat = store.heartbeat()
        if heartbeat is None:
            assert 0.0 <= other.holders()[A].last_sign <= other.now()
            return

        before = other.holders()[A].last_sign
        heartbeat.beat()
        after = other.holders()[A].last_sign

        assert 0.0 < before <= after
        assert 0.0 <= other.now() - after < 60.0

    def test_workers_that_hold_something_are_present(
        self, store: BaseStore, opener: Opener
    ) -> None:
        taken(store, A)
        leaving = opener()
        taken(leaving, B)
        taken(leaving, C)

        by_id = {holder.worker: holder for holder in store.holders().values()}
        present = {one.worker: one for one in store.present()}

        assert by_id.keys() <= present.keys()
        held = [present[worker].tasks for worker in by_id]
        assert sorted(map(sorted, held)) == sorted([[A], sorted([B, C])])
        assert all(present[worker].alive for worker in by_id)
        assert all(present[w].process == holder.process for w, holder in by_id.items())

        leaving.close()

        assert [sorted(one.tasks) for one in store.present() if one.tasks] == [[A]]
        assert {one.worker for one in store.present()} == {store.holders()[A].worker}

    def test_what_some_workers_said_of_themselves_is_told_alone(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        other.put(result(B))
        store.poll(), other.poll()

        known = store.workers()

        assert len(known) == 2
        for worker in known:
            assert store.workers_of({worker, "0123456789abcdef"}) == {worker: known[worker]}
        assert store.workers_of(set()) == {}
