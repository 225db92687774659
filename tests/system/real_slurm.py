"""A real Slurm, all of whose nodes are on this machine, for tests to submit jobs to."""

from __future__ import annotations

import getpass
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.ports import free_port

NODES = ("n0", "n1")

_APART = 0.2  # seconds between two looks at the queue, which are processes

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A job that is requeued waits for as long as the credential of its former run lasts.
AuthInfo=socket={folder}/munge.socket,cred_expire=6
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
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10
"""


@contextmanager
def running(*command: str, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


class Slurm:
    """A cluster of two nodes of eight cores."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self._nodes: dict[str, ExitStack] = {}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def call(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environ, capture_output=True, text=True, check=True
        ).stdout.strip()

    def submit(self, script: str, *options: str) -> str:
        return self.call("sbatch", "--parsable", "--output=out-%A_%a", *options, script)

    def shown(self) -> list[dict[str, str]]:
        """Return what Slurm says of each element of each array."""
        lines = self.call("scontrol", "--oneliner", "show", "job").splitlines()
        return [dict(field.split("=", 1) for field in line.split() if "=" in field)
                for line in lines if line.startswith("JobId=")]  # fmt: skip

    def jobs(self) -> list[str]:
        """Return how each element of each array stands: its state and its exit code."""
        return [f"{job['JobState']} {job['ExitCode']}" for job in self.shown()]

    def is_busy(self) -> bool:
        """Return whether a job waits or runs, not to be asked without a pause."""
        time.sleep(_APART)
        return bool(self.call("squeue", "--noheader"))

    def begin_node(self, name: str) -> None:
        self._nodes[name] = ExitStack()
        daemon = running("slurmd", "-D", "-N", name, environ=self.environ)
        self._daemons[name] = self._nodes[name].enter_context(daemon)

    def end_node(self, name: str) -> None:
        self._nodes[name].close()

    def kill_node(self, name: str) -> None:
        """Kill all that runs on a node, from the daemon to the jobs, with no last word."""
        self._daemons[name].kill()
        jobs = [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc")))
                if self._is_of_job_on(name, pid)]  # fmt: skip
        steps = {parent_of(pid) for pid in jobs} - {*jobs, os.getpid(), 1, 0}
        for pid in (*steps, *jobs):
            kill(pid)

    def _is_of_job_on(self, node: str, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        conf = f"SLURM_CONF={self.environ['SLURM_CONF']}".encode()
        return {conf, f"SLURMD_NODENAME={node}".encode()} <= {*environ}


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@pytest.fixture(scope="module")
def slurm(
    tmp_path_factory: pytest.TempPathFactory,
    wait_for: Callable[..., object],
    program: Callable[[str], str],
) -> Iterator[Slurm]:
    """A real Slurm with two nodes of eight cores."""
    munged, controller, _ = map(program, ("munged", "slurmctld", "slurmd"))
    folder = tmp_path_factory.mktemp("slurm")
    for path in (folder, folder.parent, folder.parent.parent):
        path.chmod(0o755)
    (folder / "state").mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(1024))
    (folder / "munge.key").chmod(0o400)
    host = socket.gethostname().split(".")[0]
    nodes = [
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} "
        "CPUs=8 RealMemory=1000 State=UNKNOWN"
        for name in NODES
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
        slurm = Slurm(environ)
        for name in NODES:
            (folder / f"spool-{name}").mkdir()
            slurm.begin_node(name)
            stack.callback(slurm.end_node, name)

        def is_ready() -> bool:
            shown = subprocess.run(
                ["sinfo", "--noheader", "--states=idle", "--partition=main", "--format=%D"],
                env=environ, capture_output=True, text=True, check=False,
            )  # fmt: skip
            return shown.stdout.strip() == str(len(NODES))

        wait_for(is_ready, 60)
        yield slurm
        subprocess.run(["scancel", f"--user={getpass.getuser()}"], env=environ, check=False)
