"""What is wrong with a server is said: which one, what it answered, what to do."""

import logging
import pickle
import socket
import threading
from contextlib import suppress
from time import monotonic

import pytest

from jug.backends.redis_store import RedisStore
from jug.errors import OptionError, StoreError
from jug.testing.hooks import A, B, result, taken

PASSWORD = "s3cret-word"
RIGHTS = ("~jug:*", "+@all", "-@admin", "-@dangerous")


@pytest.fixture
def locked(servers):
    """Return a server that wants a password."""
    server = servers.prepared()
    server.launch("--requirepass", PASSWORD)
    server.wait_for(lambda: server.client(password=PASSWORD).ping())
    server.client(password=PASSWORD).execute_command(
        "ACL", "SETUSER", "worker", "on", f">{PASSWORD}", *RIGHTS
    )
    return server


def refusal(url):
    """Return the error of a store that can't be used, which must not tell the password."""
    store = RedisStore.open(url, patience=0.5)
    with pytest.raises(StoreError) as caught:
        store.poll()
    error = caught.value
    while error is not None:
        assert PASSWORD not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__
    assert PASSWORD not in str(vars(pickle.loads(pickle.dumps(caught.value))))
    return str(caught.value)


@pytest.mark.parametrize("login", [f":{PASSWORD}@", f"worker:{PASSWORD}@"])
def test_a_password_lets_in_and_is_never_shown(locked, login, caplog):
    caplog.set_level(logging.DEBUG)
    with RedisStore.open(locked.url(login=login)) as store:
        store.put(result(A, "value"))
        taken(store, B)
        store.heartbeat().beat()
        store.wait(store.reader(), 0.05)

        assert store.load_digest(A) == "value"
        assert PASSWORD not in f"{store!r} {store.url} {store.heartbeat()!r} {store.record(A)}"
        pickle.loads(pickle.dumps(store.heartbeat())).beat()
    dump = [locked.client(password=PASSWORD).dump(key) for key in keys(locked)]
    assert not any(PASSWORD.encode() in value for value in dump)
    assert PASSWORD not in caplog.text


def keys(server):
    return server.client(password=PASSWORD).keys()


@pytest.mark.parametrize("login", ["", ":wrong@", "worker:wrong@", f"nobody:{PASSWORD}@"])
def test_a_wrong_password_is_said(locked, login):
    message = refusal(locked.url(login=login))

    assert str(locked.socket) in message
    assert "check the user and the password in its URL" in message


def test_a_user_without_the_rights_is_told_which(locked):
    admin = locked.client(password=PASSWORD)
    admin.execute_command("ACL", "SETUSER", "guest", "on", f">{PASSWORD}", "~other:*", "+@all")

    message = refusal(locked.url(login=f"guest:{PASSWORD}@"))

    assert "perm" in message.lower()
    assert "all keys that begin with jug:" in message


def test_no_such_host_is_said():
    message = refusal(f"redis://:{PASSWORD}@no-such-host.invalid:7000")

    assert "redis://no-such-host.invalid:7000" in message
    assert "check that the server runs, and its address" in message


def test_a_host_name_that_is_known_to_nobody_is_not_waited_for(monkeypatch):
    def find_nothing(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    store = RedisStore.open("redis://misspelt.example.org")
    began = monotonic()

    with pytest.raises(StoreError, match=r"did not answer for \d+\.\d seconds"):
        store.poll()
    assert monotonic() - began < 30  # others are waited for ten times as long


def test_a_wrong_password_is_not_waited_for(locked):
    with pytest.raises(StoreError, match="check the user and the password"):
        RedisStore.open(locked.url(login=":wrong@")).poll()


@pytest.mark.parametrize("kind", ["redis", "rediss", "redis+sentinel", "redis+cluster"])
def test_a_port_where_nothing_listens_is_said(new_port, kind):
    port = new_port()
    path = "/main" if "sentinel" in kind else ""

    message = refusal(f"{kind}://:{PASSWORD}@127.0.0.1:{port}{path}")

    assert f"127.0.0.1:{port}" in message
    assert "<redis" not in message
    assert "check that the server runs" in message


@pytest.mark.parametrize("path", ["redis://{}", "redis+sentinel://{}/main"])
def test_an_option_that_the_client_does_not_know_is_said(new_port, path):
    url = path.format(f":{PASSWORD}@127.0.0.1:{new_port()}") + "?compression=9"

    with RedisStore.open(url) as store, pytest.raises(OptionError, match="compression") as caught:
        store.poll()

    assert PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.fixture
def web_server():
    """Return the port of a server that speaks of pages."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.recv(1000)
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_server_that_is_not_redis_is_said(web_server):
    message = refusal(f"redis://:{PASSWORD}@127.0.0.1:{web_server}")

    assert "HTTP/1.1 400 Bad Request" in message
    assert "that is not a redis server, check host and port" in message


def test_a_full_server_is_said_and_nothing_is_lost(servers):
    server = servers.new()
    with RedisStore.open(server.url()) as store:
        store.put(result(A, "before"))
        lease = taken(store, B)
        server.client().config_set("maxmemory", 1)

        with pytest.raises(StoreError, match="maxmemory.*nothing was saved; raise its maxmemory"):
            store.commit(lease, result(B))

        assert not store.holders()
        assert store.load_digest(A) == "before"
        assert store.discard([A]) == 1
        server.client().config_set("maxmemory", 0)
        store.put(result(B, "after"))
        assert store.load_digest(B) == "after"


def test_a_read_only_replica_answers_readers_and_refuses_workers(servers, new_port):
    server = servers.new()
    with RedisStore.open(server.url("replicated")) as worker:
        worker.put(result(A, "value"))
    server.client().execute_command("REPLICAOF", "127.0.0.1", new_port())
    with RedisStore.open(server.url("replicated")) as store:
        store.poll()
        assert store.load_digest(A) == "value"
        with pytest.raises(StoreError, match="it is a read-only replica, give the URL of its"):
            store.put(result(B))


def test_an_eviction_policy_that_drops_results_is_warned_of_once(servers, caplog):
    server = servers.new("--maxmemory-policy", "allkeys-lru")
    for _ in range(2):
        with RedisStore.open(server.url("evicted")) as store:
            store.poll()

    (warning,) = (record.getMessage() for record in caplog.records)
    assert "maxmemory-policy is allkeys-lru, set it to noeviction" in warning
    assert str(server.socket) in warning


def test_a_key_of_another_kind_is_said(servers):
    server = servers.new()
    server.client().set("jug:{taken}:log", "not a stream")

    assert "WRONGTYPE" in refusal(server.url("taken"))


@pytest.fixture
def silent():
    """Return the port of something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.slow
def test_a_port_at_which_nobody_answers_is_given_up_soon_with_what_may_be_wrong(
    silent, monkeypatch, caplog
):
    monkeypatch.setattr("jug.backends._redis.server._FIRST_TIMEOUT", 0.6)
    store = RedisStore.open(f"rediss://127.0.0.1:{silent}/", patience=4.0)
    began = monotonic()

    with pytest.raises(
        StoreError, match=r"does the server not use TLS\? then it begins with redis:"
    ):
        store.poll()

    assert monotonic() - began < 15
    assert "waiting for it" in caplog.text


def test_a_port_that_wants_tls_is_asked_about(caplog):
    def hang_up(listening):
        with suppress(OSError):
            while True:
                listening.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=hang_up, args=(listening,), daemon=True).start()
        url = f"redis://127.0.0.1:{listening.getsockname()[1]}/"
        said = refusal(url)
        listening.shutdown(socket.SHUT_RDWR)

    assert "does the server use TLS? then it begins with rediss:" in said


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile"])
def test_a_file_of_the_url_that_is_not_there_is_named_at_once(name, caplog):
    store = RedisStore.open(f"rediss://127.0.0.1:1/?{name}=nowhere.pem")

    with pytest.raises(OptionError, match=rf"'nowhere.pem' for {name}, which can't be read"):
        store.poll()
    assert not caplog.text
