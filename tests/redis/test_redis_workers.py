"""Whole runs on a server: workers and servers that are killed, many workers, slow networks."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import monotonic, sleep

import pytest
import redis

from jug.backends.registry import open_store

pytest.importorskip("jug.cli", reason="jug-cli is not installed", exc_type=ImportError)

SYSTEM = Path(__file__).parents[1] / "system"
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")

# The harness of the tests of whole runs in a directory.
harness = runpy.run_path(str(SYSTEM / "conftest.py"))
folder, journal, write = harness["folder"], harness["journal"], harness["write"]
launch, start, jug = harness["launch"], harness["start"], harness["jug"]
wait_for = harness["wait_for"]
needs = runpy.run_path(str(SYSTEM / "test_needs.py"))
storms = runpy.run_path(str(SYSTEM / "test_storm.py"))
shares = runpy.run_path(str(SYSTEM / "test_shares.py"))


@pytest.fixture
def use(monkeypatch, folder):
    """Call with the URL of a store: commands use it, as they are told by the environment."""
    return lambda url: monkeypatch.setenv("JUG_JUGDIR", url)


def tell_commands(command, *arguments):
    return subprocess.Popen([sys.executable, "-m", "jug", command, *arguments])


def check_results(*arguments):
    subprocess.run([sys.executable, "check.py", *arguments], check=True)


def large(*values):
    return pytest.param(*values, marks=[pytest.mark.slow, pytest.mark.timeout(300)])


# Deaths


@pytest.mark.parametrize(
    ("commands", "count", "seconds", "kills"), [large(4, 120, 0.03, 8), large(8, 2000, 0.05, 100)]
)
def test_workers_may_be_killed_at_any_time(
    server, use, write, journal, jug, commands, count, seconds, kills
):
    url = server.url()
    use(url)
    write(storms["PROGRAM"])
    write(storms["CHECK"], "check.py")
    storm = storms["Storm"](commands, 1, count, seconds)

    storm.rage(storms["Storm"].kill_both, kills)
    storm.pass_over()

    storms["assert_each_ran_once"](journal(), storm.killed, count)
    arguments = [str(count), str(seconds)]
    check_results(*arguments)
    assert jug("check", "jugfile.py", *arguments)[0] == 0
    with open_store(url) as store:
        assert store.holders() == {}


@pytest.mark.parametrize(("count", "kills"), [large(150, 1), large(1500, 3)])
def test_the_server_may_be_killed_in_mid_run(servers, use, write, journal, count, kills):
    durable = servers.new(*DURABLE)
    use(durable.url("killed"))
    write(storms["PROGRAM"])
    write(storms["CHECK"], "check.py")
    arguments = [str(count), "0.01"]
    commands = [tell_commands("execute", "jugfile.py", *arguments) for _ in range(4)]

    for kill in range(kills):
        while ended(journal()) < count * (kill + 1) / (kills + 1):
            sleep(0.005)
        durable.kill()
        sleep(0.1)
        durable.start()

    assert [command.wait(100) for command in commands] == [0] * 4
    # What was acknowledged and then lost would have run twice.
    storms["assert_each_ran_once"](journal(), set(), count)
    check_results(*arguments)


def ended(lines):
    return sum(line[0] == "end" for line in lines)


# Sharing a machine


def test_workers_share_their_machine_and_say_how_much_of_it_they_have(
    server, use, write, start, jug, journal, wait_for
):
    use(server.url())
    write(needs["FAT"] + needs["STATUS"].partition("import log, wait_for_file")[2])

    process = start("execute", "-j", "4", "--memory", "4GB", "--cpus", "2")
    wait_for(lambda: len(journal()) == 2)

    assert "No living worker can run 2 tasks of jugfile.wider, which need 3" in jug("status")[1]
    Path("go").touch()
    assert process.wait(60) == 3
    assert needs["most_at_once"](journal()) == 2


# Waiting for each other

STAGES = """
import time
from pathlib import Path
from jug import TaskGenerator
from journal import log

log("here", "first", time.time())

@TaskGenerator
def gate(stage, before):
    while Path("log").read_text().count("here") < 2:
        time.sleep(0.01)
    time.sleep(0.15)
    log("open", stage, time.time())
    return stage

@TaskGenerator
def both(stage, side, opened):
    log("begin", stage, time.time())
    time.sleep(0.1)
    return side

before = []
for stage in range(5):
    opened = gate(stage, before)
    before = [both(stage, side, opened) for side in range(2)]
"""


@pytest.mark.slow
@pytest.mark.clock
def test_a_worker_begins_within_50_milliseconds_of_a_finished_dependency(
    server, use, write, journal
):
    use(server.url())
    write(STAGES)

    workers = [tell_commands("execute", "jugfile.py") for _ in range(2)]

    assert [worker.wait(60) for worker in workers] == [0, 0]
    times = defaultdict(dict)
    for word, stage, when in journal()[2:]:  # after those who are here
        times[stage][word] = float(when)  # the later one of the two that begin
    delays = [stage["begin"] - stage["open"] for stage in times.values()]
    assert len(delays) == 5
    assert median(delays) < 0.05, delays


# Many workers

COUNTED = """
import atexit, json, os, sys, time
from jug import TaskGenerator
from jug.backends._redis.leases import RedisLeases
from jug.backends.redis_store import RedisStore

counts = {"attempts": 0, "failed": 0, "waiting": 0.0, "tasks": 0}
began = []

def report():
    counts["seconds"] = time.monotonic() - began[0]
    with open(f"counts-{os.getpid()}", "w") as file:
        json.dump(counts, file)

def counted_trip(leases, end, candidates=(), make_trip=RedisLeases.make_trip):
    if not began:
        began.append(time.monotonic())
        atexit.register(report)
    answer = make_trip(leases, end, candidates)
    if candidates:
        counts["attempts"] += 1
        counts["failed"] += answer.lease is None
    return answer

def timed_wait(store, reader, seconds, wait=RedisStore.wait):
    start = time.monotonic()
    try:
        return wait(store, reader, seconds)
    finally:
        counts["waiting"] += time.monotonic() - start

RedisLeases.make_trip, RedisStore.wait = counted_trip, timed_wait

@TaskGenerator
def short(number):
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end:
        pass
    counts["tasks"] += 1
    return number

tasks = [short(number) for number in range(int(sys.argv[1]))]
"""


@pytest.mark.clock
@pytest.mark.parametrize(("workers", "count"), [large(8, 800), large(64, 20_000)])
def test_many_workers_seldom_reach_for_the_same_task_or_wait(server, use, write, workers, count):
    url = server.url()
    use(url)
    write(COUNTED)

    command = tell_commands("execute", "-j", str(workers), "jugfile.py", str(count))

    assert command.wait(200) == 0
    reports = [json.loads(path.read_text()) for path in Path().glob("counts-*")]
    total = {name: sum(report[name] for report in reports) for name in reports[0]}
    assert total["tasks"] == count
    shares = {
        "failed attempts": total["failed"] / total["attempts"],
        "waiting": total["waiting"] / total["seconds"],
    }
    print(len(reports), "workers:", ", ".join(f"{n} {share:.1%}" for n, share in shares.items()))
    assert max(shares.values()) < 0.2, shares
    with open_store(url) as store:
        store.poll()
        assert len(list(store.digests())) == count


# A slow network

SHORT = """
import sys
from jug import TaskGenerator

@TaskGenerator
def same(number):
    return number

tasks = [same(number) for number in range(int(sys.argv[1]))]
"""


@pytest.mark.slow
def test_a_worker_needs_less_than_two_and_a_half_round_trips_per_task(server, proxied, use, write):
    proxy = proxied(server)
    write(SHORT)

    def round_trips(count):
        use(f"redis://127.0.0.1:{proxy.port}?prefix={server.url().partition('prefix=')[2]}")
        before = proxy.answers
        assert tell_commands("execute", "jugfile.py", str(count)).wait(60) == 0
        return proxy.answers - before

    few, many = round_trips(10), round_trips(110)
    assert 100 <= many - few < 2.5 * 100


AWAY = """
import os
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def long(number):
    log("begin", number, os.getpid())
    wait_for_file("go")
    log("end", number)
    return number

for number in range(3):
    long(number)
"""


@pytest.mark.slow
def test_healthy_workers_go_on_when_one_dies_while_the_server_is_away(
    servers, use, write, journal, wait_for
):
    server = servers.new(*DURABLE)
    use(server.url())
    write(AWAY)
    with tell_commands("execute", "-j", "3", "jugfile.py") as command:
        wait_for(lambda: len(journal()) == 3)

        server.kill()
        os.kill(int(journal()[0][2]), signal.SIGKILL)
        sleep(3)  # longer than a store has patience that never had an answer
        assert command.poll() is None
        server.start()
        Path("go").touch()

        assert command.wait(60) == 0
    ended = [words[1] for words in journal() if words[0] == "end"]
    assert sorted(ended) == ["0", "1", "2"]


@pytest.mark.slow
@pytest.mark.clock
@pytest.mark.waits
def test_each_of_two_runs_in_one_script_has_a_heartbeat(server, folder, journal, launch):
    url = server.url()
    Path("script.py").write_text(f"""
import jug
from journal import log, wait_for_file

def slow():
    log("runs")
    wait_for_file("over")
    return 2

assert jug.run(jug.Task(abs, -1), jugdir={url!r}) == 1
assert jug.run(jug.Task(slow), jugdir={url!r}) == 2
""")
    with open_store(url, lease_seconds=6.0) as store:
        script = launch("script.py", env=os.environ | {"JUG_LEASE_SECONDS": "6"})
        while not journal():
            sleep(0.005)
        ((task, holder),) = store.holders().items()
        deadline = server.client().zscore(
            f"jug:{{{url.partition('prefix=')[2]}}}:beats", holder.worker
        )

        while server.client().time()[0] * 1000 < deadline + 1000:
            store.tidy()
            assert store.acquire([task]) is None
            sleep(0.02)

        assert store.holders()[task].alive
    Path("over").touch()
    assert script.wait(20) == 0, script.stderr.read()


# Servers that are away


BARRED = """
from jug import Task, barrier

first = Task(abs, -1)
barrier()
second = Task(abs, first)
"""


def line_of(process, what):
    """Return what a process says on its standard error up to a line that holds some words."""
    said = ""
    for line in process.stderr:
        said += line
        if what in line:
            return said
    raise AssertionError(f"{what!r} is not in {said!r}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "seconds"),
    [(["execute"], 300), (["execute", "-j", "2"], 300), (["invalidate", "--failed"], 300)]
    + [(["count"], 10)],
    ids=["execute", "execute -j 2", "invalidate", "count"],
)
def test_a_command_that_starts_while_the_server_is_away_waits_for_it(
    servers, write, start, words, seconds
):
    server = servers.prepared()
    write(BARRED)

    command = start(*words, "jugfile.py", "--jugdir", server.url())
    said = line_of(command, f"waiting for it, at most {seconds} seconds; is its address right?")
    server.start()

    _, rest = command.communicate(timeout=60)
    assert command.returncode == 0, said + rest
    assert said.count("\n") == 1 and "Traceback" not in rest


@pytest.mark.slow
def test_a_server_that_stays_away_is_told_in_one_line_also_where_the_jugfile_needs_it(
    servers, write, jug, monkeypatch
):
    monkeypatch.setenv("JUG_REDIS_PATIENCE", "0.2")
    server = servers.prepared()
    write(BARRED)

    status, _, said = jug("count", "jugfile.py", "--jugdir", server.url())

    assert status == 1
    assert re.search(r"did not answer for \d\.\d seconds", said.splitlines()[-1])
    assert "Traceback" not in said and "could not be read" not in said


@pytest.mark.slow
def test_a_worker_that_finds_no_room_on_the_server_waits_for_it(servers, write, start):
    server = servers.new("--maxclients", "20")
    write(SHORT)
    others = []
    with pytest.raises(redis.ConnectionError):
        while True:
            others.append(server.client())
            others[-1].ping()

    command = start("execute", "-j", "3", "jugfile.py", "20", "--jugdir", server.url())
    line_of(command, "waiting for it, at most 300 seconds")
    for client in others:
        client.close()

    _, rest = command.communicate(timeout=60)
    assert command.returncode == 0, rest


WAITING = """
import time
from jug import TaskGenerator
from journal import log

@TaskGenerator
def work(i):
    log("begun")
    time.sleep(0.2)
    return i

[work(i) for i in range(1000)]
"""


@pytest.mark.slow
@pytest.mark.clock
def test_who_is_to_end_does_not_wait_for_a_server_that_is_away(
    servers, write, journal, start, wait_for
):
    server = servers.new()
    write(WAITING)
    command = start("execute", "-j", "2", "jugfile.py", "--jugdir", server.url())
    wait_for(lambda: len(journal()) > 4)
    server.kill()
    line_of(command, "waiting for it")
    began = monotonic()

    command.terminate()

    assert command.wait(30) == 130
    assert monotonic() - began < 10


# Shares


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_two_commands_share_a_chain_of_tasks(server, use, write, journal, start, jobs):
    use(server.url())
    write(shares["CHAIN"])

    shares["assert_chain_is_shared"](start, journal, jobs, 300)
