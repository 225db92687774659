"""Several short tasks under one lease, beside others who want them, in a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jug.backends._file import claims, marker
from jug.backends._file.worker_file import CLAIM_AT, SIZE
from jug.backends.base import Lease, Outcome
from jug.backends.file_store import FileStore
from jug.records import RunState
from jug.testing.hooks import result, taken

A, B, C, D = (letter * 20 for letter in (b"a", b"b", b"c", b"d"))

Opening = Callable[..., FileStore]


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Return a function that opens the store once more."""
    stores: list[FileStore] = []

    def open_one(**options: bool) -> FileStore:
        stores.append(FileStore(tmp_path / "jugdir", **options))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


def claimed(store: FileStore, *digests: bytes) -> list[Lease]:
    """Take several tasks, all of which are free."""
    leases = store.acquire_several(digests)
    assert [lease.digest for lease in leases] == [*digests]
    return leases


def own_file(store: FileStore) -> Path:
    """Return the file of the worker that a store object is."""
    return Path(store.jugdir, "leases", store.worker_id)


def wait_for(store: FileStore, digest: bytes) -> Lease:
    """Take a task as soon as it is free."""
    until = time.monotonic() + 10
    with store.reader() as reader:
        while True:
            lease = store.acquire([digest])
            if lease is not None:
                return lease
            assert time.monotonic() < until
            store.wait(reader, 10)


def test_a_task_that_takes_long_keeps_none_back_that_were_taken_with_it(opening: Opening) -> None:
    worker, other = opening(), opening()
    first, second, third = claimed(worker, A, B, C)
    assert worker.begin(first)

    assert wait_for(other, B).digest == B

    assert other.acquire([A]) is None
    assert not worker.begin(second) and not worker.begin(third)
    assert worker.save(first, result(A)) is Outcome.SAVED
    assert other.acquire([A]) is None and other.has(A)


def test_nobody_is_kept_waiting_by_a_worker_that_has_begun_nothing(opening: Opening) -> None:
    worker, other = opening(), opening()
    (first, _) = claimed(worker, A, B)

    assert wait_for(other, A).digest == A

    assert not worker.begin(first)


def test_a_worker_whose_claim_was_revoked_may_claim_again(opening: Opening) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)
    other.release(wait_for(other, A))
    worker.end_several()

    (again, _) = claimed(worker, A, B)

    assert worker.begin(again)
    assert other.acquire([A]) is None


def test_of_two_that_claim_the_same_one_at_most_gets_it(opening: Opening) -> None:
    one, other = opening(), opening()
    claimed(one, A, B)

    assert [lease.digest for lease in other.acquire_several([B, C, D])] == [C, D]
    assert other.acquire([A]) is None
    other.end_several()
    one.end_several()
    assert taken(other, A, B).digest == A


def test_who_holds_what_is_seen_as_tasks_are_begun(opening: Opening) -> None:
    worker, other = opening(), opening()
    leases = claimed(worker, A, B, C)
    worker.begin(leases[1])

    held = other.holders()

    assert held.keys() == {B, C}
    assert {holder.worker for holder in held.values()} == {worker.worker_id}
    assert all(holder.alive for holder in held.values())
    assert [digest for digest, holder in held.items() if not holder.waits] == [B]
    (presence,) = (one for one in other.present() if one.worker == worker.worker_id)
    assert [*presence.tasks] == [B]


HOLDER = """
import sys
from jug.backends.file_store import FileStore

store = FileStore(sys.argv[1])
leases = store.acquire_several([letter * 20 for letter in (b"a", b"b", b"c")])
assert len(leases) == 3 and store.begin(leases[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_worker_had_claimed_is_free_and_the_task_it_ran_is_told(
    opening: Opening,
) -> None:
    heir = opening()
    command = [sys.executable, "-c", HOLDER, heir.jugdir]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        assert heir.acquire([A, B, C]) is None
        holder.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)

        assert [taken(heir, A, B, C).digest for _ in range(3)] == [A, B, C]

    lost = [run.digest for run in heir.runs() if run.state is RunState.LOST]
    assert lost == [B]


def test_a_claim_that_is_half_written_is_none(opening: Opening) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)
    with open(own_file(worker), "r+b") as file:
        file.seek(CLAIM_AT + 40)
        file.write(b"\xff")

    assert taken(other, A, B).digest == A


def test_a_worker_whose_file_was_removed_claims_under_another_id(opening: Opening) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)
    before = worker.worker_id
    own_file(worker).unlink()
    worker.end_several()

    assert worker.acquire_several([A, B]) == []
    leases = claimed(worker, A, B)

    assert worker.worker_id != before
    assert worker.begin(leases[0])
    assert other.acquire([A, B]) is None


def test_a_worker_on_a_network_file_system_claims_nothing_and_heeds_claims(
    opening: Opening,
) -> None:
    worker, remote = opening(), opening(network=True)
    claimed(worker, A, B)

    assert remote.acquire_several([C, D]) == []
    assert remote.acquire([A]) is None
    assert taken(remote, A, B, C).digest == C
    assert remote.holders().keys() == {A, B, C}


def test_a_worker_that_knows_of_another_host_claims_nothing(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, remote = opening(), opening(network=True)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("jug.backends.process._boot", lambda: "another")
        remote.commit(taken(remote, A), result(A))

    worker.poll()

    assert worker.acquire_several([B, C]) == []


def test_nothing_is_claimed_beside_workers_of_a_version_that_does_not_look_for_it(
    opening: Opening,
) -> None:
    worker = opening()
    worker.put(result(A))
    lines = "jug file store 1.0\n" + "".join(
        Path(worker.jugdir, "format").read_text().splitlines(keepends=True)[1:-1]
    )
    Path(worker.jugdir, "format").write_text(marker.with_sum(lines))

    assert opening().acquire_several([B, C]) == []


def test_all_own_files_are_of_one_size(opening: Opening) -> None:
    worker = opening()
    claimed(worker, *(bytes([number]) * 20 for number in range(64)))

    assert own_file(worker).stat().st_size == SIZE


def test_more_tasks_are_not_taken_than_there_is_room_for(opening: Opening) -> None:
    digests = [bytes([number]) * 20 for number in range(80)]

    leases = opening().acquire_several(digests)

    assert [lease.digest for lease in leases] == digests[:64]


def test_marks_are_believed_a_moment_after_a_claim_was_revoked(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)
    monkeypatch.setattr(claims, "_SETTLED", 3600.0)
    monkeypatch.setattr(claims, "LATE", 0.0)
    with other.reader() as reader:
        for _ in range(3):
            assert other.acquire([A]) is None
            other.wait(reader, 0.001)

    monkeypatch.setattr(claims, "_SETTLED", 0.0)

    assert taken(other, A).digest == A
