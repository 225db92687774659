"""What the redis store does beyond the promises of every store, on one server."""

import itertools
import os
import threading
from statistics import median
from time import monotonic, sleep

import pytest
from redis.exceptions import ConnectionError

from jug import Task, codec, records, value
from jug.backends._redis.connection import Connection
from jug.backends.base import Frame, Kind, Outcome
from jug.backends.process import Process
from jug.backends.redis_store import RedisStore
from jug.errors import DamagedResult, ResultNotFound, StoreFormatError
from jug.hash import SCHEME_VERSION
from jug.records import Record
from jug.session import using_here
from jug.testing.hooks import A, B, C, D, digests, failure, result, taken, told

LEASE = 0.5


@pytest.fixture
def url(server):
    return server.url()


@pytest.fixture
def key(server, url):
    """Return the full name of a key of the project."""
    return lambda name: f"jug:{{{url.partition('prefix=')[2]}}}:{name}"


@pytest.fixture
def opened(url):
    """Return what opens the store; all are closed at the end."""
    stores = []

    def open_one(**options):
        stores.append(RedisStore.open(url, **{"lease_seconds": LEASE, **options}))
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


def run_all(store, tasks, candidates=4):
    """Run tasks as a worker does; return how many it ran."""
    frame = result(A)
    lease, count = store.acquire(tasks[:candidates]), 0
    while lease is not None:
        count += 1
        rest = tasks[count : count + candidates]
        frame = frame._replace(digest=lease.digest)
        _, lease = store.commit_and_acquire(lease, frame, (), rest)
    return count


# Round trips


def check_round_trips(servers, tasks):
    server = servers.new()
    url = server.url()
    with RedisStore.open(url) as store:
        before = server.calls()
        assert run_all(store, tasks) == len(tasks)
        assert server.calls() - before <= 1.2 * len(tasks)

    with RedisStore.open(url) as reader:
        before = server.calls()
        reader.poll()
        assert server.calls() - before <= 4 + len(tasks) / 1000
        assert all(reader.exists(tasks))
    assert "cmdstat_keys" not in server.client().info("commandstats")


def test_a_worker_makes_one_round_trip_per_task(servers):
    check_round_trips(servers, digests(1000))


@pytest.mark.slow
def test_a_worker_makes_one_round_trip_per_task_of_20000(servers):
    check_round_trips(servers, digests(20_000))


def test_whether_all_is_done_costs_a_trip_for_each_thousand_tasks(servers):
    server, tasks = servers.new(), digests(5000)
    with RedisStore.open(server.url()) as store, RedisStore.open(store.url) as reader:
        run_all(store, tasks)
        before = server.calls()

        assert reader.exists_after_poll(tasks) == [True] * len(tasks)
        assert server.calls() - before <= 1 + len(tasks) / 1000


@pytest.mark.parametrize("at", [0, 2500])
def test_which_tasks_are_done_is_told_when_not_all_are(store, other, at):
    tasks = digests(3000)
    missing = tasks[at]
    run_all(store, [task for task in tasks if task != missing])

    assert other.exists_after_poll(tasks) == [task != missing for task in tasks]


@pytest.mark.parametrize("trouble", ["no scripts", "a broken connection"])
def test_what_is_not_answered_is_asked_again(server, store, other, monkeypatch, trouble):
    tasks = digests(5000)
    run_all(store, tasks)
    receive, count = Connection.receive, itertools.count()

    def receive_or_fail(line):
        if next(count) == 3:
            if trouble == "no scripts":
                server.client().script_flush()
            else:
                raise ConnectionError("lost")
        return receive(line)

    monkeypatch.setattr(Connection, "receive", receive_or_fail)

    assert other.exists_after_poll(tasks) == [True] * len(tasks)


def test_polling_again_brings_only_what_is_new(servers):
    server = servers.new()
    with RedisStore.open(server.url()) as store, RedisStore.open(store.url) as other:
        run_all(store, digests(200))
        other.poll()
        changes = other.reader()
        store.put(result(A, 2))
        store.put(failure(B))

        before = server.calls()
        assert not other.refresh(changes)
        assert server.calls() - before == 1


# The index


def forget_log(server, key, how):
    client = server.client()
    if how == "trimmed":
        client.xtrim(key("log"), maxlen=1, approximate=False)
    else:
        client.delete(key("log"))
        client.xadd(key("log"), {"e": b"u" + C})


@pytest.mark.parametrize("how", ["trimmed", "of another history"])
def test_a_reader_that_missed_events_reads_the_index_anew(server, key, store, other, how):
    one, two, three, four, five = digests(5)
    for digest in (one, two):
        store.put(result(digest))
    store.put(failure(three))
    other.poll()
    reader = other.reader()
    store.discard([one, three])
    store.put(failure(four, kept=True))
    store.put(result(five))
    forget_log(server, key, how)

    changes = other.refresh(reader)

    assert other.exists([one, two, five]) == [False, True, True]
    assert dict(other.failures()) == {four: True}
    # Of what is still there it is not known whether it was removed and made anew.
    assert sorted(changes.finished) == sorted([two, five])
    assert changes.failed == [four]
    assert sorted(changes.removed) == sorted([one, two, three])


@pytest.mark.parametrize("how", ["trimmed", "of another history"])
def test_a_result_made_anew_while_events_were_missed_is_told_as_both_and_makes_stale(
    server, key, store, other, how
):
    store.put(result(A, "old"))
    lease, reader = taken(other, B), other.reader()
    assert other.load_digest(A) == "old"
    store.discard([A])
    store.put(result(A, "new"))
    forget_log(server, key, how)

    changes = other.refresh(reader)

    assert told(changes) == ({A}, set(), {A})
    assert other.commit(lease, result(B), [A]) is Outcome.STALE
    again = taken(other, B)
    assert other.commit(again, result(B), [A]) is Outcome.SAVED


@pytest.mark.parametrize("how", ["trimmed", "of another history"])
def test_where_nothing_was_removed_missed_events_change_nothing_that_is_there(
    server, key, store, other, how
):
    store.put(result(A))
    store.put(failure(D))
    lease, reader = taken(other, B), other.reader()
    store.put(result(C))
    forget_log(server, key, how)

    assert told(other.refresh(reader)) == ({C}, set(), set())
    assert other.commit(lease, result(B), [A]) is Outcome.SAVED


@pytest.fixture
def finish_many(server, key, store):
    """Return what finishes tasks as if other workers had."""

    def finish(tasks):
        store.put(result(tasks[0]))
        client = server.client()
        entry = client.hget(key("results"), tasks[0])
        client.hset(key("results"), mapping=dict.fromkeys(tasks, entry))
        with client.pipeline() as pipeline:
            for digest in tasks[1:]:
                pipeline.xadd(key("log"), {"e": b"d" + digest})
            pipeline.execute()

    return finish


def test_a_reader_that_is_far_behind_catches_up_in_several_answers(other, finish_many):
    other.poll()
    changes = other.reader()
    many = digests(5000)
    finish_many(many)

    assert len(other.refresh(changes).finished) == 5000
    assert all(other.exists(many))


def test_own_frames_are_known_though_the_worker_is_far_behind(other, finish_many):
    other.poll()
    finish_many(digests(4200))
    late = result(b"late" * 5)

    other.put(late)

    assert other.has(late.digest)
    assert len(list(other.digests())) == 4201


def test_a_large_index_is_read_page_by_page(opened, store, finish_many):
    many = digests(9000)
    finish_many(many)
    store.put(failure(b"failed" + bytes(14)))

    reader = opened()
    reader.poll()

    assert set(reader.digests()) == set(many)
    assert len(reader.failures()) == 1


def test_a_reader_writes_nothing(server, key, store):
    store.poll()
    store.exists([A])
    store.holders()
    store.wait(store.reader(), 0.01)

    assert not server.client().keys(key("*").replace("{", "[{]").replace("}", "[}]"))


# Results of every size


@pytest.mark.parametrize("size", [0, 1000, 1024, 1025, 4096, 10_000, 100_000])
def test_a_result_is_split_where_it_is_large(opened, size):
    store, other = opened(chunk_bytes=4096), opened()
    payload = codec.encode(os.urandom(size))

    store.put(Frame(Kind.RESULT, A, records.pack(Record("m.f")), payload))

    other.poll()
    assert other.read(A) == b"".join(payload)
    assert other.size(A) == len(b"".join(payload))
    assert other.record(A).name == "m.f"


def blobs(server, key):
    prefix = key("blob:")
    return [
        name for name in server.client().scan_iter(count=1000) if name.startswith(prefix.encode())
    ]


def test_a_large_result_is_kept_for_ever_and_removed_whole(server, key, opened):
    store = opened(chunk_bytes=4096)
    store.put(result(A, os.urandom(10_000)))
    (blob,) = blobs(server, key)
    assert server.client().hlen(blob) == 3
    assert server.client().ttl(blob) == -1

    store.discard([A])

    assert not blobs(server, key)


def test_a_second_large_result_leaves_nothing_behind(server, key, opened):
    store, other = opened(chunk_bytes=4096), opened(chunk_bytes=4096)
    store.put(result(A, os.urandom(10_000)))
    first = blobs(server, key)

    other.put(result(A, os.urandom(10_000)))

    assert blobs(server, key) == first


def test_a_large_result_that_is_never_announced_goes_by_itself(server, key, opened):
    store = opened(chunk_bytes=4096)
    store._leases._prepared(result(A, os.urandom(10_000)))

    (blob,) = blobs(server, key)
    assert 0 < server.client().ttl(blob) <= 3600


def test_a_large_result_that_went_before_it_was_announced_is_sent_again(server, key, opened):
    store = opened(chunk_bytes=4096)
    prepare, lost = store._leases._prepared, []

    def lose_the_first(*arguments):
        ending = prepare(*arguments)
        if not lost:
            lost.extend(blobs(server, key))
            server.client().delete(*lost)
        return ending

    store._leases._prepared = lose_the_first
    lease = taken(store, A)
    assert store.commit(lease, result(A, bytes(10_000))) is Outcome.SAVED
    assert store.load_digest(A) == bytes(10_000)
    assert lost


def test_a_chunk_that_is_missing_is_damage(server, key, opened):
    store = opened(chunk_bytes=4096)
    store.put(result(A, os.urandom(10_000)))
    server.client().hdel(blobs(server, key)[0], 1)

    with pytest.raises(DamagedResult):
        store.read(A)


def test_an_entry_that_was_cut_is_damage(server, key, store):
    store.put(result(A, "value"))
    entry = server.client().hget(key("results"), A)

    for length in (3, 30, len(entry) - 1):
        server.client().hset(key("results"), A, entry[:length])
        with pytest.raises(DamagedResult, match=A.hex()):
            store.read(A)


def test_a_result_that_is_removed_while_it_is_read_is_not_found(server, opened):
    store = opened(chunk_bytes=4096)
    store.put(result(A, os.urandom(10_000)))
    server_of_store = store._access.server
    run, other = server_of_store.command, opened()

    def remove_first(*words):
        other.discard([A])
        return run(*words)

    server_of_store.command = remove_first
    with pytest.raises(ResultNotFound):
        store.read(A)


def test_arrays_that_are_read_can_be_written_to(store):
    numpy = pytest.importorskip("numpy")
    store.put(result(A, numpy.arange(10_000)))

    array = store.load_digest(A)
    array[0] = 7

    assert array[0] == 7


# Records


def test_a_record_names_the_process_that_ran_the_task(store, other):
    here = Process.here()
    assert store.commit(taken(store, A), result(A)) is Outcome.SAVED
    store.put(failure(B))
    named = Record("m.f", worker="somebody else")
    store.put(result(C)._replace(record=records.pack(named)))

    found = other.records([A, B, C])

    assert [record.worker for record in found[:2]] == [f"{here.host}:{here.pid}"] * 2
    assert found[2] == named


def test_many_records_and_sizes_are_read_in_few_round_trips(servers):
    server = servers.new()
    many = digests(2500)
    with RedisStore.open(server.url()) as store:
        run_all(store, many)
        before = server.client().info("commandstats")["cmdstat_hmget"]["calls"]

        assert all(record.worker for record in store.records(many))
        assert min(store.sizes(many)) > 0

        after = server.client().info("commandstats")["cmdstat_hmget"]["calls"]
        assert after - before <= 2 * 3


def test_many_values_are_read_in_few_round_trips(servers):
    server = servers.new()
    with RedisStore.open(server.url()) as store, using_here(store):
        tasks = [Task(abs, -number) for number in range(2500)]
        run_all(store, [task.digest for task in tasks])
        before = server.client().info("commandstats")["cmdstat_hmget"]["calls"]

        assert len(value([tasks, {"more": tasks[:5]}])[0]) == 2500

        after = server.client().info("commandstats")["cmdstat_hmget"]["calls"]
        assert after - before <= 3


# Leases


def move_to_another_host(server, key, store):
    """Make a worker's process one that can't be judged from here."""
    client = server.client()
    for worker, process in client.hgetall(key("workers")).items():
        if worker.decode() == store._leases.identity():
            client.hset(key("workers"), worker, process.replace(b'"/', b'"').replace(b"-", b"+"))


def seconds_until_taken(store, digest, since):
    while (lease := store.acquire([digest])) is None:
        assert monotonic() - since < 20
        store.wait(store.reader(), 0.05)
    store.release(lease)
    return monotonic() - since


def test_the_lease_of_a_worker_on_another_host_runs_out(server, key, store, other):
    began = monotonic()
    taken(store, A)
    move_to_another_host(server, key, store)

    assert other.acquire([A]) is None
    assert other.holders()[A].alive
    assert LEASE - 0.1 < seconds_until_taken(other, A, began)


def test_a_heartbeat_keeps_a_lease(server, key, store, other):
    taken(store, A)
    move_to_another_host(server, key, store)
    heartbeat, end = store.heartbeat(), monotonic() + 2 * LEASE

    while monotonic() < end:
        heartbeat.beat()
        assert other.acquire([A]) is None
        sleep(heartbeat.interval)

    seconds_until_taken(other, A, monotonic())


@pytest.mark.parametrize("known", [True, False])
def test_a_result_takes_the_place_of_a_failure_that_its_worker_may_not_know(
    server, key, store, other, known
):
    lease = taken(store, A)
    other.put(failure(A))
    if known:
        store.poll()

    store.commit(lease, result(A))

    assert server.client().hlen(key("failures")) == 0
    store.poll()
    assert not store.failures()


def test_who_takes_a_lease_is_alive_though_the_server_forgot_its_heartbeat(server, store, other):
    lease = taken(store, A)
    server.client().flushall()

    _, following = store.commit_and_acquire(lease, result(A), (), [B])

    assert following is not None
    assert [holder.alive for holder in other.holders().values()] == [True]


@pytest.mark.parametrize("jump", [3600, -3600])
def test_nobody_is_dead_because_the_server_was_away_or_its_clock_was_set(
    server, key, store, other, jump
):
    taken(store, A)
    move_to_another_host(server, key, store)
    client = server.client()
    client.hincrby(key("meta"), "seen", -jump * 1000)
    client.zincrby(key("beats"), -jump * 1000, store._leases.identity())

    began = monotonic()
    assert other.acquire([A]) is None
    assert LEASE - 0.2 < seconds_until_taken(other, A, began) < 10


def test_a_worker_that_was_thought_dead_saves_its_result_all_the_same(store, other):
    lost = taken(store, A)
    other.break_leases([A])
    lease = taken(other, A)

    assert store.commit(lost, result(A, "first")) is Outcome.SAVED
    assert A in other.holders()
    assert other.commit(lease, result(A, "second")) is Outcome.DUPLICATE
    assert store.load_digest(A) == "first"


def test_removals_that_concern_nothing_do_not_spoil_a_result(store, other):
    store.put(result(B))
    lease = taken(store, A)
    other.put(result(C))
    other.discard([C])

    assert store.commit(lease, result(A), [B]) is Outcome.SAVED


def test_an_input_that_was_removed_in_events_that_were_missed_spoils_a_result(
    server, key, store, other
):
    store.put(result(B))
    lease = taken(store, A)
    other.discard([B])
    forget_log(server, key, "trimmed")

    assert store.commit(lease, result(A), [B]) is Outcome.STALE
    assert not other.holders()


def test_many_candidates_are_looked_at(other, finish_many):
    many = digests(2500)
    finish_many(many[:-1])

    assert taken(other, *many).digest == many[-1]
    assert other.acquire(many) is None


def test_the_next_lease_is_found_beyond_the_first_candidates(store, other):
    many = digests(200)
    lease = taken(store, many[0])
    for digest in many[1:150]:
        taken(other, digest)

    outcome, following = store.commit_and_acquire(lease, result(many[0]), (), many[1:])

    assert outcome is Outcome.SAVED
    assert following.digest == many[150]


def test_a_stale_result_does_not_keep_a_worker_from_its_next_task(store, other):
    store.put(result(B))
    lease = taken(store, A)
    other.discard([B])

    outcome, following = store.commit_and_acquire(lease, result(A), [B], [C])

    assert outcome is Outcome.STALE
    assert following.digest == C
    assert set(other.holders()) == {C}


def test_a_child_that_was_forked_is_a_worker_of_its_own(store, other):
    mine = taken(store, A)
    pid = os.fork()
    if not pid:
        try:
            store.after_fork()
            theirs = store.acquire([A, B])
            store.commit(theirs, result(theirs.digest, "of the child"))
            store.close()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)

    assert set(other.holders()) == {A}
    assert store.commit(mine, result(A)) is Outcome.SAVED
    store.poll()
    assert store.load_digest(B) == "of the child"


# Waiting


@pytest.mark.slow
@pytest.mark.clock
def test_a_waiting_worker_wakes_within_50_milliseconds(store, other):
    other.poll()
    reader = other.reader()
    saved = []

    def put_soon(digest):
        sleep(0.1)
        saved.append(monotonic())
        store.put(result(digest))

    def delay_of(digest):
        thread = threading.Thread(target=put_soon, args=(digest,))
        thread.start()
        changes = other.wait(reader, 30)
        woken = monotonic()
        thread.join()
        assert changes.finished == [digest]
        return woken - saved[-1]

    assert median(map(delay_of, digests(5))) < 0.05


# Several projects, several versions


def test_projects_on_one_server_leave_each_other_alone(server, store):
    with RedisStore.open(server.url()) as neighbour:
        for each in (store, neighbour):
            each.put(result(A, each.url))
            taken(each, B)

        neighbour.cleanup([])

        assert polled_digests(store) == {A}
        assert set(store.holders()) == {B}
        assert store.load_digest(A) == store.url
        assert polled_digests(neighbour) == set()


def polled_digests(store):
    store.poll()
    return set(store.digests())


def test_every_key_is_under_the_prefix(servers):
    server = servers.new()
    with RedisStore.open(server.url("primes"), chunk_bytes=4096) as store:
        store.put(result(A, os.urandom(10_000)))
        store.put(failure(B))
        taken(store, C)

        names = {name.decode() for name in server.client().keys()}

    assert {name[: len("jug:{primes}:")] for name in names} == {"jug:{primes}:"}
    assert {name.split(":")[2] for name in names} == {
        *("meta", "log", "results", "failures", "leases", "beats", "workers", "blob")
    }


def test_a_store_of_another_hash_is_refused(server, key, store, opened):
    store.put(result(A))
    server.client().hset(key("meta"), "hash", 1)

    late = opened()

    for use in (late.poll, late.each_run, lambda: late.read(B)):
        with pytest.raises(StoreFormatError, match="hash scheme 1, this jug by 2, and would find"):
            use()
    server.client().hset(key("meta"), "hash", SCHEME_VERSION)


def test_a_store_of_a_newer_format_is_refused(server, key, store, opened):
    store.put(result(A))
    server.client().hset(key("meta"), "format", 2)
    late = opened()

    for use in (late.poll, lambda: late.put(result(B)), lambda: store.read(A)):
        with pytest.raises(StoreFormatError, match="format 2.*reads format 1: upgrade jug-redis"):
            use()
    server.client().hset(key("meta"), "format", 1)


# What was missed, or cut short


@pytest.mark.parametrize("missed", ["many", "trimmed"])
def test_a_poll_that_is_cut_short_does_not_count_as_having_read_the_removals(
    server, key, store, other, monkeypatch, missed
):
    store.put(result(A, "old"))
    other.poll()
    lease = taken(other, B)
    if missed == "many":
        for some in range(5):
            store.discard(digests(1000 * (some + 1))[1000 * some :])
            run_all(store, digests(1000 * (some + 1))[1000 * some :])
    store.discard([A])
    store.put(result(A, "new"))
    if missed == "trimmed":
        forget_log(server, key, "trimmed")
    run, calls = other._access.server.run, itertools.count()

    def run_once(script, *words):
        if next(calls):
            raise ConnectionError
        return run(script, *words)

    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(other._access.server, "run", run_once)
        other.poll()

    assert other.commit(lease, result(B), [A]) is Outcome.STALE


def test_an_answer_that_nobody_waited_for_is_not_taken_for_that_of_the_next_question(
    store, monkeypatch
):
    store.put(result(A, "of A"))
    store.put(result(B, "of B"))
    assert store.load_digest(A) == "of A"

    def interrupted(connection):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.load_digest(A)

    assert store.load_digest(B) == "of B"


def test_events_whose_taking_in_is_cut_short_are_taken_in_again(store, other, monkeypatch):
    other.poll()
    run_all(store, digests(20))
    finish, calls = other._index.finish, itertools.count()

    def finish_some(digest):
        if next(calls) == 10:
            raise TimeoutError
        finish(digest)

    with monkeypatch.context() as patch, pytest.raises(TimeoutError):
        patch.setattr(other._index, "finish", finish_some)
        other.poll()
    other.poll()

    assert all(other.exists(digests(20)))


def test_what_was_missed_while_the_index_was_read_anew_makes_stale(server, key, store, other):
    store.put(result(A, "old"))
    other.poll()
    lease, reader = taken(other, B), other.reader()
    store.put(result(C))
    forget_log(server, key, "trimmed")
    read_index = other._follower._read_index

    def read_late():
        store.discard([A])
        store.put(result(A, "new"))
        read_index()

    other._follower._read_index = read_late
    other.poll()

    assert A in reader.take().removed
    assert other.commit(lease, result(B), [A]) is Outcome.STALE


def test_a_result_takes_the_place_of_a_failure_among_missed_events(server, key, store, other):
    store.put(result(D))
    lease = taken(other, A)
    store.put(failure(A))
    store.put(result(C))
    forget_log(server, key, "trimmed")

    assert other.commit(lease, result(A)) is Outcome.SAVED
    assert server.client().hlen(key("failures")) == 0
