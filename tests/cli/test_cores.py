"""How many workers `-j 0` starts: what limits this process most."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jug.cli.cores import usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be allowed on eight cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of a file system without any cgroup."""
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_without_limits_the_affinity_counts(root: Path) -> None:
    assert usable_cores({}, str(root)) == 8


@pytest.mark.parametrize(
    ("environ", "cores"),
    [
        ({"SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "3", "SLURM_CPUS_ON_NODE": "6"}, 3),
        ({"SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "6"}, 6),
        ({"SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "32"}, 8),
        ({"SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "many"}, 8),
        ({"SLURM_CPUS_PER_TASK": "3"}, 8),
        ({"PBS_JOBID": "7.host", "NCPUS": "2"}, 2),
        ({"LSB_JOBID": "7", "LSB_DJOB_NUMPROC": "5"}, 5),
        ({"JOB_ID": "7", "NSLOTS": "1"}, 1),
        ({"NCPUS": "2", "NSLOTS": "1"}, 8),
    ],
)
def test_a_batch_job_uses_what_it_was_given(
    root: Path, environ: dict[str, str], cores: int
) -> None:
    assert usable_cores(environ, str(root)) == cores


@pytest.mark.parametrize(
    ("slot", "cores"),
    [("DetectedCpus = 64\nCpus = 4\nTotalCpus = 64.0\n", 4), ("Cpus = 0\n", 8), ("", 8), (None, 8)],
)
def test_condor_says_in_a_file_what_it_gave(root: Path, slot: str | None, cores: int) -> None:
    if slot is not None:
        write(root, {"machine.ad": slot})

    assert usable_cores({"_CONDOR_MACHINE_AD": str(root / "machine.ad")}, str(root)) == cores


@pytest.mark.parametrize(
    ("quota", "cores"), [("200000 100000", 2), ("250000 100000", 3), ("5000 100000", 1)]
)
def test_a_cgroup_allows_a_share_of_time_in_version_2(root: Path, quota: str, cores: int) -> None:
    write(root, {"proc/self/cgroup": "0::/job/step\n", "sys/fs/cgroup/job/step/cpu.max": quota})

    assert usable_cores({}, str(root)) == cores


def test_a_cgroup_around_it_limits_as_well(root: Path) -> None:
    write(
        root,
        {
            "proc/self/cgroup": "0::/job/step\n",
            "sys/fs/cgroup/job/step/cpu.max": "max 100000\n",
            "sys/fs/cgroup/job/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/cpu.max": "600000 100000\n",
        },
    )

    assert usable_cores({}, str(root)) == 4


@pytest.mark.parametrize("path", ["/job", "/not/to/be/seen/in/this/container"])
def test_a_cgroup_allows_a_share_of_time_in_version_1(root: Path, path: str) -> None:
    folder = "sys/fs/cgroup/cpu,cpuacct"
    write(
        root,
        {
            "proc/self/cgroup": f"4:memory:{path}\n2:cpu,cpuacct:{path}\n1:name=systemd:/\n0::/\n",
            f"{folder}/cpu.cfs_quota_us": "300000\n",
            f"{folder}/cpu.cfs_period_us": "100000\n",
            f"{folder}/job/cpu.cfs_quota_us": "-1\n",
            f"{folder}/job/cpu.cfs_period_us": "100000\n",
        },
    )

    assert usable_cores({}, str(root)) == 3
