"""What is promised of the method names that jug 2.x had."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from jug.backends.base import BaseStore
from jug.errors import LockError, OptionError
from jug.testing.hooks import A, B, C, D, StoreHooks, failure, result, taken


class FakeTask(NamedTuple):
    """As much of a task as a store looks at."""

    digest: bytes

    def hash(self) -> bytes:
        """Return the hash, as a task does."""
        return self.digest.hex().encode()


def name(digest: bytes) -> bytes:
    """Return the 40 hex digits of a digest."""
    return digest.hex().encode()


class NameContract(StoreHooks):
    """Programs that use a store by the names of jug 2.x find what they expect."""

    def test_dump_load_and_can_load(self, store: BaseStore, other: BaseStore) -> None:
        assert not other.can_load(name(A))

        store.dump([1, 2], name(A))

        assert other.can_load(name(A))
        assert other.can_load(A.hex())
        assert other.load(name(A)) == [1, 2]

    def test_dump_replaces_what_is_there(self, store: BaseStore, other: BaseStore) -> None:
        store.dump("old", name(A))
        other.dump("new", name(A))

        assert store.load(name(A)) == other.load(name(A)) == "new"

    def test_list_and_listlocks_give_hex_names(self, store: BaseStore, other: BaseStore) -> None:
        store.put(result(A))
        taken(store, B)
        store.put(failure(C))
        store.put(failure(D, kept=True))

        assert list(other.list()) == [name(A)]
        assert sorted(other.listlocks()) == sorted([name(B), name(D)])

    def test_remove_and_remove_many_say_what_was_there(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        for digest in (A, B, C):
            store.put(result(digest))

        assert other.remove(name(A)) is True
        assert other.remove(name(A)) is False
        assert other.remove_many([name(A), name(B), name(D)]) == 1
        assert list(store.list()) == [name(C)]

    def test_remove_locks_takes_all_away(self, store: BaseStore, other: BaseStore) -> None:
        taken(store, A)
        taken(other, B)

        assert store.remove_locks() == 2
        assert list(other.listlocks()) == []

    @pytest.mark.parametrize("keeplocks", [False, True])
    def test_cleanup_removes_what_no_active_task_uses(
        self, store: BaseStore, other: BaseStore, keeplocks: bool
    ) -> None:
        store.put(result(A))
        store.put(result(B))
        store.put(failure(C))
        taken(store, D)

        removed = other.cleanup([FakeTask(A)], keeplocks=keeplocks)

        assert removed == (2 if keeplocks else 3)
        assert list(store.list()) == [name(A)]
        assert list(store.holders()) == ([D] if keeplocks else [])

    def test_metadata_is_the_record(self, store: BaseStore, other: BaseStore) -> None:
        store.put(result(A, duration=0.5))

        found = other.metadata(FakeTask(A))

        assert found is not None
        assert (found["name"], found["duration"]) == ("m.f", 0.5)
        assert other.metadata(FakeTask(B)) is None

    def test_a_lock_is_got_once_and_given_back(self, store: BaseStore, other: BaseStore) -> None:
        mine, theirs = store.getlock(name(A)), other.getlock(name(A))

        assert mine.get() is True
        assert mine.get() is False
        assert theirs.get() is False
        assert theirs.is_locked()

        theirs.release()
        assert mine.is_locked()
        mine.release()
        assert not theirs.is_locked()
        assert theirs.get() is True

    def test_the_lock_of_a_finished_task_is_not_given(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))

        assert other.getlock(name(A)).get() is False

    def test_a_lock_that_failed_stays_locked(self, store: BaseStore, other: BaseStore) -> None:
        mine, theirs = store.getlock(name(A)), other.getlock(name(A))
        mine.get()

        assert mine.fail() is True

        assert theirs.is_failed()
        assert theirs.is_locked()
        assert theirs.get() is False

    def test_only_who_holds_a_lock_can_fail_it(self, store: BaseStore) -> None:
        with pytest.raises(LockError, match=A.hex()):
            store.getlock(name(A)).fail()

    def test_a_name_that_is_no_hash_is_refused(self, store: BaseStore) -> None:
        with pytest.raises(OptionError, match="40 hex digits"):
            store.load(b"primes")
