"""Leases in a real directory: of one worker, of several, of dead ones, and under faults."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from jug.backends._file.heartbeat import LeaseHeartbeat
from jug.backends._file.heartbeat_monitor import HeartbeatMonitor
from jug.backends._file.leases import FileLeases
from jug.backends.base import Holder
from jug.backends.process import Process
from jug.errors import StoreError

TASKS = [bytes([n]) * 20 for n in range(10)]
ELSEWHERE = Process("far", "another boot", "pid:[1]", 1, "1")

Join = Callable[..., FileLeases]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the leases are."""
    return tmp_path / "leases"


@pytest.fixture
def join(folder: Path) -> Iterator[Join]:
    """Call for one more worker."""
    workers: list[FileLeases] = []

    def make(process: Process | None = None, lease_seconds: float = 120) -> FileLeases:
        workers.append(FileLeases(folder, lease_seconds, process))
        return workers[-1]

    yield make
    for worker in workers:
        worker.forget()


def dead_process() -> Process:
    """Return a process of this host that has ended."""
    if sys.platform != "linux":
        pytest.skip("elsewhere only silence tells that a process is gone")
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2].split()[19]
    child.communicate(b"\n")
    return Process.here()._replace(pid=child.pid, started=started)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# The worker's own leases


def test_a_lease_is_taken_once_and_free_again_after_its_release(join: Join) -> None:
    first, second = join(), join()

    assert first.take(TASKS[0])
    assert not first.take(TASKS[0])
    assert not second.take(TASKS[0])
    assert first.holds(TASKS[0]) and not second.holds(TASKS[0])

    assert first.release(TASKS[0])
    assert not first.release(TASKS[0])
    assert second.take(TASKS[0])


def test_only_the_own_file_is_left_of_a_lease_that_was_released(join: Join, folder: Path) -> None:
    worker = join()

    worker.take(TASKS[0])
    worker.release(TASKS[0])

    assert os.listdir(folder) == [worker.worker_id]


def test_who_only_looks_leaves_nothing(join: Join, folder: Path) -> None:
    worker = join()

    assert worker.holders() == {}
    assert not worker.release(TASKS[0]) and not worker.holds(TASKS[0])
    assert not worker.break_lease(TASKS[0])
    worker.tidy()
    worker.leave()

    assert not folder.exists() and worker.worker_id is None


def test_leaving_gives_all_back(join: Join, folder: Path) -> None:
    worker = join()
    for task in TASKS:
        assert worker.take(task)

    worker.leave()

    assert os.listdir(folder) == []
    assert worker.worker_id is None


def test_a_worker_that_joins_again_has_another_id(join: Join) -> None:
    worker = join()

    first = worker.join()
    worker.leave()

    assert worker.join() != first


def test_of_many_tasks_the_first_that_is_free_is_taken(join: Join) -> None:
    first, second = join(), join()
    first.take(TASKS[0])
    first.take(TASKS[1])

    assert second.take_any(TASKS) == TASKS[2]
    assert second.take_any(TASKS[:3]) is None
    assert second.take_any([]) is None

    first.release(TASKS[1])
    assert second.take_any(TASKS[:3]) == TASKS[1]


def test_what_others_hold_is_not_tried_again_while_there_is_something_else(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = join(), join()
    for task in TASKS[:5]:
        first.take(task)
    assert second.take_any(TASKS) == TASKS[5]
    asked = []

    def take(task: bytes) -> bool:
        asked.append(task)
        return True

    monkeypatch.setattr(second, "take", take)
    assert second.take_any(TASKS[:5] + TASKS[6:]) == TASKS[6]

    assert asked == [TASKS[6]]


def test_holders_say_which_process_holds_what(join: Join) -> None:
    here, far = join(), join(ELSEWHERE)
    here.take(TASKS[0])
    far.take(TASKS[1])

    held = join().holders()

    assert set(held) == set(TASKS[:2])
    known = {digest: holder._replace(last_sign=0.0) for digest, holder in held.items()}
    assert known[TASKS[0]] == Holder(here.worker_id, Process.here(), alive=True)
    assert known[TASKS[1]] == Holder(far.worker_id, ELSEWHERE, alive=True)


# Dead workers


@pytest.mark.parametrize(
    "said",
    [
        b'["node07", "boot", "pid:[1]", "4711", "1"]\n',
        b'{"host": 1, "boot": 2, "namespace": 3, "pid": 4, "started": 5}\n',
        b'["node07", "boot", "pid:[1]", 4711, "1", "more"]\n',
        b'["node\xff", "boot", "pid:[1]", 4711, "1"]\n',
        b"[]\n\n" + b"61" * 20 + b" 1.2.3\n",
        b"",
    ],
)
def test_a_holder_whose_words_are_not_understood_is_seen_all_the_same(
    join: Join, folder: Path, said: bytes
) -> None:
    worker = join()
    assert worker.take(b"a" * 20)
    assert worker.worker_id is not None
    (folder / worker.worker_id).write_bytes(worker.worker_id.encode() + b"\n" + said)

    holder = join().holders()[b"a" * 20]

    assert (holder.worker, holder.process, holder.since) == (worker.worker_id, None, 0.0)


def test_the_lease_of_a_process_that_is_gone_is_taken_over_at_once(join: Join) -> None:
    dead, heir = join(dead_process()), join()
    dead.take(TASKS[0])

    assert not heir.holders()[TASKS[0]].alive
    assert heir.take_any(TASKS[:1]) == TASKS[0]

    assert heir.holds(TASKS[0]) and not dead.holds(TASKS[0])
    assert heir.release(TASKS[0])


def test_the_lease_of_a_process_that_lives_is_not_taken_over(join: Join) -> None:
    holder, other = join(), join()
    holder.take(TASKS[0])

    assert not other.steal(TASKS[0])
    assert other.take_any(TASKS[:1]) is None


def test_a_worker_that_was_stolen_from_touches_nothing(join: Join) -> None:
    seems_dead, thief = join(dead_process()), join()
    seems_dead.take(TASKS[0])
    seems_dead.take(TASKS[1])

    assert thief.steal(TASKS[0])

    assert not seems_dead.release(TASKS[0])
    assert thief.holds(TASKS[0])
    assert seems_dead.holds(TASKS[1]) and seems_dead.release(TASKS[1])


def test_of_two_thieves_the_second_gets_nothing(join: Join) -> None:
    dead, first, second = join(dead_process()), join(), join()
    dead.take(TASKS[0])

    assert first.steal(TASKS[0])
    assert not second.steal(TASKS[0])


def test_a_shut_gate_of_a_dead_thief_is_broken(join: Join, folder: Path) -> None:
    dead, thief, heir = join(dead_process()), join(dead_process()), join()
    dead.take(TASKS[0])
    gate = f"{TASKS[0].hex()}~{dead.worker_id}"
    os.link(folder / thief.join(), folder / gate)

    assert heir.take_any(TASKS[:1]) == TASKS[0]

    assert not [name for name in os.listdir(folder) if "~" in name]


def test_a_lock_behind_the_gate_of_a_living_thief_is_owed_and_released_later(
    join: Join, folder: Path
) -> None:
    holder, thief = join(), join()
    holder.take(TASKS[0])
    gate = folder / f"{TASKS[0].hex()}~{holder.worker_id}"
    os.link(folder / thief.join(), gate)

    assert not holder.release(TASKS[0]) and not holder.holds(TASKS[0])
    assert TASKS[0] in thief.holders()
    gate.unlink()
    assert holder.take(TASKS[1])

    assert set(thief.holders()) == {TASKS[1]}


def test_breaking_takes_a_lease_away_from_the_living(join: Join) -> None:
    holder, other = join(), join()
    holder.take(TASKS[0])

    assert other.break_lease(TASKS[0])
    assert not other.break_lease(TASKS[0])

    assert not holder.holds(TASKS[0])
    assert other.take(TASKS[0])
    assert not holder.release(TASKS[0])
    assert other.break_lease(TASKS[0]) and not other.holds(TASKS[0])


def test_tidying_removes_what_the_dead_left_and_nothing_else(join: Join, folder: Path) -> None:
    living = join()
    living.take(TASKS[0])
    for task in TASKS[1:4]:
        dead = join(dead_process())
        dead.take(task)
        os.link(folder / dead.join(), folder / f"{task.hex()}~{dead.worker_id}")
    tidier = join()

    tidier.tidy()
    tidier.leave()

    assert set(os.listdir(folder)) == {TASKS[0].hex(), living.worker_id}


def test_a_worker_that_was_tidied_away_begins_anew(join: Join, folder: Path) -> None:
    taken_for_dead, tidier = join(dead_process()), join()
    taken_for_dead.take(TASKS[0])
    before = taken_for_dead.worker_id
    tidier.tidy()

    assert not taken_for_dead.holds(TASKS[0])
    assert not taken_for_dead.release(TASKS[0])
    assert taken_for_dead.take(TASKS[1])

    assert taken_for_dead.worker_id not in (None, before)
    assert set(tidier.holders()) == {TASKS[1]}


def test_a_worker_whose_file_was_removed_by_hand_gives_up_its_locks(
    join: Join, folder: Path
) -> None:
    worker = join()
    worker.take(TASKS[0])
    (folder / worker.join()).unlink()

    assert worker.take(TASKS[1])

    assert set(worker.holders()) == {TASKS[1]}


def test_a_forked_child_leaves_its_parents_leases_alone(join: Join) -> None:
    worker = join()
    worker.take(TASKS[0])
    child = os.fork()
    if not child:
        worker.forget()
        worker.leave()
        os._exit(worker.take(TASKS[0]) or not worker.take(TASKS[1]))

    assert os.waitpid(child, 0)[1] == 0
    assert worker.holds(TASKS[0])


# Heartbeats


def test_a_heartbeat_that_stands_still_for_eight_reads_is_death() -> None:
    clock = Clock()
    monitor = HeartbeatMonitor(80, clock)

    for _ in range(7):
        monitor.saw("far", 5)
        clock.now += 10
    assert not monitor.is_dead("far")
    monitor.saw("far", 5)

    assert monitor.is_dead("far") and not monitor.is_dead("another")
    monitor.saw("far", 6)
    assert not monitor.is_dead("far")


def test_reads_in_quick_succession_count_once() -> None:
    clock = Clock()
    monitor = HeartbeatMonitor(80, clock)

    for _ in range(600):
        monitor.saw("far", 5)
        clock.now += 0.1

    assert not monitor.is_dead("far")


@pytest.mark.parametrize("gap", ["late", "failed"])
def test_a_gap_in_the_reads_starts_the_count_again(gap: str) -> None:
    clock = Clock()
    monitor = HeartbeatMonitor(80, clock)

    for _ in range(7):
        monitor.saw("far", 5)
        clock.now += 10
    if gap == "late":
        clock.now += 40
    else:
        monitor.read_failed()
    monitor.saw("far", 5)

    assert not monitor.is_dead("far")


def test_only_ten_lease_times_of_silence_are_taken_for_the_end() -> None:
    clock = Clock()
    monitor = HeartbeatMonitor(80, clock)

    while clock.now < 1800:
        monitor.saw("far", 5)
        assert not monitor.is_gone("far")
        clock.now += 10
    monitor.saw("far", 5)

    assert monitor.is_gone("far")


def test_a_worker_elsewhere_is_dead_once_its_heartbeat_was_seen_to_stop(
    join: Join, folder: Path
) -> None:
    clock = Clock()
    far, near = join(ELSEWHERE, 80), join(None, 80)
    near.links.monitor = HeartbeatMonitor(80, clock)
    far.take(TASKS[0])

    for beat in range(20):
        os.utime(folder / far.join(), (beat, beat))
        assert near.take_any(TASKS[:1]) is None
        clock.now += 10
    for _ in range(6):  # the seventh read is the last of those above
        assert near.take_any(TASKS[:1]) is None
        clock.now += 10

    assert near.take_any(TASKS[:1]) == TASKS[0]
    assert not far.release(TASKS[0])


def test_a_heartbeat_pickles_and_touches_the_file_no_more_often_than_it_must(
    join: Join, folder: Path
) -> None:
    worker = join(None, 1600)
    heartbeat = pickle.loads(pickle.dumps(worker.heartbeat()))
    own = folder / worker.join()
    assert vars(heartbeat) == vars(worker.heartbeat()) and heartbeat.interval == 1.0
    os.utime(own, (5, 5))

    heartbeat.beat()
    assert own.stat().st_mtime > 5
    os.utime(own, (5, 5))
    heartbeat.beat()
    assert own.stat().st_mtime == 5


def test_a_heartbeat_goes_on_for_a_worker_that_began_anew(join: Join, folder: Path) -> None:
    worker = join(None, 0.001)
    heartbeat = worker.heartbeat()
    (folder / worker.join()).unlink()
    heartbeat.beat()
    worker.take(TASKS[0])
    own = folder / worker.join()
    os.utime(own, (5, 5))

    heartbeat._due = 0.0
    heartbeat.beat()
    heartbeat.beat()

    assert own.stat().st_mtime > 5


def test_a_heartbeat_that_fails_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = LeaseHeartbeat(str(tmp_path / "own"), 0.001, Process.here())

    def refuse(path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "utime", refuse)
    heartbeat.beat()
    heartbeat.beat()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be written (Input/output error)" in caplog.text


# Faults


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_hard_links_is_refused(
    join: Join, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreError, match="does not make or count hard links: choose a --jugdir"):
        join().take(TASKS[0])

    assert os.listdir(folder) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_what_the_system_refuses_is_reported_and_the_worker_goes_on_after_it(
    join: Join, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    worker = join()
    worker.take(TASKS[0])

    def refuse(source: str, target: str) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        with pytest.raises(StoreError, match="cannot take a lease in '.*leases'"):
            worker.take(TASKS[1])
        with pytest.raises(StoreError, match="cannot release a lease in '.*leases'"):
            worker.release(TASKS[0])

    assert worker.take(TASKS[1])
    assert worker.release(TASKS[0]) and worker.release(TASKS[1])
    assert os.listdir(folder) == [worker.worker_id]


def test_a_link_that_was_made_though_its_answer_was_lost_is_noticed(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, really_link = join(), os.link
    worker.join()

    def lose_answer(source: str, target: str) -> None:
        really_link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", lose_answer)
        assert worker.take(TASKS[0])
        assert worker.release(TASKS[0])

    assert worker.holders() == {}


def test_a_lock_that_does_not_say_whose_it_is_heals(join: Join, folder: Path) -> None:
    clock = Clock()
    worker = join(None, 80)
    worker.links.monitor = HeartbeatMonitor(80, clock)
    worker.join()
    (folder / TASKS[0].hex()).write_bytes(b"")

    for _ in range(7):
        assert worker.take_any(TASKS[:1]) is None
        clock.now += 10

    assert worker.take_any(TASKS[:1]) == TASKS[0]


# Processes

CONTENDER = """
import os, sys
from pathlib import Path
from jug.backends import process
from jug.backends._file.leases import FileLeases

process._boot = lambda: Path(sys.argv[1]).parent.name  # each folder is another host's view
leases = FileLeases(Path(sys.argv[1]), 120)
file = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
for turn in range(int(sys.argv[3])):
    task = leases.take_any([bytes([(turn + n) % 3]) * 20 for n in range(3)])
    if task is not None:
        os.write(file, b"+%c" % task[0])
        os.write(file, b"-%c" % task[0])
        leases.release(task)
leases.leave()
"""

HOLDER = """
import sys
from pathlib import Path
from jug.backends._file.leases import FileLeases

FileLeases(Path(sys.argv[1]), 120).take(bytes(20))
print("held", flush=True)
sys.stdin.read()
"""


def contend(folders: list[Path], log: Path, rounds: int) -> None:
    """Let workers fight for three tasks, and check that no two had one at a time."""
    log.touch()
    workers = [
        subprocess.Popen([sys.executable, "-c", CONTENDER, str(folder), str(log), str(rounds)])
        for folder in folders
    ]
    assert [worker.wait() for worker in workers] == [0] * len(folders)

    noted = log.read_bytes()
    for task in range(3):
        of_task = [noted[at : at + 1] for at in range(0, len(noted), 2) if noted[at + 1] == task]
        assert of_task and of_task == [b"+", b"-"] * (len(of_task) // 2)


def test_processes_never_hold_one_lease_together(folder: Path, tmp_path: Path) -> None:
    contend([folder] * 4, tmp_path / "log", 500)

    assert os.listdir(folder) == []


@pytest.fixture
def mounts(
    tmp_path: Path, program: Callable[[str], str], unavailable: Callable[[str], NoReturn]
) -> Iterator[list[Path]]:
    """Two views of one folder, each with caches that are stale for half a minute."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        unavailable("/dev/fuse")
    caches = ",".join(f"{what}_timeout=30" for what in ("attr", "entry", "negative", "ac_attr"))
    (tmp_path / "store").mkdir()
    views = [tmp_path / "one", tmp_path / "other"]
    servers = []
    for view in views:
        view.mkdir()
        command = [program("bindfs"), "-f", "-o", caches, str(tmp_path / "store"), str(view)]
        servers.append(subprocess.Popen(command))
        while not view.is_mount():
            assert servers[-1].poll() is None
            time.sleep(0.01)
    yield views
    for server in servers:
        server.terminate()
        server.wait()


def test_hosts_that_see_stale_names_and_counts_never_hold_one_lease_together(
    mounts: list[Path], tmp_path: Path
) -> None:
    contend([view / "leases" for view in mounts * 2], tmp_path / "log", 200)

    assert os.listdir(tmp_path / "store" / "leases") == []


def test_a_lease_is_taken_over_and_lost_through_stale_caches(mounts: list[Path]) -> None:
    clock = Clock()
    one, other = (FileLeases(view / "leases", 80) for view in mounts)
    one._process = other._process = ELSEWHERE
    other.links.monitor = HeartbeatMonitor(80, clock)
    one.take(TASKS[0])
    one.take(TASKS[1])
    os.utime(one.links.own_path, (5, 5))
    assert set(other.holders()) == {TASKS[0], TASKS[1]}

    clock.now += 10
    os.utime(one.links.own_path, (6, 6))
    for _ in range(7):
        assert not other.steal(TASKS[0])
        clock.now += 10

    assert other.steal(TASKS[0])
    assert not one.holds(TASKS[0]) and one.holds(TASKS[1])
    assert not one.release(TASKS[0]) and one.release(TASKS[1])
    assert other.holds(TASKS[0]) and other.release(TASKS[0])
    one.leave()
    other.leave()
    assert os.listdir(mounts[0].parent / "store" / "leases") == []


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_process_loses_its_lease_and_a_stopped_one_does_not(
    folder: Path, join: Join, stop: signal.Signals
) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        heir = join()

        holder.send_signal(stop)
        if stop == signal.SIGKILL:
            if sys.platform != "linux":
                pytest.skip("elsewhere only silence tells that a process is gone")
            # Wait, and leave a zombie: that is gone, too.
            os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)

        assert (heir.take_any(TASKS[:1]) is None) == (stop == signal.SIGSTOP)
        holder.kill()
