import os
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.backends.base import Outcome
from jug.backends.dict_store import DictStore, dict_store
from jug.errors import StoreError, StoreFormatError
from jug.testing.hooks import A, B, failure, result, taken
from jug.testing.stores import StoreContract


class DictContract(StoreContract):
    def raw_contains(self, store, data):
        return any(data in kept.encoded for kept in store._memory.results.values())

    def damage(self, store, digest):
        kept = store._memory.results[digest]
        spoilt = kept.encoded[:-1] + bytes([kept.encoded[-1] ^ 1])
        store._memory.results[digest] = replace(kept, encoded=spoilt)


class TestInMemory(DictContract):
    @pytest.fixture
    def opener(self):
        return partial(DictStore.sharing, DictStore())


class TestInAFile(DictContract):
    @pytest.fixture
    def opener(self, tmp_path):
        return partial(DictStore.sharing, DictStore(tmp_path / "results"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results"


def test_a_store_without_a_file_is_not_shared():
    one, two = DictStore(), DictStore()
    one.put(result(A))

    assert two.exists([A]) == [False]
    assert one.url == "dict_store"
    assert not one.shared


def test_the_former_name_makes_a_store():
    assert isinstance(dict_store(), DictStore)
    assert dict_store(backend=None).url == "dict_store"


def test_results_and_failures_last_in_the_file(path):
    with DictStore(path) as store:
        store.put(result(A, {"x": [1.5]}, duration=2.0))
        store.put(failure(B, kept=True))

    again = DictStore(str(path))

    assert again.load_digest(A) == {"x": [1.5]}
    assert again.record(A).duration == 2.0
    assert again.failures() == {B: True}
    assert DictStore.open(again.url).load_digest(A) == {"x": [1.5]}


def test_the_file_tells_when_a_worker_ended_though_all_else_was_saved_before(path):
    with DictStore(path) as store:
        store.put(result(A))
        store.flush()

    [worker] = DictStore(path).workers().values()

    assert worker.end >= worker.start > 0


def test_leases_do_not_last_in_the_file(path):
    store = DictStore(path)
    taken(store, A)
    store.flush()

    assert DictStore(path).acquire([A])


def test_what_is_only_read_writes_nothing(path):
    DictStore(path).close()
    assert not path.exists()

    with DictStore(path) as store:
        store.put(result(A))
    before = path.stat().st_mtime_ns, path.stat().st_ino
    with DictStore(path) as store:
        assert store.load_digest(A) == 1

    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert list(path.parent.iterdir()) == [path]


def test_a_removal_is_saved(path):
    with DictStore(path) as store:
        store.put(result(A))
    with DictStore(path) as store:
        store.discard([A])

    assert not DictStore(path).has(A)


def test_a_change_of_the_working_directory_does_not_move_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = DictStore("results")
    store.put(result(A))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")

    store.close()

    assert DictStore(tmp_path / "results").has(A)


def test_a_link_to_the_file_stays_a_link(tmp_path, path):
    link = tmp_path / "link"
    link.symlink_to(path)

    with DictStore(link) as store:
        store.put(result(A))

    assert link.is_symlink()
    assert DictStore(path).has(A)


def test_a_file_that_another_process_wrote_is_left_alone(path):
    mine, theirs = DictStore(path), DictStore(path)
    theirs.put(result(A))
    theirs.close()
    mine.put(result(B))

    with pytest.raises(StoreError, match="was written by another process meanwhile"):
        mine.close()

    assert DictStore(path).has(A)


def test_a_save_that_fails_keeps_the_old_file(path, monkeypatch):
    with DictStore(path) as store:
        store.put(result(A))
    store = DictStore(path)
    store.put(result(B))

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StoreError, match=r"results' cannot be written \(No space left"):
            store.flush()

    assert list(path.parent.iterdir()) == [path]
    assert DictStore(path).exists([A, B]) == [True, False]
    store.close()
    assert DictStore(path).exists([A, B]) == [True, True]


def test_a_file_of_something_else_is_refused_and_kept(path):
    path.write_bytes(b"my thesis\n")

    with pytest.raises(StoreFormatError, match="is no file of a dict_store: choose another"):
        DictStore(path)

    assert path.read_bytes() == b"my thesis\n"


def test_a_file_of_a_later_version_is_refused(path):
    path.write_bytes(b"jug dict_store 3\n...")

    with pytest.raises(StoreFormatError, match="upgrade jug-core"):
        DictStore(path)


@pytest.mark.parametrize("spoil", ["flip", "cut"])
def test_a_damaged_file_is_told_and_kept(path, spoil):
    with DictStore(path) as store:
        store.put(result(A, list(range(50))))
    content = bytearray(path.read_bytes())
    if spoil == "cut":
        del content[-1:]
    else:
        content[len(content) // 2] ^= 4
    path.write_bytes(content)

    with pytest.raises(StoreError, match="is damaged .*: remove it to begin anew"):
        DictStore(path)

    assert path.read_bytes() == content


@pytest.mark.parametrize("name", [".", "nowhere/results"])
def test_a_path_that_cannot_be_used_is_told_at_once(tmp_path, name):
    with pytest.raises(StoreError, match=str(tmp_path)):
        DictStore(tmp_path / name)


def test_a_forked_copy_is_not_saved(path):
    store = DictStore(path)
    store.put(result(A))

    store.after_fork()
    store.close()

    assert not path.exists()


def test_a_view_that_nobody_reads_keeps_no_news():
    store = DictStore()
    view = DictStore.sharing(store)
    with view.reader() as changes:
        store.put(result(A))
        assert changes.has_changes()

    store.discard([A])

    assert not changes.take().removed


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "fail", "keep", "discard", "take", "commit", "release", "break"]),
        st.integers(0, 1),
        st.sampled_from([A, B]),
    ),
    max_size=30,
)


@given(steps)
def test_any_history_gives_both_views_one_state_and_complete_news(history):
    views = [DictStore()]
    views.append(DictStore.sharing(views[0]))
    readers = [view.reader() for view in views]
    leases = [{}, {}]
    known = [set(), set()]

    for what, number, digest in history:
        act(views[number], leases[number], what, digest)

    for number, view in enumerate(views):
        news = readers[number].take()
        for digest in {*news.finished, *news.failed, *news.removed}:
            known[number] ^= {digest} if (digest in known[number]) != view.has(digest) else set()
        assert known[number] == set(view.digests())
        assert not set(view.digests()) & set(view.failures())
    assert views[0].holders().keys() == views[1].holders().keys()


def act(store, leases, what, digest):
    frames = {"put": result(digest), "fail": failure(digest), "keep": failure(digest, kept=True)}
    if what in frames:
        store.put(frames[what])
    elif what == "discard":
        store.discard([digest])
    elif what == "break":
        store.break_leases([digest])
    elif what == "take":
        lease = store.acquire([digest])
        if lease is not None:
            leases[digest] = lease
    elif digest in leases:
        lease = leases.pop(digest)
        if what == "release":
            store.release(lease)
        else:
            outcome = store.commit(lease, result(digest))
            assert store.has(digest) or outcome is Outcome.STALE


def test_a_failure_alone_is_saved_to_the_file(tmp_path):
    store = DictStore(tmp_path / "file")
    store.put(failure(A))
    store.flush()

    assert dict(DictStore(tmp_path / "file").failures()) == {A: False}
