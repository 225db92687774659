"""Several short tasks that a worker of a server takes together."""

import os
import signal
import subprocess
import sys
import time
from itertools import product
from types import SimpleNamespace

import pytest

from jug import records
from jug.backends.base import Outcome
from jug.backends.redis_store import RedisStore
from jug.execution.short_tasks import LONGEST
from jug.execution.slots import WorkerSlots
from jug.execution.worker_process import WorkerProcess
from jug.records import Record, RunState
from jug.testing.hooks import A, B, C, D, digests, failure, polled, result, taken


@pytest.fixture
def url(server):
    return server.url()


@pytest.fixture
def opened(url):
    """Return what opens the store; all are closed at the end."""
    stores = []

    def open_one(url=url, **options):
        stores.append(RedisStore.open(url, **options))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened):
    return opened()


@pytest.fixture
def other(opened):
    return opened()


def given_to(store, *candidates):
    leases = store.acquire_several(candidates)
    assert [lease.digest for lease in leases] == [*candidates]
    return leases


# Giving back


def test_those_behind_a_long_task_are_given_back_once_it_is_shown(store, other):
    first, second, third = given_to(store, A, B, C)
    assert store.save(first, result(A)) is None
    assert other.acquire([B, C]) is None

    store.heartbeat().show(B, time.time())

    assert taken(other, B, C).digest == C
    assert store.save(second, result(B)) is None
    assert store.end_several() == {A: Outcome.SAVED, B: Outcome.SAVED}
    assert other.holders().keys() == {C}
    assert third.digest == C


def test_who_waits_for_those_behind_a_long_task_hears_that_they_are_free(store, other):
    given_to(store, A, B)
    with other.reader() as reader:
        assert other.acquire([B]) is None
        store.heartbeat().show(A, time.time())
        other.wait(reader, 20)
    assert taken(other, B)


def test_a_long_task_that_was_taken_alone_gives_nothing_back(store, other):
    given_to(store, A, B)
    taken(store, C)

    store.heartbeat().show(C, time.time())
    other.heartbeat().show(A, time.time())

    assert other.acquire([A, B, C]) is None


def test_of_several_one_is_said_to_run(store, other):
    given_to(store, A, B, C)
    taken(other, D)

    assert sorted(holder.waits for holder in other.holders().values()) == [False, False, True, True]

    store.heartbeat().show(B, 1000.0)
    store.end_several()
    given_to(store, B, C)
    held = other.holders()
    assert (held[B].waits, held[B].since, held[C].waits) == (False, 1000.0, True)


def steps_of_worker(slots, clock, until, begun):
    """Show a task and then look at the clock, as `Worker._run` does, for each of three."""
    for digest in (A, B, C):
        yield
        slots.publish(0, SimpleNamespace(name="t", digest=digest, options=OPTIONS))
        yield
        if clock.now > until:
            slots.clear(0)
            return
        begun.append(digest)
        yield


OPTIONS = SimpleNamespace(timeout=None, retries=0)


def steps_of_supervisor(slots, clock, given_back):
    """Look at the clock and then at what is shown, as `Supervisor._attend` does."""
    worker = WorkerProcess(0, 0, None, None, None)
    worker.heartbeat = SimpleNamespace(
        show=lambda digest, since: given_back.update({A, B, C} - {digest})
    )
    while True:
        now = clock.now
        yield
        worker.show(slots.running(0), now)
        yield


@pytest.mark.parametrize("apart", [LONGEST / 2, LONGEST * 2, 1.5])
def test_nothing_is_begun_after_it_was_given_back_however_the_two_are_held_up(monkeypatch, apart):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("jug.execution.slots.time.monotonic", lambda: clock.now)
    gave, slots = 0, WorkerSlots.for_workers(1)
    for order in product("wst", repeat=8):
        clock.now, begun, given_back = 10.0, [], set()
        slots.reset(0)
        worker = steps_of_worker(slots, clock, clock.now + LONGEST, begun)
        supervisor = steps_of_supervisor(slots, clock, given_back)
        for turn in order:
            before = set(given_back)
            known = len(begun)
            if turn == "t":
                clock.now += apart
            else:
                next(worker if turn == "w" else supervisor, None)
            assert not before & {*begun[known:]}, order
        gave += bool(given_back)
    slots.close()
    assert bool(gave) == (apart > 1)


# Saving


def test_what_was_removed_after_it_was_saved_is_not_said_to_be_there(store, other):
    first, second = given_to(store, A, B)
    store.save(first, result(A))
    store.release(second)  # which waits for the answer
    other.discard([A])
    store.poll()

    assert store.end_several() == {A: Outcome.STALE}
    assert polled(store, [A]) == [False]


def test_what_was_removed_before_is_not_saved(store, other):
    first, second = given_to(store, A, B)
    other.put(result(C))
    other.discard([A, C])

    store.save(first, result(A))
    store.save(second, result(B))

    assert store.end_several() == {A: Outcome.STALE, B: Outcome.SAVED}
    assert polled(other, [A, B]) == [False, True]


def test_of_two_results_the_first_stays(store, other):
    (lease,) = given_to(store, A)
    other.put(result(A, "first"))

    store.save(lease, result(A, "second"))

    assert store.end_several() == {A: Outcome.DUPLICATE}
    assert store.load_digest(A) == "first"


def test_large_results_and_failures_are_saved_too(store, other):
    first, second = given_to(store, A, B)

    assert store.save(first, result(A, "x" * 100_000)) is Outcome.SAVED
    store.save(second, failure(B))

    assert store.end_several() == {B: Outcome.SAVED}
    assert polled(other, [A]) == [True]
    assert dict(other.failures()) == {B: False}


def test_a_result_ends_an_earlier_failure(store, other):
    other.put(failure(A))
    (lease,) = given_to(store, A)

    store.save(lease, result(A))
    store.end_several()

    assert dict(store.failures()) == {}
    assert {run.state for run in other.runs()} == {RunState.FAILED, RunState.FINISHED}


def test_a_task_is_saved_without_waiting_and_costs_one_call(servers):
    server = servers.new()
    with RedisStore.open(server.url()) as store:
        store.poll()
        before, tasks = server.calls(), digests(64)
        for lease in given_to(store, *tasks):
            store.save(lease, result(lease.digest))
        store.end_several()
        assert server.calls() - before <= len(tasks) + 3  # the first of each script is sent twice
        assert all(polled(store, tasks))


def test_an_answer_that_is_lost_is_asked_for_again(server, proxied, opened, other):
    proxy = proxied(server)
    prefix = other.url.partition("prefix=")[2]
    store = opened(f"redis://127.0.0.1:{proxy.port}/?prefix={prefix}")
    leases = given_to(store, *digests(20))
    store.save(leases[0], result(leases[0].digest))
    store.release(leases[1])
    proxy.answers_lost = 1

    for lease in leases[2:]:
        store.save(lease, result(lease.digest))
    outcomes = store.end_several()

    assert proxy.answers_lost == 0
    assert {*outcomes.values()} == {Outcome.SAVED} and len(outcomes) == 19
    assert sum(polled(other, digests(20))) == 19
    assert other.holders() == {}


# Dying

KILLED = """
import os, sys, time
from jug.backends.redis_store import RedisStore
from jug.testing.hooks import A, B, C, D, result

store = RedisStore.open(sys.argv[1])
first, *rest = store.acquire_several([A, B, C, D])
store.save(first, result(A))
if sys.argv[2]:
    store.heartbeat().show(B, time.time())
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("shown", ["", "shown"])
def test_who_is_killed_loses_nothing_that_was_saved_and_keeps_nothing(url, store, shown):
    died = subprocess.run([sys.executable, "-c", KILLED, url, shown], check=False)
    assert died.returncode == -signal.SIGKILL

    assert {taken(store, A, B, C, D).digest for _ in range(3)} == {B, C, D}
    assert polled(store, [A]) == [True]

    lost = [run.digest for run in store.runs() if run.state is RunState.LOST]
    assert lost == ([B] if shown else [])  # of the others it had begun none, as far as is known


def test_who_leaves_gives_back_what_was_not_run(opened, other):
    store = opened()
    first, *_ = given_to(store, A, B, C)
    store.save(first, result(A))
    store.close()

    assert other.holders() == {}
    assert polled(other, [A]) == [True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_leaves_what_was_sent_to_its_parent(store, other):
    first, *_ = given_to(store, A, B)
    store.save(first, result(A))
    child = os.fork()
    if not child:
        store.after_fork()
        os._exit(bool(store.end_several()) or store.acquire([B]) is not None)

    assert os.waitpid(child, 0)[1] == 0
    assert store.end_several() == {A: Outcome.SAVED}
    assert taken(other, B)


def test_a_note_between_two_saves_gets_its_own_answer(store):
    first, second = given_to(store, A, B)
    store.save(first, result(A))
    store.note(B, RunState.RETRIED, records.pack(Record(start=1.0)))
    assert store.holders().keys() == {B}
    store.save(second, result(B))

    assert store.end_several() == {A: Outcome.SAVED, B: Outcome.SAVED}
