"""Choosing tasks, alike in every command that takes a choice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Jug = Callable[..., Result]
JugProcess = Callable[..., subprocess.CompletedProcess[str]]

CHAIN = """
from pathlib import Path

from jug import TaskGenerator


@TaskGenerator(tags={"camera", "long"})
def measure(n):
    if n == 1 and not Path("mended").exists():
        raise ValueError("no such luck")
    return n


@TaskGenerator
def fit(measured):
    return measured + 0.5


fits = [fit(measure(n)) for n in range(3)]
"""


@pytest.fixture
def chain(folder: Path, executed: Callable[..., None]) -> Path:
    """Three measures and a fit of each, of which the second has failed and is mended by now."""
    (folder / "chain.py").write_text(CHAIN)
    executed("chain.py", keep_going=True)
    (folder / "mended").touch()
    return folder


def counts(result: Result) -> dict[str, int]:
    return {one["name"]: one["count"] for one in json.loads(result.stdout)["tasks"]}


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("words", "counted"),
    [
        ([], {"chain.fit": 3, "chain.measure": 3}),
        (["--name", "measure"], {"chain.measure": 3}),
        (["--name", "measure(1)"], {"chain.measure": 1}),
        (["--name", "*(1)"], {"chain.measure": 1}),
        (["--name", "measure(1)", "--downstream"], {"chain.fit": 1, "chain.measure": 1}),
        (["--failed"], {"chain.measure": 1}),
        (["--failed", "--downstream"], {"chain.fit": 1, "chain.measure": 1}),
        (["--failed", "--pattern", "fit"], {}),
        (["--tag", "camera"], {"chain.measure": 3}),
        (["--tag", "camera", "--name", "fit"], {}),
        (["--without-tag", "camera"], {"chain.fit": 3}),
        (["--without-tag", "none", "--tag", "long", "--tag", "camera"], {"chain.measure": 3}),
        (["--tag", "camera", "--failed", "--downstream"], {"chain.fit": 1, "chain.measure": 1}),
        (["--name", "*(1)", "--downstream", "--without-tag", "long"], {}),
    ],
)
def test_what_is_chosen(jug: Jug, words: list[str], counted: dict[str, int]) -> None:
    assert counts(jug("count", "--json", *words, "chain.py")) == counted


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    "command", ["count", "status", "invalidate", "execute", "failures", "log", "timings"]
)
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--name", "mesure"], "no task matches 'mesure': is 'chain.measure' meant?"),
        (["--name", "measure(7)"], "no task matches 'measure(7)': is 'chain.measure(2)' or"),
        (["--downstream"], "all that depends on what?"),
        (["--tag", "camra"], "no task has the tag 'camra': the tags are 'camera', 'long'"),
        (["--name", "fit", "--pattern", "fit"], "choose tasks by one of them"),
    ],
)
def test_a_choice_that_can_not_be_meant_is_refused(
    jug: Jug, jug_process: JugProcess, command: str, words: list[str], complaint: str
) -> None:
    run = jug_process if command == "execute" else jug

    assert complaint in run(command, *words, "chain.py", status=2).stderr


@pytest.mark.usefixtures("chain")
def test_status_is_that_of_the_chosen_tasks(jug: Jug) -> None:
    def short(*words: str, status: int) -> str:
        return jug("status", "--short", *words, "chain.py", status=status).stdout.strip()

    assert short("--name", "measure(0)", "--downstream", status=0) == (
        "All tasks complete (2 tasks)."
    )
    assert short("--failed", "--downstream", status=1) == (
        "1 tasks waiting to be run, 1 failed, 0 complete, (none active)."
    )
    assert short("--failed", "--name", "fit", status=0) == "All tasks complete (0 tasks)."


@pytest.mark.usefixtures("chain")
def test_what_is_not_chosen_is_not_said_to_be_tried_again(jug_process: JugProcess) -> None:
    assert jug_process("execute", "--name", "measure(0)", "chain.py").stderr == ""
    again = jug_process("execute", "--name", "measure(1)", "chain.py").stderr
    assert again == "jug: trying 1 task again that failed in an earlier run\n"


@pytest.mark.parametrize("command", ["status", "log", "count", "execute", "timings"])
def test_a_name_in_place_of_the_jugfile_is_refused(jug: Jug, command: str) -> None:
    told = jug(command, "is_prime", "primes.py", status=2).output

    assert told.endswith(
        "Error: there is no jugfile 'is_prime': is 'primes.py' meant? "
        "tasks are chosen by --name 'is_prime'\n"
    )


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_only_what_has_failed_is_run_again(jug_process: JugProcess, jug: Jug, jobs: str) -> None:
    again = jug_process("execute", "--short", "-j", jobs, "--failed", "chain.py")
    nothing = jug_process("execute", "--short", "-j", jobs, "--failed", "chain.py")

    assert again.stdout == "1 task executed, 0 loaded\n"
    assert nothing.stdout == "0 tasks executed, 0 loaded\n"
    assert nothing.stderr == ""
    status = jug("status", "--short", "chain.py", status=1).stdout
    assert status == "1 tasks waiting to be run, 0 failed, 5 complete, (none active).\n"


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_depends_on_it_is_run_too_when_asked(jug_process: JugProcess, jobs: str) -> None:
    words = ["execute", "--short", "-j", jobs, "--failed", "--downstream", "chain.py"]

    assert jug_process(*words).stdout == "2 tasks executed, 0 loaded\n"


def test_a_failure_that_stays_stops_what_depends_on_it(
    chain: Path, jug_process: JugProcess
) -> None:
    (chain / "mended").unlink()

    told = jug_process("execute", "--failed", "--downstream", "chain.py", status=1).stderr

    assert told.endswith(
        "jug: a task failed; 2 tasks are not done; 1 waits for one that failed (exit status 1)\n"
    )


def test_what_has_failed_stays_chosen_beyond_a_barrier(
    folder: Path, jug_process: JugProcess
) -> None:
    (folder / "stages.py").write_text(CHAIN + "from jug import barrier\nbarrier()\nfit(fits[1])\n")
    jug_process("execute", "--keep-going", "stages.py", status=1)
    (folder / "mended").touch()

    again = jug_process("execute", "--short", "--failed", "--downstream", "stages.py")

    assert again.stdout == "3 tasks executed, 0 loaded\n"


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_of_what_is_not_chosen_nothing_is_counted(jug_process: JugProcess, jobs: str) -> None:
    again = jug_process("execute", "-j", jobs, "--name", "measure(0)", "chain.py").stdout

    (row,) = [line for line in again.splitlines() if "measure" in line]
    assert row.split() == ["0", "1", "chain.measure"]
    assert again.splitlines()[-1].split() == ["0", "1", "Total"]
