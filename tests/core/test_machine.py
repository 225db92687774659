"""What this process may use of its machine: cores, memory and GPUs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jug.machine.cores import usable_cores
from jug.machine.gpus import usable_gpus
from jug.machine.memory import usable_memory


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


GIB = 2**30
MEMINFO = {"proc/meminfo": "MemTotal:       16777216 kB\nMemFree:         8000000 kB\n"}


def test_without_limits_all_memory_of_the_machine_counts(root: Path) -> None:
    assert usable_memory({}, str(root)) is None
    write(root, MEMINFO)
    assert usable_memory({}, str(root)) == 16 * GIB


@pytest.mark.parametrize(
    ("environ", "size"),
    [
        ({"SLURM_JOB_ID": "7", "SLURM_MEM_PER_NODE": "4096"}, 4),
        ({"SLURM_JOB_ID": "7", "SLURM_MEM_PER_CPU": "2048", "SLURM_CPUS_ON_NODE": "3"}, 6),
        ({"SLURM_JOB_ID": "7", "SLURM_MEM_PER_CPU": "2048"}, 16),
        ({"SLURM_JOB_ID": "7", "SLURM_MEM_PER_NODE": "0"}, 16),
        ({"SLURM_MEM_PER_NODE": "4096"}, 16),
    ],
)
def test_a_slurm_job_has_the_memory_that_it_was_given(
    root: Path, environ: dict[str, str], size: int
) -> None:
    write(root, MEMINFO)

    assert usable_memory(environ, str(root)) == size * GIB


@pytest.mark.parametrize(
    "files",
    [
        {
            "proc/self/cgroup": "0::/job/step\n",
            "sys/fs/cgroup/job/step/memory.max": "max\n",
            "sys/fs/cgroup/job/memory.max": f"{3 * GIB}\n",
        },
        {
            "proc/self/cgroup": "4:memory:/job\n2:cpu,cpuacct:/job\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{3 * GIB}\n",
        },
    ],
)
def test_a_cgroup_limits_the_memory(root: Path, files: dict[str, str]) -> None:
    write(root, MEMINFO | files)

    assert usable_memory({}, str(root)) == 3 * GIB


@pytest.mark.parametrize(
    ("said", "devices"),
    [
        ("0,1", ("0", "1")),
        ("GPU-8932f937, GPU-aa", ("GPU-8932f937", "GPU-aa")),
        ("", ()),
        ("-1", ()),
        ("2,-1,3", ("2",)),
        ("NoDevFiles", ()),
        ("1,1", ("1",)),
    ],
)
def test_gpus_are_those_that_the_environment_gives(
    root: Path, said: str, devices: tuple[str, ...]
) -> None:
    assert usable_gpus({"CUDA_VISIBLE_DEVICES": said}, str(root)) == devices


def test_else_gpus_are_those_that_the_driver_shows(root: Path) -> None:
    assert usable_gpus({}, str(root)) == ()
    write(root, {f"proc/driver/nvidia/gpus/0000:0{n}:00.0/information": "" for n in (1, 2)})
    assert usable_gpus({}, str(root)) == ("0", "1")
