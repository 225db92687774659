"""A file server and two clients with kernels of their own, workers on them, one machine that dies.

Run it by hand, as root, to see what a kernel does (`--help` tells of the rest):

    unshare --net --pid --fork --kill-child --mount-proc python tests/system/nfs/run.py

What has to be installed is in `.ci/run`; `machines.py` says how another kernel is used.
It prints one line of JSON: how many tasks ran, which of them more than once and where, and
the values of how many tasks were wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from machines import STORE, Machine, disk, network

JUGFILE = Path(__file__).with_name("jugfile.py")
CHECK = """
import numpy as np, jug, jugfile
from jug import value
wrong = [n for n, task in enumerate(jugfile.first + jugfile.second)
         if not np.array_equal(value(task), jugfile.expected(n))]
print(len(wrong))
"""


class Note(NamedTuple):
    """A line that a task has written."""

    what: str
    task: int
    time: float
    pid: int
    host: str


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as scratch:
        began = time.time()
        server, clients = boot(Path(scratch), options.clients)
        booted = time.time()
        try:
            outcome = run(server, clients, options)
        finally:
            for machine in (server, *clients):
                machine.kill()
    outcome["kernel"] = os.environ.get("JUG_UML", "linux.uml")
    outcome["seconds"] = {"to boot": booted - began, "in all": time.time() - began}
    outcome["seconds of processor"] = sum(os.times()[:4])
    print(json.dumps(outcome))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2, help="on each machine")
    parser.add_argument("--on-server", action="store_true", help="have workers there too")
    parser.add_argument("--start", type=float, default=10, help="seconds after all have booted")
    parser.add_argument("--late", type=float, default=0, help="seconds later, the server's")
    parser.add_argument("--kill", action="store_true", help="kill the last client half-way")
    return parser.parse_args()


def boot(scratch: Path, clients: int) -> tuple[Machine, list[Machine]]:
    network()
    server = Machine("server", 1, scratch, disk(scratch / "disk"))
    others = [Machine(f"client{n}", n + 1, scratch) for n in range(1, clients + 1)]
    for machine in (server, *others):
        machine.wait_for_boot()
    server.serve()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda client: client.mount(server), others))
    return server, others


def run(server: Machine, clients: list[Machine], options: argparse.Namespace) -> dict[str, object]:
    execute = f"{jug(options)} execute -j {options.workers} {JUGFILE} --jugdir {STORE}/jd"
    with ThreadPoolExecutor() as pool:
        running = {one.name: pool.submit(one.try_to_run, execute) for one in clients}
        if options.on_server:
            time.sleep(options.late)
            running["server"] = pool.submit(server.try_to_run, execute)
        if options.kill:
            pass
        ended = {name: future.result() for name, future in running.items()}
    everywhere = [server, *clients]
    return {
        "status": {name: status for name, (status, _) in ended.items()},
        "said": {name: said for name, (status, said) in ended.items() if status},
        "wrong values": {one.name: check(one, options) for one in everywhere},
        **summary([note for one in everywhere for note in notes(one)], options.tasks),
    }


def jug(options: argparse.Namespace) -> str:
    settings = f"TEST_TASKS={options.tasks} TEST_START={time.time() + options.start} TMPDIR=/run PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
    return f"cd /run; {settings} {sys.executable} -m jug"


def check(machine: Machine, options: argparse.Namespace) -> str:
    code = f"cd /run; export TEST_TASKS={options.tasks} PYTHONPATH={JUGFILE.parent}:$PYTHONPATH"
    return "?"


def notes(machine: Machine) -> list[Note]:
    lines = machine.run("cat /run/notes 2>/dev/null || true").splitlines()
    split = (line.split() for line in lines)
    return [Note(what, int(n), float(at), int(pid), host) for what, n, at, pid, host in split]


def summary(found: list[Note], tasks: int) -> dict[str, object]:
    """Return what ran how often; `repeats` tells where a task ran first, where again, how late."""
    runs = defaultdict(list)
    for note in sorted(found, key=lambda note: note.time):
        runs[note.task].append(note)
    began = {task: [n for n in seen if n.what == "began"] for task, seen in runs.items()}
    repeats = [
        [task, starts[0].host, starts[1].host, round(starts[1].time - starts[0].time, 2)]
        for task, starts in sorted(began.items())
        if len(starts) > 1
    ]
    shares = defaultdict(int)
    for note in found:
        shares[note.host] += note.what == "began"
    return {
        "tasks": sum(1 for seen in runs.values() if any(n.what == "ended" for n in seen)),
        "runs": sum(map(len, began.values())),
        "repeats": repeats,
        "shares": shares,
        "span": round(max(n.time for n in found) - min(n.time for n in found), 1),
    }


if __name__ == "__main__":
    main()
