"""Several short tasks under one lease, beside others who want them, in a directory."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from jug.backends import file_store
from jug.backends._file import claims, disk, marker
from jug.backends._file.worker_file import CLAIM_AT, SIZE
from jug.backends.base import Lease, Outcome
from jug.backends.file_store import FileStore
from jug.errors import StoreError
from jug.records import RunState
from jug.testing.hooks import result, taken

A, B, C, D = (letter * 20 for letter in (b"a", b"b", b"c", b"d"))

Opening = Callable[..., FileStore]


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Return a function that opens the store once more."""
    if sys.platform != "linux":
        pytest.skip("elsewhere a worker takes tasks one by one, as no disk is known to be local")
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


@pytest.fixture
def writing_over_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system be one that takes a new block for whatever is written."""
    monkeypatch.setattr(disk, "_IN_PLACE", frozenset())


def test_where_a_full_disk_could_kill_the_worker_it_marks_tasks_by_a_call(
    opening: Opening, writing_over_nothing: None
) -> None:
    worker, other = opening(), opening()
    leases = claimed(worker, A, B, C)
    assert worker.begin(leases[1])

    assert [d for d, holder in other.holders().items() if not holder.waits] == [B]
    assert wait_for(other, C).digest == C
    assert other.acquire([B]) is None
    assert not worker.begin(leases[2])


def test_a_disk_that_is_full_when_a_task_begins_is_told(
    opening: Opening, writing_over_nothing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other = opening(), opening()
    (first, _) = claimed(worker, A, B)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as on_full_disk:
        on_full_disk.setattr(os, "pwrite", full)
        with pytest.raises(StoreError, match="cannot begin a task .* the disk is full"):
            worker.begin(first)
        with pytest.raises(StoreError, match="cannot give leases back .* the disk is full"):
            worker.end_several()

    worker.end_several()
    assert taken(other, A).digest == A


def test_a_task_that_a_killed_worker_had_saved_is_not_told_as_lost(opening: Opening) -> None:
    heir = opening()
    command = [sys.executable, "-c", HOLDER_THAT_SAVES, heir.jugdir]
    heir.poll()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)

        assert [lease.digest for lease in heir.acquire_several([A, B, C])] == [B, C]
        heir.end_several()
        assert opening().acquire([A]) is None

    assert [run.state for run in heir.runs()] == [RunState.FINISHED]


HOLDER_THAT_SAVES = """
import sys
from jug.backends.file_store import FileStore
from jug.testing.hooks import result

store = FileStore(sys.argv[1])
leases = store.acquire_several([letter * 20 for letter in (b"a", b"b", b"c")])
assert store.begin(leases[0])
store.save(leases[0], result(leases[0].digest))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lost_run_is_told_once_though_its_task_is_taken_again_and_again(
    opening: Opening,
) -> None:
    heir, other = opening(), opening()
    command = [sys.executable, "-c", HOLDER, heir.jugdir]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)

        for store in (heir, other, heir):
            claimed(store, A, B)
            store.end_several()
            store.release(taken(store, B))

    assert [run.digest for run in heir.runs() if run.state is RunState.LOST] == [B]


def test_a_worker_that_began_anew_with_a_single_lease_claims_under_its_new_id(
    opening: Opening,
) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)
    worker.end_several()
    own_file(worker).unlink()
    worker.release(taken(worker, D))

    leases = claimed(worker, A, B)

    assert worker.begin(leases[0])
    assert [d for d, holder in other.holders().items() if not holder.waits] == [A]


def test_a_worker_that_began_anew_within_a_claim_begins_no_more_of_it(opening: Opening) -> None:
    worker, other = opening(), opening()
    leases = claimed(worker, A, B)
    own_file(worker).unlink()
    worker.release(taken(worker, D))
    assert claimed(other, B)

    assert not worker.begin(leases[1])


def test_who_only_looks_revokes_no_claim(opening: Opening) -> None:
    worker, viewer = opening(), opening()
    (first, _) = claimed(worker, A, B)
    with viewer.reader() as reader:
        for _ in range(3):
            viewer.wait(reader, 2 * claims.LATE)

    assert worker.begin(first)


def forbid_writing(monkeypatch: pytest.MonkeyPatch, theirs: Path) -> None:
    """Let nobody open a file for writing, as if it were another user's."""
    really = os.open

    def may_not_write(path: str, flags: int, *args: int) -> int:
        if path == str(theirs) and flags & os.O_WRONLY:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return really(path, flags, *args)

    monkeypatch.setattr(os, "open", may_not_write)


def test_who_may_not_write_to_the_file_of_another_user_waits_until_its_claim_ends(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other = opening(), opening()
    (first, _) = claimed(worker, A, B)
    forbid_writing(monkeypatch, own_file(worker))
    with other.reader() as reader:
        for _ in range(3):
            assert other.acquire([A]) is None
            other.wait(reader, 2 * claims.LATE)
    with pytest.raises(StoreError, match="permission denied"):
        other.break_leases([A])

    assert worker.begin(first)
    worker.end_several()
    assert taken(other, A)


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESTALE])
def test_a_file_that_is_removed_while_its_claim_is_read_has_none(
    opening: Opening, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)

    def gone(*_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as removed:
        removed.setattr(os, "pread", gone)
        assert other.holders() == {}


def test_a_claim_that_cannot_be_read_is_told_of_as_what_it_is(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)

    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as failing, pytest.raises(StoreError, match="read a claim"):
        failing.setattr(os, "pread", broken)
        other.holders()


def test_a_worker_on_a_network_file_system_revokes_nothing(opening: Opening) -> None:
    worker, remote = opening(), opening(network=True)
    (first, _) = claimed(worker, A, B)
    with remote.reader() as reader:
        for _ in range(3):
            assert remote.acquire([A]) is None
            remote.wait(reader, 2 * claims.LATE)

    assert worker.begin(first)


def test_a_worker_that_came_while_another_host_was_there_is_heeded_once_it_claims(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = opening(network=True)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("jug.backends.process._boot", lambda: "another")
        remote.commit(taken(remote, A), result(A))
    worker = opening()
    worker.poll()
    assert worker.acquire_several([B, C]) == []
    worker.commit(taken(worker, D), result(D))
    remote.close()
    worker.poll()
    claimed(worker, B, C)

    late = opening(network=True)

    assert late.acquire([B, C]) is None


def test_a_revocation_that_was_seen_with_half_of_the_claim_before_is_not_believed_at_once(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)
    now = 100.0
    monkeypatch.setattr(claims, "time", SimpleNamespace(monotonic=lambda: now))

    def sees_it_free(shown: bytes) -> bool:
        with open(own_file(worker), "r+b") as file:
            file.seek(CLAIM_AT + 4)
            file.write(shown)
        return other.acquire([A]) is not None

    assert not sees_it_free(b"\1") and not sees_it_free(b"\0")
    now += 1.0
    assert not sees_it_free(b"\1")
    now += 1.0
    assert sees_it_free(b"\1")


def test_what_is_discarded_is_not_saved_by_who_runs_it_though_others_have_claimed_it_too(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_store, "_FRESH", 3600.0)  # who saves reads nothing before
    one, other, third = opening(), opening(), opening()
    for worker, waiting in ((one, other), (other, one)):
        (lease, _) = claimed(worker, A, B)
        assert worker.begin(lease)
        assert waiting.acquire_several([A, C])  # A is shown, but not given

        third.discard([A])
        worker.save(lease, result(A))
        worker.end_several()
        waiting.end_several()

        assert third.exists_after_poll([A]) == [False]
        third.discard([B, C])
        one.poll()
        other.poll()


def test_what_is_discarded_is_not_saved_though_an_older_result_was_not_known_to_be_removed(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other, third = opening(), opening(), opening()
    third.put(result(A))
    for store in (worker, other):
        store.poll()
    third.discard([A])
    worker.poll()
    (first, second) = claimed(worker, A, B)
    assert worker.begin(first)
    really = other.poll

    def poll_just_before_it_is_saved(*, afresh: bool = False) -> None:
        really(afresh=afresh)
        if worker.begin(second):
            worker.save(first, result(A))
            worker.end_several()

    monkeypatch.setattr(other, "poll", poll_just_before_it_is_saved)
    other.discard([A])

    assert third.exists_after_poll([A]) == [False]


def test_a_worker_that_has_claimed_again_runs_none_until_it_says_so(opening: Opening) -> None:
    worker, other = opening(), opening()
    leases = claimed(worker, A, B, C)
    assert worker.begin(leases[1])
    worker.end_several()

    claimed(worker, A, B, C)

    assert [holder.waits for holder in other.holders().values()] == [True] * 3


def test_what_is_done_is_held_by_nobody_before_the_next_is_begun(opening: Opening) -> None:
    worker, other = opening(), opening()
    (first, _) = claimed(worker, A, B)
    assert worker.begin(first)
    worker.save(first, result(A))
    other.poll()

    assert other.holders().keys() == {B}


def test_a_claim_is_revoked_when_it_has_stood_for_a_while_and_not_before(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other = opening(), opening()
    first, second = claimed(worker, A, B)
    now = 100.0
    monkeypatch.setattr(claims, "time", SimpleNamespace(monotonic=lambda: now))
    with other.reader() as reader:
        assert other.acquire([B]) is None
        other.wait(reader, 0)
        assert worker.begin(first)

        now += 2 * claims.LATE
        other.wait(reader, 0)
        assert other.acquire([B]) is None

        now += 0.002
        assert taken(other, A, B).digest == B
        assert not worker.begin(second)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let nothing but sleeping take time where claims are waited for."""
    clock = Clock()
    for module in (claims, file_store):
        monkeypatch.setattr(module, "time", clock)
    return clock


def test_who_is_kept_back_by_a_long_task_waits_no_longer_than_it_must(
    opening: Opening, clock: Clock
) -> None:
    worker, other = opening(), opening()
    first, second = claimed(worker, A, B)
    assert worker.begin(first)

    assert wait_for(other, B)

    assert clock.slept == pytest.approx([claims.LATE, 0.001])
    assert not worker.begin(second)


def test_beside_who_claims_again_and_again_a_wait_looks_ever_more_seldom(
    opening: Opening, clock: Clock
) -> None:
    worker, other = opening(), opening()
    claimed(worker, A, B)
    with other.reader() as reader:
        assert other.acquire([A]) is None
        while clock.now < 110:
            worker.end_several()
            claimed(worker, A, B)
            other.wait(reader, 10)

    assert clock.slept[0] == pytest.approx(claims.LATE)
    assert clock.slept[-1] == pytest.approx(claims.LATE + 0.05)
    assert len(clock.slept) < 300


def test_the_task_of_another_users_killed_worker_is_taken_over_too(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    heir = opening()
    command = [sys.executable, "-c", HOLDER, heir.jugdir]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        (theirs,) = Path(heir.jugdir, "leases").iterdir()
        forbid_writing(monkeypatch, theirs)

        claimed(heir, A, B)

    assert [run.digest for run in heir.runs() if run.state is RunState.LOST] == [B]


@pytest.mark.parametrize("network", [False, True])
def test_over_a_network_what_is_broken_is_written_at_once(
    opening: Opening, monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    worker, other = opening(), opening(network=network)
    claimed(worker, A, B)
    flags_of, really = list[int](), os.open

    def noted(path: str, flags: int, *args: int) -> int:
        if path == str(own_file(worker)) and flags & os.O_WRONLY:
            flags_of.append(flags & os.O_DSYNC)
        return really(path, flags, *args)

    with monkeypatch.context() as noting:
        noting.setattr(os, "open", noted)
        assert other.break_leases([A]) == 1

    assert flags_of == [os.O_DSYNC if network else 0] * 2


def test_who_saves_late_sees_that_another_was_quicker(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, other = opening(), opening()
    (first, _) = claimed(worker, A, B)
    assert worker.begin(first)
    other.put(result(A))
    monkeypatch.setattr(file_store, "_FRESH", 0.0)

    assert worker.save(first, result(A)) is Outcome.DUPLICATE


def test_the_next_lease_is_of_no_task_that_another_has_claimed(opening: Opening) -> None:
    worker, other = opening(), opening()
    lease = taken(other, C)
    claimed(worker, A, B)

    saved = other.commit_and_acquire(lease, result(C), (), [A, D])

    assert saved[0] is Outcome.SAVED
    assert saved[1] is not None and saved[1].digest == D


def test_a_task_that_its_claimer_has_just_left_is_not_left_by_who_locked_it(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, claimer = opening(), opening()
    claimed(claimer, A, B)
    leases = store._leases
    release = leases.release

    def release_when_the_claim_is_over(digest: bytes) -> None:
        claimer.end_several()
        release(digest)

    monkeypatch.setattr(leases, "release", release_when_the_claim_is_over)

    lease = store.acquire([A, C])
    assert lease is not None and lease.digest == A


def test_a_task_that_stays_claimed_is_passed_over(opening: Opening) -> None:
    store, claimer = opening(), opening()
    claimed(claimer, A, B)

    lease = store.acquire([A, C])
    assert lease is not None and lease.digest == C
