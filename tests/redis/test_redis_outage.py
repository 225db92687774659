"""A server that is away for a while costs time and a log line, and no result."""

import logging
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest

from jug.backends._redis.heartbeat import RedisHeartbeat
from jug.backends._redis.url import Address
from jug.backends.base import Outcome
from jug.backends.redis_store import RedisStore
from jug.errors import StoreError
from jug.testing.hooks import A, B, C, digests, failure, result, taken

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


def warnings(caplog):
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def durable(servers):
    return servers.new(*DURABLE)


def test_a_result_is_kept_until_the_server_is_back(durable, caplog):
    with RedisStore.open(durable.url()) as store, ThreadPoolExecutor(1) as thread:
        lease = taken(store, A)
        durable.kill()
        saving = thread.submit(store.commit, lease, result(A, "kept"))
        while "does not answer" not in caplog.text and not saving.done():
            sleep(0.01)
        assert not saving.done()

        durable.start()

        assert saving.result(20) is Outcome.SAVED
        assert store.load_digest(A) == "kept"
        assert not store.holders()
    assert len(warnings(caplog)) == 1


def test_a_lease_that_was_lost_with_the_server_costs_no_result(servers):
    forgetful = servers.new()
    with RedisStore.open(forgetful.url()) as store, RedisStore.open(store.url) as other:
        store.put(result(B))
        changes = other.reader()
        lease = taken(store, A)
        forgetful.kill()
        forgetful.start()
        assert taken(other, A)

        assert store.commit(lease, result(A, "mine"), [B]) is Outcome.SAVED

        assert other.refresh(changes).finished == [A]
        assert store.exists([A, B]) == other.exists([A, B]) == [True, False]


def test_a_waiting_worker_outlasts_a_restart(durable):
    with (
        RedisStore.open(durable.url()) as store,
        RedisStore.open(store.url) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        other.put(result(B))
        store.poll()
        waiting = thread.submit(store.wait, store.reader(), 30)
        durable.kill()
        durable.start()
        other.put(result(A))

        assert waiting.result(20).finished == [A]


def test_a_worker_waits_while_its_server_is_a_replica_during_a_failover(servers, new_port):
    server = servers.new()
    with RedisStore.open(server.url()) as store, ThreadPoolExecutor(1) as thread:
        store.put(result(A))
        server.client().execute_command("REPLICAOF", "127.0.0.1", new_port())
        saving = thread.submit(store.put, result(B))
        sleep(0.1)
        assert not saving.done()

        server.client().execute_command("REPLICAOF", "NO", "ONE")

        saving.result(20)
        store.poll()
        assert store.has(B)


def test_a_script_of_somebody_else_that_takes_long_is_waited_for(servers):
    server = servers.new("--lua-time-limit", "20")
    with RedisStore.open(server.url()) as store, ThreadPoolExecutor(1) as thread:
        store.put(result(A))
        hog = server.client(socket_timeout=60)
        busy = thread.submit(hog.eval, "local n = 0 while n < 3e7 do n = n + 1 end return n", 0)
        while not busy.running():
            sleep(0.001)
        sleep(0.1)

        store.put(result(B))

        assert busy.result(60) == 3e7
        assert store.exists([A, B]) == [True, True]


def test_the_wait_for_a_server_has_an_end(durable, caplog):
    store = RedisStore.open(durable.url(), patience=0.3)
    store.put(result(A))
    lease = taken(store, B)
    durable.kill()

    started = monotonic()
    with pytest.raises(StoreError, match=r"did not answer for \d+\.\d seconds") as caught:
        store.commit(lease, result(B))

    assert monotonic() - started < 20
    assert str(durable.socket) in str(caught.value)
    durable.start()
    store.poll()
    assert store.exists([A, B]) == [True, False]
    store.close()


def test_a_server_that_was_waited_for_in_vain_is_not_waited_for_again(durable, monkeypatch):
    monkeypatch.setattr("jug.backends._redis.server._LITTLE_PATIENCE", 0.1)
    store = RedisStore.open(durable.url(), patience=0.5)
    store.put(result(A))
    durable.kill()
    with pytest.raises(StoreError, match=r"did not answer for \d+\.\d seconds"):
        store.poll()

    with pytest.raises(StoreError, match=r"did not answer for \d+\.\d seconds"):
        store.poll()

    durable.start()
    store.poll()
    durable.kill()
    with pytest.raises(StoreError, match=r"did not answer for \d+\.\d seconds"):
        store.poll()


def test_a_heartbeat_goes_on_through_an_outage(durable, caplog):
    with RedisStore.open(durable.url()) as store:
        taken(store, A)
        heartbeat = store.heartbeat()
        heartbeat.beat()
        durable.kill()
        heartbeat.beat()
        heartbeat.beat()
        durable.start()
        heartbeat.beat()

        assert store.holders()[A].alive
    assert len([told for told in warnings(caplog) if "can't show that it lives" in told]) == 1


def test_a_heartbeat_goes_on_when_a_file_of_the_url_is_not_there_any_more(tmp_path, caplog):
    address = Address.parse(f"rediss://localhost?ssl_ca_certs={tmp_path / 'ca.pem'}")
    heartbeat = RedisHeartbeat(address, "0123456789abcdef", 120_000, 7.5)

    heartbeat.beat()
    heartbeat.beat()

    assert len([told for told in warnings(caplog) if "can't show that it lives" in told]) == 1


def test_scripts_that_the_server_forgot_are_sent_again(server):
    with RedisStore.open(server.url()) as store:
        store.put(result(A))
        server.client().script_flush()

        store.put(result(B))

        assert store.exists([A, B]) == [True, True]


def test_a_round_trip_whose_answer_was_lost_is_not_done_twice(server, proxied):
    proxy = proxied(server)
    url = f"redis://127.0.0.1:{proxy.port}?prefix={server.url().partition('prefix=')[2]}"
    with RedisStore.open(url) as store:
        tasks = digests(4)
        lease = taken(store, *tasks)
        proxy.answers_lost = 1

        outcome, following = store.commit_and_acquire(lease, result(tasks[0]), (), tasks[1:])

        assert proxy.answers_lost == 0
        assert outcome is Outcome.SAVED
        assert following.digest == tasks[1]
        assert set(store.holders()) == {tasks[1]}


def test_a_removal_whose_answer_was_lost_is_counted(server, proxied):
    proxy = proxied(server)
    url = f"redis://127.0.0.1:{proxy.port}?prefix={server.url().partition('prefix=')[2]}"
    with RedisStore.open(url) as store:
        store.put(result(A))
        store.put(failure(B))
        proxy.answers_lost = 1

        assert store.discard([A, B, C]) == 2
        assert proxy.answers_lost == 0
        assert store.discard([A, B, C]) == 0


def test_a_short_task_takes_less_than_two_and_a_half_round_trips(server, proxied):
    proxy = proxied(server)
    url = f"redis://127.0.0.1:{proxy.port}?prefix={server.url().partition('prefix=')[2]}"
    tasks = digests(41)
    with RedisStore.open(url) as store:
        lease, before = taken(store, *tasks[:4]), proxy.answers
        for number in range(1, 41):
            frame = result(lease.digest)
            _, lease = store.commit_and_acquire(lease, frame, (), tasks[number : number + 4])
        took = proxy.answers - before
        store.release(lease)

    assert 40 <= took < 2.5 * 40


def commit_all(store, tasks, acknowledged):
    """Finish tasks until there are none, noting each that is told to be saved."""
    while lease := store.acquire([task for task in tasks if not store.has(task)]):
        if store.commit(lease, result(lease.digest, lease.digest)) is Outcome.SAVED:
            acknowledged.append(lease.digest)


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_nothing_that_was_acknowledged_is_lost_when_the_server_is_killed(durable, kills):
    tasks, acknowledged = digests(300 * kills), []
    stores = [RedisStore.open(durable.url("killed")) for _ in range(4)]
    threads = [
        threading.Thread(target=commit_all, args=(store, tasks, acknowledged)) for store in stores
    ]
    for thread in threads:
        thread.start()
    for kill in range(kills):
        while len(acknowledged) < 100 + 300 * kill:
            sleep(0.001)
        durable.kill()
        sleep(random.random() / 10)
        durable.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()

    with RedisStore.open(durable.url("killed")) as reader:
        reader.poll()
        assert sorted(acknowledged) == sorted(tasks)
        assert set(reader.digests()) == set(tasks)
        assert all(reader.load_digest(task) == task for task in tasks)
        assert not reader.holders()
