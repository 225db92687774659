"""The ways in which servers are deployed: TLS, a cluster, sentinels."""

import re
import subprocess
import threading
from pathlib import Path
from time import sleep

import pytest
import redis

from jug.backends.base import Outcome
from jug.backends.registry import open_store
from jug.errors import StoreError
from jug.testing.hooks import A, B, C, digests, failure, result, taken

pytestmark = pytest.mark.slow

SECONDS = 60


def work(store, tasks, done):
    """Finish tasks until there are none."""
    lease = store.acquire(tasks)
    while lease is not None:
        task = lease.digest
        left = [task for task in tasks if not store.has(task) and task != lease.digest]
        outcome, lease = store.commit_and_acquire(lease, result(task, task), (), left)
        if outcome is Outcome.SAVED:
            done.append(task)


def check_everything(url):
    """Use each part of the store once."""
    with (
        open_store(url, chunk_bytes=4096) as store,
        open_store(url) as other,
        other.reader() as changes,
    ):
        other.poll()
        store.put(result(A, bytes(10_000)))
        store.put(failure(B))
        lease = taken(store, B)
        store.heartbeat().beat()

        assert other.wait(changes, SECONDS).finished == [A]
        assert other.load_digest(A) == bytes(10_000)
        assert set(other.holders()) == {B}
        assert other.acquire([A, B]) is None
        assert store.commit_and_acquire(lease, result(B, 2), [A], [C])[1].digest == C
        assert other.refresh(changes).finished == [B]
        assert other.discard([A, B]) == 2
        other.tidy()
        other.flush()


# TLS


@pytest.fixture
def authority(tmp_path, program):
    """Return a folder with a certificate authority and a certificate of the server."""

    def openssl(*words):
        subprocess.run([program("openssl"), *words], check=True, cwd=tmp_path, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req",
        "-x509",
        *new_key,
        "-days",
        "2",
        "-subj",
        "/CN=jug tests",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    )
    openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    (tmp_path / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-days",
        "2",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "certificate.pem",
    )
    return tmp_path


def test_a_server_behind_tls_is_used_if_its_certificate_is_known(
    servers, new_port, authority, tls_binary, monkeypatch
):
    monkeypatch.setenv("TEST_REDIS_SERVER", tls_binary())
    port = new_port()
    servers.new(
        *(
            "--tls-port",
            str(port),
            "--tls-auth-clients",
            "no",
            "--requirepass",
            "",
        ),
        *("--tls-cert-file", str(authority / "certificate.pem")),
        *("--tls-key-file", str(authority / "key.pem")),
        *("--tls-ca-cert-file", str(authority / "ca.pem")),
    )
    url = f"rediss://localhost:{port}?prefix=tls"

    check_everything(f"{url}&ssl_ca_certs={authority / 'ca.pem'}")
    with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
        open_store(url).poll()


def test_the_secured_server_of_the_documentation_works(
    servers, new_port, authority, tls_binary, monkeypatch
):
    monkeypatch.setenv("TEST_REDIS_SERVER", tls_binary())
    page = (Path(__file__).parents[2] / "docs" / "redis.md").read_text()
    (settings,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert len(settings.splitlines()) == 10
    port = new_port()
    for there, here in (
        ("tls-port 6379", f"tls-port {port}"),
        ("/etc/redis/server.pem", authority / "certificate.pem"),
        ("/etc/redis/server.key", authority / "key.pem"),
    ):
        settings = settings.replace(there, str(here))
    file = authority / "redis.conf"
    file.write_text(settings)
    server = servers.prepared()
    server.launch(str(file))
    login = {"username": "jug", "password": "a-long-password"}
    server.wait_for(lambda: server.client(**login).ping())

    host = f"localhost:{port}?ssl_ca_certs={authority / 'ca.pem'}"
    check_everything(f"rediss://jug:a-long-password@{host}")
    with pytest.raises(StoreError, match="check the user and the password"):
        open_store(f"rediss://{host}").poll()
    with pytest.raises(redis.exceptions.NoPermissionError):
        server.client(**login).flushall()


# A cluster


@pytest.fixture
def cluster(servers, new_port):
    """Return three servers that share the slots."""
    nodes = []
    for _ in range(3):
        nodes.append(
            servers.new(
                "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", port=new_port()
            )
        )
    bounds = [0, 5461, 10_923, 16_384]
    for number, node in enumerate(nodes):
        call = node.client().execute_command
        call("CLUSTER", "ADDSLOTS", *range(bounds[number], bounds[number + 1]))
        call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for node in nodes[1:]:
        nodes[0].client().execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
    for node in nodes:
        node.wait_for(
            lambda node=node: node.client().cluster("INFO")["cluster_state"] == "ok", SECONDS
        )
    return nodes


def test_projects_on_a_cluster_lie_on_one_node_each(cluster):
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster)
    for prefix in ("one", "two", "three", "four"):
        check_everything(f"redis+cluster://{hosts}?prefix={prefix}")

    sizes = [node.client().dbsize() for node in cluster]
    assert sum(size > 0 for size in sizes) > 1
    for prefix in ("one", "two", "three", "four"):
        names = [node.client().keys(f"jug:[{{]{prefix}[}}]:*") for node in cluster]
        assert sum(bool(found) for found in names) == 1


def test_a_node_of_a_cluster_that_restarts_costs_no_result(cluster):
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster)
    tasks, done = digests(400), []
    with open_store(f"redis+cluster://{hosts}?prefix=restarted") as store:
        taken(store, A)
        home = next(node for node in cluster if node.client().dbsize())
        home.client().config_set("appendonly", "yes")
        home.wait_for(lambda: not home.client().info("persistence")["aof_rewrite_in_progress"])
        worker = threading.Thread(target=work, args=(store, tasks, done))
        worker.start()
        while len(done) < 50:
            sleep(0.001)
        home.kill()
        home.launch("--appendonly", "yes")
        worker.join(SECONDS)

        assert not worker.is_alive()
        assert set(store.digests()) >= set(tasks) - {A}


# Sentinels


@pytest.fixture
def guarded(servers, new_port):
    """Return a primary, its replica, and three sentinels that watch them."""
    primary = servers.new("--repl-diskless-sync-delay", "0", port=new_port())
    replica = servers.new("--replicaof", "127.0.0.1", str(primary.port), port=new_port())
    replica.wait_for(
        lambda: replica.client().info("replication")["master_link_status"] == "up", SECONDS
    )
    sentinels = []
    for _ in range(3):
        sentinel = servers.prepared(port=new_port())
        file = sentinel.folder / "sentinel.conf"
        file.write_text(
            f"sentinel monitor main 127.0.0.1 {primary.port} 2\n"
            "sentinel down-after-milliseconds main 1000\n"
            "sentinel failover-timeout main 5000\n"
        )
        sentinel.launch_sentinel(file)
        sentinels.append(sentinel)
    for sentinel in sentinels:
        sentinel.wait_for(lambda sentinel=sentinel: knows_all(sentinel), SECONDS)
    return primary, replica, sentinels


def knows_all(sentinel):
    with redis.Redis(port=sentinel.port) as client:
        main = client.sentinel_master("main")
    return main["num-other-sentinels"] == 2 and main["num-slaves"] == 1


def test_a_failover_in_mid_run_costs_no_task(guarded, caplog):
    primary, replica, sentinels = guarded
    hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
    url = f"redis+sentinel://{hosts}/main?prefix=guarded"
    check_everything(url.replace("guarded", "each"))
    tasks, done = digests(600), []

    with open_store(url) as store:
        worker = threading.Thread(target=work, args=(store, tasks, done))
        worker.start()
        while len(done) < 100:
            sleep(0.001)
        primary.client().wait(1, 1000)
        primary.kill()
        worker.join(SECONDS)

        assert not worker.is_alive()
        store.poll()
        # What the replica had not heard of yet is run again, by whoever comes next.
        work(store, [task for task in tasks if not store.has(task)], done)
        assert set(store.digests()) == set(tasks)
        assert all(store.load_digest(task) == task for task in tasks)
    assert replica.client().info("replication")["role"] == "master"
    assert len([line for line in caplog.messages if "does not answer" in line]) == 1
