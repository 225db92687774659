"""What is promised of the code that made results, by a store that keeps it."""

from __future__ import annotations

from multiprocessing.connection import Connection

import pytest

from jug.backends.base import BaseStore
from jug.testing.hooks import A, Opener, StoreHooks, result
from jug.testing.processes import running

ONE = {b"c-one": b"what one is\x00\xff", b"p-part": b"shared"}
TWO = {b"c-two": b"what two is", b"p-part": b"shared"}
LARGE = {b"p-large": bytes(range(256)) * 4096}


class CodeContract(StoreHooks):
    """Pieces of code are kept for good, and everybody sees them all."""

    @pytest.fixture(autouse=True)
    def keeps_code(self, store: BaseStore) -> None:
        """Skip these tests for a store that keeps no code, which none has to."""
        if type(store).keep_code is BaseStore.keep_code:
            pytest.skip("this store keeps no code")

    def test_a_new_store_keeps_no_code(self, store: BaseStore) -> None:
        assert store.kept_code() == {}

    def test_what_is_kept_is_there_for_everybody(self, store: BaseStore, other: BaseStore) -> None:
        store.keep_code(ONE)
        other.keep_code(TWO)
        other.keep_code(LARGE)

        assert store.kept_code() == other.kept_code() == ONE | TWO | LARGE

    def test_what_is_kept_twice_is_there_once(self, store: BaseStore, other: BaseStore) -> None:
        store.keep_code(ONE)
        other.keep_code(ONE)
        store.keep_code({})

        assert store.kept_code() == ONE

    def test_code_is_no_result_and_outlasts_results(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        store.keep_code(ONE)

        store.discard([A])
        store.tidy()

        assert [*store.digests()] == []
        assert other.kept_code() == ONE

    def test_code_outlasts_the_worker_that_kept_it(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.keep_code(ONE)
        store.close()

        assert other.kept_code() == ONE

    def test_processes_that_keep_code_at_once_lose_none(
        self, opener: Opener, store: BaseStore
    ) -> None:
        if not self.processes:
            pytest.skip("one process alone can use this store")
        with running(opener, keep_many) as (_, one), running(opener, keep_many) as (_, two):
            for pipe, name in ((one, "a"), (two, "b")):
                pipe.send("go")
                pipe.send(name)
            assert (one.recv(), two.recv()) == ("kept", "kept")

        assert store.kept_code() == pieces_of("a") | pieces_of("b")


def pieces_of(name: str) -> dict[bytes, bytes]:
    """Return what one of the processes keeps: pieces of its own, and some that both have."""
    own = {f"p-{name}{number}".encode(): name.encode() * number for number in range(20)}
    return own | {f"p-both{number}".encode(): b"both" for number in range(20)}


def keep_many(store: BaseStore, pipe: Connection) -> None:
    """Keep pieces, a few at a time."""
    pieces = [*pieces_of(pipe.recv()).items()]
    for first in range(0, len(pieces), 4):
        store.keep_code(dict(pieces[first : first + 4]))
    pipe.send("kept")
