"""A file server and two clients with kernels of their own, workers on them, one machine that dies.

Run it by hand, as root, to see what a kernel does (`--help` tells of the rest):

    unshare --net --pid --fork --kill-child --mount-proc python tests/system/nfs/run.py --kill

What has to be installed is in `.ci/run`; `machines.py` says how another kernel is used.
For each round it prints a line of JSON: how often tasks ran and where, which of them began
again after they had ended, and how many values were wrong, as the server reads them.  What
clients read, the tasks look at.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from machines import STORE, Machine, disk, network

JUGFILE = Path(__file__).with_name("jugfile.py")
CHECK = f"""
import jug, sys
_, space = jug.init({str(JUGFILE)!r}, sys.argv[1])
tasks = space["first"] + space["second"]
values = map(jug.value, tasks)
right = map(space["expected"], range(len(tasks)))
print(sum(value != wanted for value, wanted in zip(values, right, strict=True)))
"""


class Note(NamedTuple):
    """A line that a task has written."""

    what: str
    task: int
    time: float
    worker: int
    host: str


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as scratch:
        machines = boot(Path(scratch), options.clients)
        try:
            for number in range(options.rounds):
                one_round(machines, Path(scratch), f"{STORE}/{number}", options)
        finally:
            for machine in machines:
                machine.kill()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1, help="each with a jugdir of its own")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2, help="on each machine")
    parser.add_argument("--on-server", action="store_true", help="have workers there too")
    parser.add_argument("--late", type=float, default=2, help="seconds later, the server's")
    parser.add_argument("--start", type=float, default=8, help="seconds for all to be ready")
    parser.add_argument("--kill", action="store_true", help="kill the last client half-way")
    return parser.parse_args()


def boot(scratch: Path, clients: int) -> list[Machine]:
    """Return the server and its clients, which have mounted its disk."""
    network()
    server = Machine("server", 1, scratch, disk(scratch / "disk"))
    others = [Machine(f"client{n}", n + 1, scratch) for n in range(1, clients + 1)]
    for machine in (server, *others):
        machine.wait_for_boot()
    server.serve()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda client: client.mount(server), others))
    return [server, *others]


def one_round(
    machines: list[Machine], scratch: Path, jugdir: str, options: argparse.Namespace
) -> None:
    server, *clients = machines
    began = time.time()
    workers = dict.fromkeys(clients, began + options.start)
    if options.on_server:
        workers[server] = began + options.start + options.late
    with ThreadPoolExecutor() as pool:
        running = {
            machine: pool.submit(machine.try_to_run, execute(jugdir, start, options))
            for machine, start in workers.items()
        }
        if options.kill:
            kill_half_way(clients[-1], scratch, options.tasks)
            machines.remove(clients[-1])
            running.pop(clients[-1]).exception()
        ended = {machine.name: future.result() for machine, future in running.items()}
    took = time.time() - began
    outcome = {
        "said": {name: said for name, (status, said) in ended.items() if status},
        "wrong values": check(server, jugdir, options),
        **summary(read_notes(scratch)),
        "seconds": round(took, 1),
    }
    for path in scratch.glob("*.notes"):
        path.unlink()
    print(json.dumps(outcome), flush=True)


def execute(jugdir: str, start: float, options: argparse.Namespace) -> str:
    jug = f"-m jug execute -j {options.workers} {JUGFILE} --jugdir {jugdir}"
    return python(jug, start, options)


def check(machine: Machine, jugdir: str, options: argparse.Namespace) -> int:
    """Return of how many tasks the machine reads another value than it should."""
    return int(machine.run(python(f"-c {shlex.quote(CHECK)} {jugdir}", 0, options)))


def python(arguments: str, start: float, options: argparse.Namespace) -> str:
    settings = {
        "TEST_TASKS": options.tasks,
        "TEST_START": start,
        "TMPDIR": "/run",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "JUG_LEASE_SECONDS": 10,
    }
    words = " ".join(f"{name}={value}" for name, value in settings.items())
    return f"cd /run; {words} {sys.executable} {arguments}"


def kill_half_way(machine: Machine, scratch: Path, tasks: int) -> None:
    while sum(note.what == "ended" for note in read_notes(scratch)) < tasks // 2:
        time.sleep(0.1)
    machine.kill()


def read_notes(scratch: Path) -> list[Note]:
    lines = "".join(path.read_text() for path in scratch.glob("*.notes")).splitlines()
    split = (line.split() for line in lines)
    found = (Note(what, int(n), float(at), int(pid), host) for what, n, at, pid, host in split)
    return sorted(found, key=lambda note: note.time)


def summary(notes: list[Note]) -> dict[str, object]:
    """Return what ran where; `repeats` are runs that began after the task had ended."""
    ended: dict[int, Note] = {}
    repeats = []
    for note in notes:
        if note.what == "ended":
            ended.setdefault(note.task, note)
        elif note.task in ended:
            first = ended[note.task]
            repeats.append([note.task, first.host, note.host, round(note.time - first.time, 2)])
    runs = [note for note in notes if note.what == "began"]
    return {
        "tasks": len(ended),
        "runs": len(runs),
        "repeats": repeats,
        "by": dict(Counter(note.host for note in runs)),
    }


if __name__ == "__main__":
    main()
