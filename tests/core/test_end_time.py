"""When a command must end: what the user says, the environment, and the queue where it must."""

from __future__ import annotations

import logging
from math import inf
from pathlib import Path

import pytest

from jug.errors import OptionError
from jug.execution.end_time import EndTime, end_of_job, end_time

IN_JOB = {"SLURM_JOB_ID": "41"}
IN_ARRAY = {"SLURM_JOB_ID": "41", "SLURM_ARRAY_JOB_ID": "40", "SLURM_ARRAY_TASK_ID": "7"}


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A queue that says nothing: write a shell script there to have it say more."""
    path = tmp_path / "squeue"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return path


def says(squeue: Path, script: str) -> None:
    squeue.write_text(f"#!/bin/sh\n{script}\n")


def test_what_the_user_says_counts_more_than_the_job_and_of_that_the_earlier() -> None:
    assert end_time(100.0, until=500.0, lasting=None, of_job=200.0) == EndTime(100.0, 500.0)
    assert end_time(100.0, until=500.0, lasting=300.0, of_job=200.0) == EndTime(100.0, 400.0)
    assert end_time(100.0, until=None, lasting=None, of_job=200.0) == EndTime(100.0, 200.0)
    assert end_time(100.0, until=None, lasting=None, of_job=None) is None
    assert end_time(100.0, until=inf, lasting=None, of_job=200.0) is None


def test_the_margin_is_a_share_of_a_short_time_and_half_a_minute_of_a_long_one() -> None:
    assert EndTime(0.0, 60.0).margin == 3.0
    assert EndTime(0.0, 14_400.0).margin == 30.0
    assert EndTime(0.0, 60.0, 10.0).last_save == 50.0
    assert EndTime(100.0, 60.0).seconds == EndTime(100.0, 60.0).margin == 0.0


def test_the_variable_is_a_moment_or_never_and_asks_nobody(squeue: Path) -> None:
    says(squeue, "touch asked")
    assert end_of_job(0.0, {**IN_JOB, "JUG_END_TIME": "1780200000.5"}) == 1780200000.5
    assert end_of_job(0.0, {**IN_JOB, "JUG_END_TIME": "never"}) == inf
    assert end_of_job(0.0, {**IN_JOB, "SLURM_JOB_END_TIME": "1780200000"}) == 1780200000.0
    assert not Path("asked").exists()


def test_an_empty_variable_says_nothing(squeue: Path) -> None:
    says(squeue, "echo 1780200000")

    assert end_of_job(0.0, {"JUG_END_TIME": ""}) is None
    assert end_of_job(0.0, {**IN_JOB, "JUG_END_TIME": ""}) == 1780200000.0


def test_a_variable_that_is_no_moment_is_an_error_that_names_it() -> None:
    with pytest.raises(OptionError, match="the variable JUG_END_TIME must be .*, not 'noonish'"):
        end_of_job(0.0, {"JUG_END_TIME": "noonish"})


def test_outside_a_job_nobody_is_asked(squeue: Path) -> None:
    says(squeue, "echo 1780200000")

    assert end_of_job(0.0, {}) is None


@pytest.mark.parametrize(("job", "name"), [(IN_JOB, "41"), (IN_ARRAY, "40_7")])
def test_the_queue_is_asked_for_one_element_of_an_array(
    squeue: Path, job: dict[str, str], name: str
) -> None:
    says(
        squeue,
        f"""[ "$*" = "--noheader --jobs {name} --format %e" ] || exit 1
echo 'Welcome to the cluster'
echo "  $SLURM_TIME_FORMAT" | sed s/%s/1780200000/""",
    )

    assert end_of_job(0.0, job) == 1780200000.0


@pytest.mark.parametrize("said", ["N/A", "NONE", "Unknown"])
def test_a_job_may_have_no_end(squeue: Path, caplog: pytest.LogCaptureFixture, said: str) -> None:
    says(squeue, f"echo {said}")

    assert end_of_job(0.0, IN_JOB) is None
    assert not caplog.records


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'slurm_load_jobs error: no such job' >&2; exit 1", "slurm_load_jobs error: no such"),
        ("exit 3", "squeue ended with 3"),
        ("echo soon", "squeue says 'soon'"),
        ("exec sleep 60", "squeue did not answer within 0.05 s"),
    ],
)
def test_a_queue_that_fails_costs_a_line(
    squeue: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    why: str,
) -> None:
    if "sleep" in script:
        monkeypatch.setattr("jug.execution.batch_job._PATIENCE", 0.05)
    says(squeue, script)

    with caplog.at_level(logging.WARNING):
        assert end_of_job(0.0, IN_JOB) is None
    (line,) = caplog.messages
    assert line.startswith(f"not known when this job must end ({why}")
    assert line.endswith("JUG_END_TIME may say so, or be never")


def test_without_squeue_nobody_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert end_of_job(0.0, IN_JOB) is None
    assert "squeue: No such file or directory" in caplog.text
