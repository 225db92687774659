"""The tests that every store must pass: one for each promise of `jug.backends.base`.

Whoever writes a store subclasses `StoreContract` in a test file and says three
things: how the store is opened, what it can do, and how to look behind its back.

    from functools import partial

    import pytest
    from jug.testing.stores import StoreContract
    from jug_shelf import ShelfStore

    class TestShelfStore(StoreContract):
        processes = True

        @pytest.fixture
        def opener(self, tmp_path):
            return partial(ShelfStore.open, f"shelf:{tmp_path}", lease_seconds=1)

        def raw_contains(self, store, data):
            return any(data in file.read_bytes() for file in store.folder.iterdir())

        def damage(self, store, digest):
            file = store.folder / digest.hex()
            content = bytearray(file.read_bytes())
            content[-1] ^= 1
            file.write_bytes(content)

`opener` returns a function without arguments.  Each call of it opens the same
store once more: another view, which is another worker.  The store is empty when
a test begins.  If `processes` is set, the function must pickle, and other
processes open the store by it.

The hooks (`raw_contains`, `damage`, `refuse_writes`) must not use the store's
methods, so that a store which lies consistently still fails.

A store of files per worker also gives `worker_order`, by which each order of reading
them is played.

The attributes `wakes_within` and `takes_over_within` say how long a promise may
take.  A store whose leases end by time is opened with a short lease time.

pytest is needed: install ``jug-core[testing]``.
"""

from __future__ import annotations

from jug.testing.code import CodeContract
from jug.testing.history import HistoryContract
from jug.testing.leases import LeaseContract
from jug.testing.names import NameContract
from jug.testing.news import NewsContract
from jug.testing.presence import PresenceContract
from jug.testing.processes import ProcessContract
from jug.testing.results import ResultContract
from jug.testing.running import RunningContract

__all__ = ["StoreContract"]


class StoreContract(
    ResultContract,
    HistoryContract,
    LeaseContract,
    RunningContract,
    PresenceContract,
    NewsContract,
    NameContract,
    ProcessContract,
    CodeContract,
):
    """Every promise of a store, as a test."""
