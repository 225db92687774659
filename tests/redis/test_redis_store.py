"""The redis store keeps the promises of every store, on a server that others use too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from jug import Task, run
from jug.backends._redis import results
from jug.backends.base import BaseStore
from jug.backends.registry import open_store
from jug.testing.hooks import A, B, result
from jug.testing.stores import StoreContract

SECONDS = 2.0


class TestRedisStore(StoreContract):
    """The store on a unix socket."""

    processes = True
    wakes_within = 0.05

    @pytest.fixture
    def opener(self, server: Any) -> Any:
        return partial(open_store, server.url(), lease_seconds=SECONDS)

    @pytest.fixture(autouse=True)
    def _client(self, server: Any) -> None:
        self.server = server

    def raw_contains(self, store: BaseStore, data: bytes) -> bool:
        return any(
            data in value
            for key in self.server.client().keys(f"jug:{{{prefix_of(store)}}}:*")
            for value in self.values(key)
        )

    def values(self, key: bytes) -> list[bytes]:
        """Return what lies in a key, if that is a hash."""
        client = self.server.client()
        return client.hvals(key) if client.type(key) == b"hash" else []

    def damage(self, store: BaseStore, digest: bytes) -> None:
        key = f"jug:{{{prefix_of(store)}}}:results"
        entry = bytearray(self.server.client().hget(key, digest))
        entry[-1] ^= 1
        self.server.client().hset(key, digest, bytes(entry))

    @contextmanager
    def refuse_writes(self, store: BaseStore) -> Iterator[None]:
        client = self.server.client()
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


def prefix_of(store: BaseStore) -> str:
    """Return the prefix that a store's URL names."""
    return store.url.partition("prefix=")[2]


def test_a_result_that_is_made_anew_while_its_chunks_are_read_is_read_anew(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url()
    with open_store(url, chunk_bytes=1000) as store, open_store(url, chunk_bytes=1000) as other:
        store.put(result(A, bytes(5000)))

        def fetch_chunks(*arguments: Any) -> Any:
            monkeypatch.undo()
            other.discard([A])
            other.put(result(A, b"anew" * 1000))
            return results._fetch_chunks(*arguments)

        monkeypatch.setattr(results, "_fetch_chunks", fetch_chunks)

        assert store.load_digest(A) == b"anew" * 1000


def test_results_that_the_server_lost_without_an_event_are_news_at_a_second_look(
    server: Any,
) -> None:
    url = server.url()
    with open_store(url) as store:
        store.put(result(A))
        changes = store.reader()
        server.client().delete(f"jug:{{{prefix_of(store)}}}:results")

        store.look_again()

        assert changes.take().removed == [A]
        assert not store.has(A)


def test_a_store_knows_the_names_of_the_jugfiles_that_saved_something(server: Any) -> None:
    url = server.url()
    with open_store(url) as one, open_store(url) as two, open_store(url) as looking:
        one.jugfile, two.jugfile, looking.jugfile = "/here/a.py", "/there/b.py", "/here/c.py"
        one.put(result(A))
        assert two.acquire([B])
        looking.poll()

        assert looking.jugfiles() == {"a.py", "b.py"}
        assert looking.known_as("/elsewhere/a.py") == "a.py"

        looking.forget_jugfiles(["a.py"])
        assert two.jugfiles() == {"b.py"}


def test_a_store_knows_the_arguments_that_a_jugfile_was_run_with(server: Any) -> None:
    with open_store(server.url()) as store:
        store.jugfile = "/here/a.py"
        store.put(result(A))
        store.arguments = ("10", "a b")
        store.put(result(B))

        assert store.jugfiles() == {"a.py", "a.py 10 'a b'"}
        assert store.known_as("/elsewhere/a.py", ["10", "a b"]) == "a.py 10 'a b'"

        store.forget_jugfiles(["a.py"])
        assert store.jugfiles() == {"a.py 10 'a b'"}


def test_an_input_that_the_server_lost_is_computed_again(server: Any) -> None:
    with open_store(server.url()) as store:
        needed = Task(abs, -1)
        assert run(needed, jugdir=store) == 1
        needed.unload()
        server.client().hdel(f"jug:{{{prefix_of(store)}}}:results", needed.digest)

        assert run(Task(abs, needed), jugdir=store) == 1
