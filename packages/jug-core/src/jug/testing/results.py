"""What is promised of results and failures, and of removing them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from jug import codec, records
from jug.backends.base import BaseStore, Frame, Kind
from jug.errors import DamagedResult, ResultNotFound, StoreError
from jug.records import Record
from jug.testing.hooks import (
    A,
    B,
    C,
    D,
    Opener,
    StoreHooks,
    failure,
    polled,
    result,
    taken,
)

VALUES = {
    "None": None,
    "no bytes": b"",
    "a few bytes": b"\x00\xff",
    "five megabytes": bytes(range(256)) * 20_000,
    "nested": {"a": [1, (2.5, None)], "b": {"c": "é"}},
}


class ResultContract(StoreHooks):
    """Results and failures are kept whole, found by everybody, and removed for everybody."""

    def test_a_new_store_is_empty(self, store: BaseStore) -> None:
        assert store.exists([A, B]) == [False, False]
        assert list(store.digests()) == []
        assert dict(store.failures()) == {}
        assert store.holders() == {}

    @pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
    def test_a_value_comes_back_to_each_view(
        self, store: BaseStore, other: BaseStore, opener: Opener, value: Any
    ) -> None:
        store.put(result(A, value))
        store.flush()

        other.poll()
        assert store.load_digest(A) == value
        assert other.load_digest(A) == value
        with opener() as third:
            third.poll()
            assert third.load_digest(A) == value

    def test_the_bytes_of_a_result_come_back(self, store: BaseStore, other: BaseStore) -> None:
        frame = result(A, "some text")
        encoded = b"".join(frame.payload)

        store.put(frame)
        store.flush()

        other.poll()
        assert bytes(other.read(A)) == encoded
        assert other.size(A) == len(encoded)
        assert self.raw_contains(store, encoded)

    def test_what_was_saved_does_not_change_with_the_object(self, store: BaseStore) -> None:
        frame = result(A, "some text")
        live = bytearray().join(frame.payload)
        encoded = bytes(live)

        store.put(frame._replace(payload=[memoryview(live)]))
        live[:] = bytes(len(live))

        assert bytes(store.read(A)) == encoded

    def test_exists_answers_in_order_and_digests_names_each_once(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        store.put(result(C))

        assert polled(other, [A, B, C, A]) == [True, False, True, True]
        assert sorted(other.digests()) == sorted([A, C])
        assert other.has(C)

    def test_the_record_of_a_run_comes_back(self, store: BaseStore, other: BaseStore) -> None:
        run = Record("m.f", start=12.5, duration=0.25, size=3, memory=9, code="c0de", worker="w")
        store.put(result(A)._replace(record=records.pack(run)))

        other.poll()
        found = other.record(A)
        assert found is not None
        assert found._replace(worker="w") == run  # the store may say more of the worker

    def test_what_is_not_there_is_not_found(self, store: BaseStore) -> None:
        assert store.record(A) is None
        with pytest.raises(ResultNotFound, match=A.hex()):
            store.read(A)
        with pytest.raises(ResultNotFound):
            store.load_digest(A)

    def test_many_results_are_read_at_once(self, store: BaseStore, other: BaseStore) -> None:
        store.put(result(A, "a"))
        store.put(result(B, bytes(300_000)))
        store.put(failure(D))
        other.poll()

        for view in (store, other):
            found = dict(view.load_many([D, B, C, A]))
            assert found[A] == "a"
            assert found.get(B, bytes(300_000)) == bytes(300_000)  # large ones may be left out
            assert found.keys() <= {A, B}

    def test_what_is_damaged_is_left_out_of_many(self, store: BaseStore) -> None:
        store.put(result(A, "a"))
        store.put(result(B, "b"))
        self.damage(store, B)

        assert dict(store.load_many([A, B])) == {A: "a"}
        with pytest.raises(DamagedResult):
            store.load_digest(B)

    def test_put_leaves_a_result_that_is_there(self, store: BaseStore, other: BaseStore) -> None:
        store.put(result(A, "first"))
        other.poll()

        store.put(result(A, "second"))
        other.put(result(A, "third"))

        for view in (store, other):
            view.poll()
            assert view.load_digest(A) == "first"

    def test_all_readers_agree_which_of_two_results_counts(
        self, store: BaseStore, other: BaseStore, opener: Opener
    ) -> None:
        store.put(result(A, "one", start=1.0))
        other.put(result(A, "two", start=2.0))

        with opener() as third:
            views = (store, other, third)
            for view in views:
                view.poll()
            seen = [(view.load_digest(A), view.record(A)) for view in views]
        value, run = seen[0]
        assert seen[1:] == seen[:1] * 2
        assert run is not None
        assert (value, run.start) in (("one", 1.0), ("two", 2.0))

    # Failures

    def test_a_failure_is_known_with_its_record(self, store: BaseStore, other: BaseStore) -> None:
        store.put(failure(A))
        store.put(failure(B, kept=True, exception="KeyError: 'x'"))

        for view in (store, other):
            view.poll()
            assert dict(view.failures()) == {A: False, B: True}
            assert view.exists([A, B]) == [False, False]
        run = other.record(B)
        assert run is not None
        assert (run.name, run.exception) == ("m.f", "KeyError: 'x'")

    def test_the_record_is_of_the_last_failure(self, store: BaseStore, other: BaseStore) -> None:
        store.put(failure(A, exception="first"))
        store.put(failure(A, exception="second"))

        other.poll()
        run = other.record(A)
        assert run is not None
        assert run.exception == "second"

    @pytest.mark.parametrize("kept", [(True, False), (False, True)], ids=str)
    def test_a_failure_that_is_kept_stays_kept(
        self, store: BaseStore, other: BaseStore, kept: tuple[bool, bool]
    ) -> None:
        store.put(failure(A, kept[0]))
        store.put(failure(A, kept[1]))

        other.poll()
        assert dict(store.failures()) == dict(other.failures()) == {A: True}

    @pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
    def test_a_result_counts_more_than_failures_whatever_came_first(
        self, store: BaseStore, other: BaseStore, order: tuple[int, ...]
    ) -> None:
        frames = [result(A, "good", start=3.0), failure(A), failure(A, kept=True)]

        for index in order:
            (store, other)[index % 2].put(frames[index])

        for view in (store, other):
            assert polled(view, [A]) == [True]
            assert dict(view.failures()) == {}
            run = view.record(A)
            assert run is not None
            assert run.start == 3.0

    # Removing

    def test_records_and_sizes_of_many_are_those_of_each(self, store: BaseStore) -> None:
        store.put(result(A, "a")._replace(record=records.pack(Record("m.f"))))
        store.put(failure(B)._replace(record=records.pack(Record("m.g"))))
        store.put(result(C, bytes(100_000)))

        many = [A, B, C, D]
        assert store.records(many) == [store.record(digest) for digest in many]
        assert store.sizes(many) == [store.size(A), 0, store.size(C), 0]
        assert not store.records([])
        assert not store.sizes([])

    def test_discard_removes_results_and_failures_for_everybody(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A))
        store.put(failure(B, kept=True))
        store.put(result(C))
        store.poll()

        removed = other.discard([A, B, D])

        assert removed == 2
        for view in (store, other):
            assert polled(view, [A, B, C]) == [False, False, True]
            assert dict(view.failures()) == {}
            assert view.record(A) is None
            with pytest.raises(ResultNotFound):
                view.read(A)
        assert other.discard([A, B]) == 0

    def test_what_was_discarded_can_be_saved_again(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A, "old"))
        other.discard([A])

        store.put(result(A, "new"))

        for view in (store, other):
            view.poll()
            assert view.load_digest(A) == "new"

    # Truth and durability

    def test_a_damaged_result_is_told_and_removed_for_everybody(
        self, store: BaseStore, other: BaseStore, opener: Opener, caplog: pytest.LogCaptureFixture
    ) -> None:
        store.put(result(A, list(range(100))))
        store.put(result(B, "sound"))
        store.flush()
        other.poll()

        self.damage(store, A)

        with pytest.raises(DamagedResult):
            other.read(A)
        with pytest.raises(DamagedResult):
            other.load_digest(A)
        assert A.hex() in caplog.text
        with opener() as third:
            for view in (store, other, third):
                assert polled(view, [A, B]) == [False, True]
        assert other.load_digest(B) == "sound"
        taken(store, A)

    def test_a_damaged_result_never_reads_as_a_value_in_a_new_view(
        self, store: BaseStore, opener: Opener
    ) -> None:
        store.put(result(A, list(range(100))))
        store.flush()

        self.damage(store, A)

        with opener() as late, pytest.raises((DamagedResult, ResultNotFound)):
            late.poll()
            late.load_digest(A)

    def test_what_took_the_place_of_a_damaged_result_stays(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A, list(range(100))))
        store.flush()
        other.poll()
        self.damage(store, A)
        with pytest.raises(DamagedResult) as found:
            other.use(A, codec.decode)
        store.discard([A])
        store.put(result(A, "made anew"))

        other.discard_frame(A, found.value.frame)

        for view in (store, other):
            assert polled(view, [A]) == [True]
            assert view.load_digest(A) == "made anew"

    def test_what_cannot_be_written_is_not_there(self, store: BaseStore, other: BaseStore) -> None:
        lease = taken(store, A)

        with self.refuse_writes(store), pytest.raises(StoreError):
            store.commit(lease, result(A, bytes(2_000_000)))
            store.flush()

        for view in (store, other):
            assert polled(view, [A]) == [False]
        store.commit(taken(other, A), result(A, "again"))

    def test_results_outlast_the_views(self, opener: Opener) -> None:
        with opener() as store:
            store.put(result(A, "kept"))
            store.put(failure(B))

        with opener() as again:
            again.poll()
            assert again.load_digest(A) == "kept"
            assert dict(again.failures()) == {B: False}

    def test_flush_and_close_may_be_called_again(self, opener: Opener) -> None:
        store = opener()
        store.flush()
        store.put(result(A))
        store.flush()
        store.flush()

        store.close()
        store.close()

        with opener() as again:
            assert polled(again, [A]) == [True]

    def test_a_frame_without_a_value_is_enough_for_a_failure(self, store: BaseStore) -> None:
        store.put(Frame(Kind.FAILURE, A, records.pack(Record())))

        assert dict(store.failures()) == {A: False}

    def test_encoded_results_are_those_of_the_codec(self, store: BaseStore) -> None:
        store.put(result(A, [1, 2]))

        encoded = store.read(A)
        codec.verify(encoded)
        assert codec.decode(encoded) == [1, 2]
