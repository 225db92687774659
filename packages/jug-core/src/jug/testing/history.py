"""What is promised of the history: every run is remembered, and who did it."""

from __future__ import annotations

import time

from jug import codec, records
from jug.backends.base import BaseStore, Frame, Kind, Outcome
from jug.backends.process import Process
from jug.records import Record, Run, RunState
from jug.testing.hooks import A, B, C, D, Opener, StoreHooks, digests, failure, result, taken, told

MANY = 200


class HistoryContract(StoreHooks):
    """Runs are remembered in order with what became of them, and so are their workers."""

    def test_a_new_store_has_no_history(self, store: BaseStore) -> None:
        assert store.runs() == []
        assert store.workers() == {}

    def test_each_run_is_told_once_with_its_state_and_worker(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(failure(B, exception="ValueError: no"))
        store.put(result(A, start=1.0, duration=2.0))
        store.note(A, RunState.RETRIED, records.pack(Record("m.f", 0.5, 0.25, attempt=1)))
        store.flush()

        for view in (store, other):
            view.poll()
            found = {(run.digest, run.state): run.record for run in view.each_run()}
            assert set(found) == {
                (A, RunState.FINISHED),
                (A, RunState.RETRIED),
                (B, RunState.FAILED),
            }
            assert found[A, RunState.RETRIED].attempt == 1
            assert found[B, RunState.FAILED].exception == "ValueError: no"
            workers = {record.worker for record in found.values()}
            assert workers == set(view.workers())
            assert len(workers) == 1

    def test_runs_are_in_the_order_of_their_ends_and_as_old_as_is_asked_for(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        for start, duration in ((5.0, 1.0), (1.0, 9.0), (2.0, 0.5)):
            run = records.pack(Record("m.f", start, duration))
            store.note(A, RunState.GIVEN_BACK, run)
        store.flush()
        other.poll()

        assert [run.record.start for run in other.runs()] == [2.0, 5.0, 1.0]
        assert [run.record.start for run in other.runs(since=6.0)] == [5.0, 1.0]

    def test_a_run_that_left_nothing_changes_nothing(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        lease = taken(store, A)
        with other.reader() as changes:
            store.note(A, RunState.RETRIED, records.pack(Record("m.f")))
            store.flush()
            assert told(other.refresh(changes)) == (set(), set(), set())
        assert not other.has(A)
        assert dict(other.failures()) == {}
        assert other.record(A) is None
        assert set(other.holders()) == {A}
        assert store.commit(lease, result(A)) is Outcome.SAVED

    def test_what_was_before_the_run_that_counts_is_remembered(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(failure(A, exception="ValueError: first"))
        store.put(result(A, "then", start=2.0))
        store.flush()
        other.poll()

        assert _states(other) == [RunState.FAILED, RunState.FINISHED]
        other.discard([A])
        other.flush()
        store.poll()
        for view in (store, other):
            assert _states(view) == [RunState.FAILED, RunState.DISCARDED]
        store.put(result(A, "again", start=3.0))
        store.flush()
        other.poll()
        assert _states(other) == [RunState.FAILED, RunState.DISCARDED, RunState.FINISHED]

    def test_what_was_brought_over_is_told_as_such(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        for digest in (A, B):
            store.put(result(digest, start=1.0, source="elsewhere"))
        store.put(result(C, start=2.0))
        store.flush()
        other.poll()
        other.discard([B])
        other.flush()
        store.poll()

        for view in (store, other):
            states = {run.digest: run.state for run in view.runs()}
            assert states == {
                A: RunState.ADOPTED, B: RunState.DISCARDED, C: RunState.FINISHED,
            }  # fmt: skip

    def test_a_death_that_two_have_seen_is_told_once(self, store: BaseStore) -> None:
        for state in (RunState.LOST, RunState.DIED):
            store.note(A, state, records.pack(Record("m.f", worker="0123456789abcdef")))
        store.note(B, RunState.LOST, records.pack(Record("m.f", worker="0123456789abcdef")))
        died = records.pack(Record("m.f", exception="WorkerDied", worker="0123456789abcdef"))
        store.put(Frame(Kind.FAILURE, C, died))
        store.note(C, RunState.LOST, records.pack(Record("m.f", worker="0123456789abcdef")))

        assert {(run.digest, run.state) for run in store.runs()} == {
            (A, RunState.DIED),
            (B, RunState.LOST),
            (C, RunState.FAILED),
        }

    def test_the_history_is_there_for_who_comes_later(
        self, store: BaseStore, opener: Opener
    ) -> None:
        store.put(result(A, start=2.0))
        store.note(B, RunState.DIED, records.pack(Record("m.g", 1.0, exception="SIGKILL")))
        store.flush()

        with opener() as third:
            third.poll()
            died, finished = third.runs()
        assert (died.digest, died.state, died.record.name) == (B, RunState.DIED, "m.g")
        assert (finished.digest, finished.state) == (A, RunState.FINISHED)

    def test_the_last_runs_of_a_task_are_remembered(self, store: BaseStore) -> None:
        for number in range(10):
            run = records.pack(Record("m.f", float(number), attempt=number))
            store.note(A, RunState.RETRIED, run)
        assert [run.record.attempt for run in store.runs()][-3:] == [7, 8, 9]

    def test_many_records_are_read_at_once(self, store: BaseStore, other: BaseStore) -> None:
        wanted = digests(MANY)
        for number, digest in enumerate(wanted):
            store.put(result(digest, number, start=float(number)))
        store.put(failure(digests(MANY + 1)[-1]))
        store.flush()
        other.poll()

        found = other.records([*reversed(wanted), *digests(MANY + 2)[-2:]])
        assert [r.start for r in found[:MANY] if r] == [float(n) for n in range(MANY)][::-1]
        failed, missing = found[MANY:]
        assert failed is not None
        assert failed.exception
        assert missing is None

    def test_what_can_not_be_read_is_left_out_and_the_rest_is_told(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        store.put(result(A, start=1.0))
        whole = records.pack(Record("m.f", 2.0, code="c" * 16))
        store.put(Frame(Kind.FAILURE, B, whole[:-1]))
        store.put(Frame(Kind.RESULT, C, b"torn", codec.encode(3)))
        store.note(D, RunState.DIED, b"torn")
        store.flush()
        other.poll()

        assert [run.digest for run in other.runs()] == [A]
        found = other.records([A, B, C])
        assert [record and record.start for record in found] == [1.0, None, None]
        assert other.record(B) is None
        assert other.load_digest(C) == 3

    def test_a_record_of_a_later_version_says_what_is_known_of_it(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        later = records.pack(Record("m.f", 1.0, state="paused")) + b"\xf0\x03\0\0\0new"
        store.put(Frame(Kind.RESULT, A, later, codec.encode(1)))
        store.note(A, RunState.OTHER, later)
        store.flush()
        other.poll()

        assert [run.state for run in other.runs()] == [RunState.OTHER, RunState.FINISHED] or [
            run.state for run in other.runs()
        ] == [RunState.FINISHED, RunState.OTHER]
        (record,) = other.records([A])
        assert record is not None
        assert record.name == "m.f"

    def test_runs_are_told_whatever_the_clocks_said(
        self, store: BaseStore, other: BaseStore
    ) -> None:
        for start in (4e9, 5.0, 1.7e9):
            store.note(A, RunState.RETRIED, records.pack(Record("m.f", start, duration=1.0)))
        store.flush()
        other.poll()

        assert [run.record.start for run in other.runs()] == [5.0, 1.7e9, 4e9]

    def test_a_worker_says_who_it_is_and_when_it_ended(
        self, store: BaseStore, opener: Opener
    ) -> None:
        before = time.time()
        with opener() as third:
            third.jugfile = "primes.py"
            third.offers = {"cpus": 4, "memory": 8_000_000_000}
            if third.heartbeat() is not None:  # as workers ask for before they take anything
                store.poll()
                assert [worker.offers for worker in store.workers().values()] == [third.offers]
            third.put(result(A))
            third.flush()
            store.poll()
            (worker,) = store.workers().values()
            assert worker.process == Process.here()
            assert before <= worker.start <= time.time()
            assert worker.end == 0
            assert worker.jugfile == "primes.py"
            assert worker.offers == {"cpus": 4, "memory": 8_000_000_000}
            assert worker.cores >= 1
            assert worker.python.startswith("3.")
        store.poll()
        (worker,) = store.workers().values()
        assert before <= worker.start <= worker.end <= time.time()

    def test_the_times_are_those_of_the_runs(self, store: BaseStore, other: BaseStore) -> None:
        """Short and long runs, results and others, of workers that the records name or do not."""
        records_of = [
            Record("m.f", 1.0, 0.25, code="c" * 16),
            Record("m.g", 2.0, 4.0, memory=7, code="d" * 16, arguments="1", cpu=3.5, attempt=1),
            Record("m.f", 3.0, 5.0, worker="a-host-name:1234"),
            Record("m.f", 4.0, 6.0, memory=9, cpu=1.5, output="kept", source="elsewhere"),
            Record("m.é", 5.0),
            Record("m.f", 7.0, source="elsewhere"),
        ]
        saved = digests(4 + len(records_of))[4:]  # none of A to D
        for digest, record in zip(saved, records_of, strict=True):
            store.put(Frame(Kind.RESULT, digest, records.pack(record), codec.encode(1)))
        store.put(failure(D, exception="ValueError: no"))
        store.note(D, RunState.RETRIED, records.pack(Record("m.f", 6.0, 1.0, cpu=0.5)))
        store.put(Frame(Kind.RESULT, C, b"torn", codec.encode(3)))
        store.discard([saved[0]])
        store.flush()

        for view in (store, other):
            view.poll()
            assert sorted(_times_told(view)) == sorted(_times_of_runs(view))
            assert len(_times_told(view)) == len(records_of) + 2


def _times_told(store: BaseStore) -> list[tuple[object, ...]]:
    return [
        (batch.name, batch.worker, batch.state, *times)
        for batch in store.each_time()
        for times in zip(*batch[3:], strict=True)
    ]


def _times_of_runs(store: BaseStore) -> list[tuple[object, ...]]:
    return [
        (
            *(record.name, record.worker, state),
            *(digest, record.start, record.duration, record.cpu, record.memory),
        )
        for digest, state, record in store.each_run()
    ]


def _states(store: BaseStore) -> list[RunState]:
    runs: list[Run] = store.runs()
    assert all(run.digest == A for run in runs)
    return [run.state for run in runs]
