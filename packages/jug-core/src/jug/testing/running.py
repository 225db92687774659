"""What is promised of tasks in progress: since when they run, once they have for a while."""

from __future__ import annotations

import pickle
import time

import pytest

from jug.backends.base import BaseStore
from jug.testing.hooks import A, B, StoreHooks, result, taken


class RunningContract(StoreHooks):
    """A lease says since when its task runs, as far as its worker's heartbeat has shown it."""

    def test_a_holder_has_a_long_task_since_when_its_heartbeat_shows(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        before = time.time()
        taken(store, A), taken(store, B)
        heartbeat = store.heartbeat()

        if heartbeat is not None:
            assert {holder.since for holder in other.holders().values()} == {0.0}
            before = 1234.5
            pickle.loads(pickle.dumps(heartbeat)).show(A, before)
            assert other.holders()[B].since == 0.0

        for view in (store, other):
            assert before <= view.holders()[A].since <= time.time()
            assert view.holders()[A].alive

    def test_what_was_shown_of_a_task_is_not_said_of_the_next(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)
        heartbeat = store.heartbeat()
        if heartbeat is None:
            pytest.skip("this store knows by itself when a lease was taken")
        heartbeat.show(A, 1234.5)
        store.commit(lease, result(A))
        taken(store, B)
        assert other.holders()[B].since == 0.0

        heartbeat.show(B, 2345.5)
        heartbeat.beat()

        assert other.holders()[B].since == 2345.5
