"""`jug jobs`, and the line of `jug status`, with a queue that is played."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jug.batch.folders import logs
from jug.batch.names import family

HELD = """
import time
from pathlib import Path
from jug import TaskGenerator

@TaskGenerator
def work(number):
    Path(f"began-{number}").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return number

tasks = [work(number) for number in range(2)]
"""


@pytest.fixture(autouse=True)
def jugfile(folder):
    (folder / "work.py").write_text(HELD)


@pytest.fixture
def name(folder):
    return f"{family('work.py', f'file:{folder}/work.jugdata')}-x2"


@pytest.fixture
def in_job(folder, wait_for):
    """Run two workers that believe to be in a job, until the test ends."""
    begun = []

    def run(**environ):
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "jug", "execute", "-j", "2", "work.py"],
                env=os.environ | environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        )
        wait_for(lambda: Path("began-0").exists() and Path("began-1").exists())
        return begun[-1]

    yield run
    Path("go").touch()
    for process in begun:
        process.wait(20)


OF_ARRAY = {"SLURM_ARRAY_JOB_ID": "1233", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_ID": "1234"}


def test_jobs_stand_beside_the_tasks_that_their_workers_hold(jug, slurm, in_job, name):
    in_job(**OF_ARRAY)
    began, end = int(time.time()) - 3890, int(time.time()) + 7520  # rounded, for half a minute
    slurm(
        f"1233_0|RUNNING|node7|{began}|{end}|None|{name}\n"
        f"1233_1|PENDING||N/A|N/A|Priority|{name}\n"
        "77_0|RUNNING|node8|1|1|None|something-else\n"
    )

    said = jug("jobs", "work.py").output

    head, _, first, second = said.splitlines()
    assert head.split() == ["Job", "State", "Where", "Since", "Left", "Workers", "Tasks"]
    assert first.split()[:3] == ["1233_0", "running", "node7"]
    assert "1 h 5 min" in first and "2 h 5 min" in first
    assert first.endswith("2  work.work(0), work.work(1)")
    assert second.split() == ["1233_1", "pending", "(Priority)"]


def test_jobs_of_scripts_of_the_users_own_are_found_by_their_workers(jug, slurm, in_job):
    in_job(**OF_ARRAY)
    slurm("1233_0|RUNNING|node7|1|1|None|mine\n1233_1|RUNNING|node7|1|1|None|mine\n")

    [job] = json.loads(jug("jobs", "--json", "work.py").output)["jobs"]

    assert (job["id"], job["name"], job["place"]) == ("1233_0", "mine", "node7")
    assert job["tasks"] == ["work.work(0)", "work.work(1)"]
    assert {worker["job"] for worker in job["workers"]} == {"SLURM 1233_0"}


def test_what_workers_hold_is_told_also_where_the_queue_does_not_answer(
    jug, slurm, in_job, programs
):
    in_job(**OF_ARRAY)
    programs.add("squeue", "echo 'Unable to contact' >&2; exit 1")

    result = jug("jobs", "work.py", status=1)

    assert "jug: the queue does not answer: squeue says: Unable to contact" in result.stderr
    assert "1233_0  not known" in result.stdout
    assert "work.work(0), work.work(1)" in result.stdout


def test_what_the_queue_says_stays_in_its_cell(jug, programs, name):
    job = {"Job_Name": name, "job_state": "Q", "comment": "No\x1b[31m run\nyet"}
    (programs.folder / "said").write_text(json.dumps({"Jobs": {"12[0].head": job}}))
    programs.add("qstat", f"cat {programs.folder}/said")

    [row] = jug("jobs", "--to", "pbs", "work.py").stdout.splitlines()[2:]

    assert row == "12[0].head  queued (No\\x1b[31m run\\nyet)"


def test_columns_that_say_nothing_are_left_out(jug, slurm, name):
    slurm(f"12_0|PENDING||N/A|N/A|Priority|{name}\n")

    head, _, row = jug("jobs", "work.py").output.splitlines()

    assert (head.split(), row.split()) == (["Job", "State"], ["12_0", "pending", "(Priority)"])


def test_jobs_are_cancelled_by_arrays_and_others_are_not(jug, slurm, programs, name):
    slurm(
        f"12_0|RUNNING|n|1|1|None|{name}\n12_1|PENDING||N/A|N/A|None|{name}\n"
        f"13_0|PENDING||N/A|N/A|None|{name.replace('-x2', '-9f3a-x1')}\n"
        "77_0|RUNNING|n|1|1|None|something-else\n"
    )

    assert jug("jobs", "--cancel", "work.py").output == "Cancelled 3 jobs.\n"
    assert programs.calls("scancel") == ["12 13"]

    slurm()
    assert jug("jobs", "--cancel", "work.py").output == "Cancelled 0 jobs.\n"


def test_nothing_is_said_of_jobs_where_the_queue_does_not_answer(jug, slurm, programs):
    programs.add("squeue", "exit 1")

    assert jug("jobs", "work.py", status=1).stdout == "Which jobs wait or run is not known.\n"
    assert jug("jobs", "--cancel", "work.py", status=1).stdout == ""
    assert not programs.calls("scancel")


def test_jobs_of_another_jugfile_with_the_same_store_are_not_cancelled(
    jug, slurm, programs, folder
):
    for name in ("experiment_2026_first.py", "experiment_2026_second.py"):
        (folder / name).write_text(HELD)
    names = [
        family(f"experiment_2026_{one}.py", f"file:{folder}/all") for one in ("first", "second")
    ]
    slurm("".join(f"{n}_0|PENDING||N/A|N/A|None|{name}-x1\n" for n, name in enumerate(names)))

    said = jug("jobs", "--cancel", "--jugdir", "all", "experiment_2026_second.py").stdout

    assert (said, programs.calls("scancel")) == ("Cancelled 1 job.\n", ["1"])


def test_of_a_job_that_died_the_end_of_the_log_is_shown(jug, slurm, folder):
    logs = folder / "work.jugdata.jobs"
    logs.mkdir()
    (logs / "55_0.log").write_text("".join(f"line {n}\n" for n in range(30)) + "\x1b[1mKilled\n")
    (logs / "script.sh").write_text("#!/bin/bash\n")

    said = jug("jobs", "work.py").output

    assert said.startswith("No job waits or runs.\n\nJob 55_0 is over and did not end well; ")
    assert said.endswith("  line 29\n  \\x1b[1mKilled\n")
    assert "line 20\n" not in said


def test_a_job_in_the_queue_is_not_dead(jug, slurm, folder, name):
    slurm(f"55_0|RUNNING|n|1|1|None|{name}\n")
    (folder / "work.jugdata.jobs").mkdir()
    (folder / "work.jugdata.jobs" / "55_0.log").write_text("begins\n")

    assert "did not end well" not in jug("jobs", "work.py").output


def test_a_job_that_ended_well_is_not_dead(jug, slurm, in_job, folder):
    process = in_job(**OF_ARRAY)
    Path("go").touch()
    process.wait(20)
    (folder / "work.jugdata.jobs").mkdir()
    (folder / "work.jugdata.jobs" / "1233_0.log").write_text("a table\n")
    (folder / "work.jugdata.jobs" / "1233_1.log").write_text("no such module\n")

    [dead] = json.loads(jug("jobs", "--json", "work.py").output)["dead"]

    assert (dead["id"], dead["lines"]) == ("1233_1", ["no such module"])


def test_a_job_that_found_nothing_to_do_is_not_dead(jug, jug_process, slurm, folder):
    Path("go").touch()
    jug_process("execute", "work.py")
    logs = folder / "work.jugdata.jobs"
    logs.mkdir()
    for number, options in enumerate([[], ["--short"]]):
        (logs / f"12_{number}.log").write_text(jug_process("execute", *options, "work.py").stdout)

    assert jug("jobs", "work.py").output == "No job waits or runs.\n"


# The line of `jug status`


@pytest.fixture
def submitted(folder):
    (folder / "work.jugdata.jobs").mkdir()


def test_status_counts_the_jobs_in_the_queue(jug, slurm, name, submitted):
    later = int(time.time()) + 3600
    slurm(
        f"12_0|RUNNING|n|1|1|None|{name}\n12_1|PENDING||{later}|N/A|Priority|{name}\n"
        f"12_2|PENDING||N/A|N/A|Priority|{name}\n"
    )

    said = jug("status", "work.py", status=1).output

    expected = time.strftime("%H:%M", time.localtime(later))
    assert said.endswith(f"\n1 job runs, 2 wait (next about {expected}).\n")


def test_status_says_that_no_job_is_there(jug, slurm, submitted):
    assert jug("status", "work.py", status=1).output.endswith("\nNo job waits or runs.\n")


def test_a_queue_that_does_not_answer_costs_status_a_line(jug, slurm, programs, submitted):
    programs.add(
        "squeue", "echo 'slurm_load_jobs error:' >&2; echo 'Unable to contact' >&2; exit 1"
    )

    said = jug("status", "work.py", status=1).output

    assert said.splitlines()[-1] == (
        "The queue does not answer: squeue says: slurm_load_jobs error: Unable to contact"
    )


def test_status_does_not_wait_for_a_queue_for_long(jug, slurm, programs, submitted, monkeypatch):
    monkeypatch.setattr("jug.batch.status_line._PATIENCE", 0.1)
    programs.add("squeue", "sleep 30")

    said = jug("status", "work.py", status=1).output

    assert said.splitlines()[-1] == (
        "The queue does not answer: squeue did not answer within 0.1 s"
    )


@pytest.mark.parametrize("options", [["--short"], ["--json"]])
def test_programs_that_read_status_find_what_they_know(jug, slurm, programs, submitted, options):
    jug("status", *options, "work.py", status=1)

    assert not programs.calls("squeue")


def test_the_queue_is_not_asked_where_nothing_was_submitted(jug, slurm, programs):
    jug("status", "work.py", status=1)

    assert not programs.calls("squeue")


def test_status_goes_without_a_batch_system(jug, programs, submitted):
    assert "job" not in jug("status", "work.py", status=1).output


def test_a_log_that_is_gone_meanwhile_is_none(tmp_path: Path) -> None:
    (tmp_path / "1.log").write_text("begins\n")
    (tmp_path / "2.log").symlink_to("removed.log")

    assert logs(tmp_path) == {"1": tmp_path / "1.log"}
