"""`jug adopt` from a real server that holds what jug 2.x left there."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.adopt.conftest import SAMPLE, Jug, Old
from tests.adopt.test_adopt import check_the_sample, counted, sample

from jug.backends.registry import open_store
from jug.cli import FAILED
from jug.records import Record

pytest.importorskip("redis")
from tests.redis.conftest import RedisServer, Servers, short_folder  # noqa: E402

__all__ = ["sample"]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with short_folder() as folder, ExitStack() as stack:
        yield Servers(folder, stack).new()


@pytest.fixture
def filled(server: RedisServer) -> str:
    """Return the URL of a server that holds the sample as jug 2.x left it."""
    client = server.client()
    client.flushall()
    for key, text in json.loads((SAMPLE / "redis-keys.json").read_text()).items():
        client.set(key, text)
    return f"unix://{server.socket}"


def test_the_sample_is_adopted_from_a_redis_server(
    filled: str, server: RedisServer, sample: None, jug: Jug
) -> None:
    before = {key: server.client().get(key) for key in server.client().keys()}

    began = time.time()
    adopted = jug("adopt", filled, "--json")

    assert counted(adopted) == {"adopted": 59}
    check_the_sample(jug)
    with open_store("jugfile.jugdata") as store:
        store.poll()
        records = [store.record(digest) or Record() for digest in store.digests()]
    assert all(began - 1 < record.start and record.source == filled for record in records)
    assert {key: server.client().get(key) for key in server.client().keys()} == before


def test_what_cannot_be_read_in_a_server_is_told_by_task_and_the_rest_adopted(
    filled: str, server: RedisServer, sample: None, jug: Jug
) -> None:
    client = server.client()
    tasks = json.loads((SAMPLE / "expected-tasks.json").read_text())
    first, second = [f"result:{hash}" for name, hash in tasks if name == "jugfile.text"][:2]
    client.delete(first)
    client.lpush(first, "no text")
    client.set(second, "!!!!")  # no base64; what ignores that reads nothing, which is None
    client.set("result:short", "")

    result = jug("adopt", filled, "--json", status=FAILED)

    assert counted(result) == {"adopted": 55, "refused": 2}  # and two are beyond a barrier
    assert "it can't be read: WRONGTYPE" in result.stderr
    assert "it is cut short or damaged" in result.stderr
    assert json.loads(result.stdout)["unclaimed"] == 4  # two of them beyond the barrier


def test_what_is_removed_from_a_server_meanwhile_is_told(
    filled: str, server: RedisServer, folder: Path, jug: Jug
) -> None:
    text = (SAMPLE / "jugfile.py").read_text()
    remove = f"import redis\nredis.Redis(unix_socket_path={str(server.socket)!r}).flushall()\n"
    (folder / "jugfile.py").write_text(f"{text.partition('barrier()')[0]}\n{remove}")

    result = jug("adopt", filled, "--json", status=FAILED)

    assert counted(result)["refused"] > 0 and "it was removed just now" in result.stderr


def test_results_on_the_server_of_the_jugdir_itself_need_no_old(
    filled: str, server: RedisServer, sample: None, jug: Jug
) -> None:
    adopted = jug("adopt", "--json", "--jugdir", filled)

    assert counted(adopted) == {"adopted": 59}
    jug("check", "--jugdir", filled)


def test_what_is_there_is_not_adopted_again(server: RedisServer, old: Old, jug: Jug) -> None:
    Path("jugfile.py").write_text(
        "from jug import Task\ntasks = [Task(abs, -n) for n in range(3)]\n"
    )
    client = server.client()
    client.flushall()
    for n in range(3):
        content = base64.b64encode(old.save(old.hash(abs, -n), n).read_bytes())
        client.set(f"result:{old.hash(abs, -n)}", content)
    words = ("adopt", "--json", "--jugdir", f"unix://{server.socket}")

    assert counted(jug(*words)) == {"adopted": 3}
    assert counted(jug(*words)) == {"already": 3}
