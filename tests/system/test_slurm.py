"""Workers in jobs of a real Slurm, which ends them at their limit."""

from __future__ import annotations

import getpass
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.clock, pytest.mark.timeout(400)]

NODES = 2

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

TASKS = """
import os, time
from jug import TaskGenerator
from journal import log

JOB = os.environ.get("SLURM_JOB_ID")

@TaskGenerator
def work(number):
    log("began", number, JOB, time.time())
    time.sleep(2 + number % 5 / 20)
    log("ended", number, JOB, time.time())
    return number

tasks = [work(number) for number in range({count})]
"""

SCRIPT = """#!/bin/bash
exec {python} -m jug execute -j 2
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: str, environ: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


class Slurm:
    """A cluster of a few nodes, all of them on this machine."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def call(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environ, capture_output=True, text=True, check=True
        ).stdout.strip()

    def submit(self, script: str, *options: str) -> str:
        return self.call("sbatch", "--parsable", "--output=out-%A_%a", *options, script)

    def jobs(self) -> list[str]:
        """Return how each element of each array stands: its state and its exit code."""
        shown = self.call("scontrol", "--oneliner", "show", "job").splitlines()
        fields = [dict(field.split("=", 1) for field in line.split() if "=" in field)
                  for line in shown if line.startswith("JobId=")]  # fmt: skip
        return [f"{job['JobState']} {job['ExitCode']}" for job in fields]

    def is_busy(self) -> bool:
        return bool(self.call("squeue", "--noheader"))


@pytest.fixture(scope="module")
def slurm(
    tmp_path_factory: pytest.TempPathFactory,
    wait_for: Callable[..., object],
    program: Callable[[str], str],
) -> Iterator[Slurm]:
    """A real Slurm with two nodes of four cores."""
    munged, controller, daemon = map(program, ("munged", "slurmctld", "slurmd"))
    folder = tmp_path_factory.mktemp("slurm")
    for path in (folder, folder.parent, folder.parent.parent):
        path.chmod(0o755)
    (folder / "state").mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(1024))
    (folder / "munge.key").chmod(0o400)
    host = socket.gethostname().split(".")[0]
    nodes = [
        f"NodeName=n{i} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} "
        "CPUs=4 RealMemory=1000 State=UNKNOWN"
        for i in range(NODES)
    ]
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            host=host, port=free_port(), user=getpass.getuser(), folder=folder,
            nodes="\n".join(nodes),
        )
    )  # fmt: skip
    environ = os.environ | {"SLURM_CONF": str(configuration)}
    files = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid",
             "log-file": "munge.log", "seed-file": "munge.seed"}  # fmt: skip
    options = [f"--{name}={folder / file}" for name, file in files.items()]
    with ExitStack() as stack:
        stack.enter_context(running(munged, "--foreground", "--force", *options, environ=environ))
        wait_for((folder / "munge.socket").exists)
        stack.enter_context(running(controller, "-D", environ=environ))
        for i in range(NODES):
            (folder / f"spool-n{i}").mkdir()
            stack.enter_context(running(daemon, "-D", "-N", f"n{i}", environ=environ))
        slurm = Slurm(environ)

        def is_ready() -> bool:
            shown = subprocess.run(
                ["sinfo", "--noheader", "--states=idle", "--format=%D"],
                env=environ, capture_output=True, text=True, check=False,
            )  # fmt: skip
            return shown.stdout.strip() == str(NODES)

        wait_for(is_ready, 60)
        yield slurm
        subprocess.run(["scancel", f"--user={getpass.getuser()}"], env=environ, check=False)


@pytest.fixture
def script(write: Callable[..., None], journal: object) -> Callable[[int], str]:
    """Call with a number of tasks: writes the jugfile, and returns the script of its jobs."""

    def make(count: int) -> str:
        write(TASKS.format(count=count))
        write(SCRIPT.format(python=sys.executable), "job.sh")
        return "job.sh"

    return make


def test_jobs_of_a_minute_do_all_and_none_is_cut_off(slurm, script, journal, wait_for):
    """Each job asks the queue when it must end: this Slurm says it in no variable."""
    before = len(slurm.jobs())
    path = script(200)
    for _ in range(3):
        slurm.submit(path, "--array=0-1", "--cpus-per-task=2", "--exclusive", "--time=1")
    wait_for(lambda: not slurm.is_busy(), 380)

    assert Counter(slurm.jobs()[before:]) == {"COMPLETED 0:0": 6}
    for word in ("began", "ended"):
        assert Counter(line[1] for line in journal() if line[0] == word) == Counter(
            map(str, range(200))
        )
    told = {path.name: path.read_text() for path in Path().glob("out-*")}
    assert not any("not known when this job must end" in text for text in told.values())
    ended_early = [text for text in told.values() if "nothing that is left fits" in text]
    spans = sorted(busy_seconds(journal()), reverse=True)[: len(ended_early)]
    assert len(ended_early) >= 2
    # Of its minute a job loses the margin, a fifth more than the longest task, and its beginning.
    assert all(span > 60 - 3 - 1.2 * 2.2 - 10 for span in spans), spans


def busy_seconds(lines):
    """Return for each job how long it was from its first task's beginning to its last one's end."""
    times = {}
    for _, _, job, at in lines:
        times.setdefault(job, []).append(float(at))
    return [max(some) - min(some) for some in times.values()]


def test_a_job_is_drained_by_a_signal_to_its_script(slurm, script, journal, wait_for):
    before = len(slurm.jobs())
    job = slurm.submit(script(200), "--cpus-per-task=2", "--time=5")
    wait_for(journal, 60)

    slurm.call("scancel", "--batch", f"--signal={signal.SIGUSR1.name[3:]}", job)
    wait_for(lambda: not slurm.is_busy(), 60)

    assert slurm.jobs()[before:] == ["COMPLETED 0:0"]
    began, ended = ([line[1] for line in journal() if line[0] == w] for w in ("began", "ended"))
    assert sorted(began) == sorted(ended) and len(ended) <= 4
    (told,) = (path.read_text() for path in Path().glob("out-*"))
    assert "jug: told to begin no further task; " in told and "jugfile.work\n" in told


def test_a_job_that_is_cancelled_gives_its_tasks_back_at_once(
    slurm, script, journal, jug, wait_for
):
    job = slurm.submit(script(4), "--cpus-per-task=2", "--time=5")
    wait_for(lambda: len(journal()) == 2, 60)
    began = time.monotonic()

    slurm.call("scancel", job)
    wait_for(lambda: "active" not in jug("status")[1], 10)

    assert time.monotonic() - began < 5, "two seconds, and what looking takes on a busy machine"
    wait_for(lambda: not slurm.is_busy(), 60)
    assert jug("execute", "-j", "2", "--short")[1] == "4 tasks executed, 0 loaded\n"
