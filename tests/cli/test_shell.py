"""`jug shell`: its functions, and a conversation with it in a pseudo-terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pexpect
import pytest
from click.testing import CliRunner

from jug.cli import main
from jug.cli.demo import JUGFILE
from jug.cli.shell import banner, namespace
from jug.errors import OptionError, TaskError, TaskNotFound
from jug.jugfile import Jugfile, Jugspace, set_jugdir
from jug.session import use_store
from jug.task.task import Task, alltasks

PRIMES = JUGFILE.replace("sleep(1.0)", "sleep(0.0)")
FIRST_TEN = "[True, True, False, True, False, True, False, False, False, True]"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder of this test's own, which holds the primes example."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    Path("primes.py").write_text(PRIMES)
    yield
    alltasks.clear()
    use_store(None)
    sys.modules.pop("primes", None)


def read(text: str = PRIMES, run: int = 1000) -> Jugspace:
    """Return what a jugfile gives, with its first tasks run."""
    Path("primes.py").write_text(text)
    set_jugdir("dict_store")
    jugspace = Jugfile("primes.py").read()
    for task in jugspace.tasks[:run]:
        task.run()
    return jugspace


def names(run: int = 1000) -> dict[str, Any]:
    return namespace(read(run=run))


# What it offers


def test_value_goes_through_lists() -> None:
    shell = names()

    assert str(shell["value"](shell["primes100"])[:10]) == FIRST_TEN


def test_invalidate_removes_what_depends_on_the_task_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shell = names()

    shell["invalidate"](shell["primes100"][3])

    assert capsys.readouterr().out == "3 results removed\n"
    assert shell["primes100"][2].can_load()
    for task in (shell["primes100"][3], shell["n_primes"], shell["get_task"]("write_output")):
        assert not task.can_load()


def test_invalidate_takes_lists_and_parts_of_results(capsys: pytest.CaptureFixture[str]) -> None:
    shell = names()

    shell["invalidate"]([shell["primes100"][:2], {"part": shell["primes100"][5][0]}])

    assert capsys.readouterr().out == "5 results removed\n"


def test_invalidate_reaches_tasks_that_were_made_in_the_shell() -> None:
    shell = names()
    doubled = Task(abs, shell["n_primes"])
    doubled.run()

    shell["invalidate"](shell["n_primes"])

    assert not doubled.can_load()


def test_to_invalidate_what_is_no_task_is_an_error() -> None:
    with pytest.raises(TaskError, match="no task in 3: name one"):
        names()["invalidate"](3)


def test_get_tasks_gives_each_task_once() -> None:
    shell = namespace(read(PRIMES + "again = is_prime(7)\n"))

    assert len(shell["get_tasks"]()) == 101


@pytest.mark.parametrize(("loadable", "count"), [(True, 40), (False, 61), (None, 101)])
def test_tasks_are_filtered_by_whether_they_have_a_result(
    loadable: bool | None, count: int
) -> None:
    assert len(names(run=40)["get_filtered_tasks"](loadable=loadable)) == count


def test_tasks_are_filtered_by_whether_they_failed() -> None:
    shell = names(run=40)
    failing = shell["n_primes"]
    failing.lock()
    failing.fail()

    assert shell["get_filtered_tasks"](failed=True) == [failing]
    assert len(shell["get_filtered_tasks"](failed=False)) == 100
    assert len(shell["get_filtered_tasks"](failed=False, loadable=False)) == 60


def test_a_task_is_found_by_its_name_and_by_its_hash() -> None:
    shell = names()
    task = shell["n_primes"]

    for which in (task.name, "count_primes", task.hash(), task.hash().decode(), task.hash()[:8]):
        assert shell["get_task"](which) is task


@pytest.mark.parametrize("which", ["nothing", "primes", "ount_primes", "0" * 40, "12"])
def test_what_names_no_task_is_an_error(which: str) -> None:
    with pytest.raises(TaskNotFound, match=f"no task is '{which}'"):
        names()["get_task"](which)


def test_a_name_of_many_tasks_is_an_error_that_gives_a_hash() -> None:
    shell = names()

    with pytest.raises(OptionError, match="99 tasks fit 'is_prime'") as caught:
        shell["get_task"]("is_prime")

    assert "name one, such as is_prime[0]" in str(caught.value)
    assert shell["get_task"]("is_prime[0]") is shell["primes100"][0]


# What it says at its start


def test_the_banner_names_every_function() -> None:
    jugspace = read()
    offered = namespace(jugspace).keys() - jugspace.names.keys()

    for name in offered:
        assert f"    {name}(" in banner(jugspace)


def test_the_banner_says_that_the_jugfile_stopped_at_a_barrier() -> None:
    stopped = read(PRIMES + "from jug import barrier\nbarrier()\nbeyond = 1\n", run=0)

    assert "stops at a barrier" in banner(stopped)
    assert "barrier" not in banner(read())


def test_a_name_of_the_jugfile_that_is_hidden_is_told() -> None:
    hiding = read(PRIMES + "from jug import value\nget_task = 3\n")

    assert "These hide the jugfile's own get_task." in banner(hiding)


# In a terminal

PLAIN = """
import sys
sys.modules["IPython"] = None  # as if it were not installed
from jug.cli import main
main(["shell", "primes.py"], prog_name="jug")
"""


def start(*arguments: str) -> pexpect.spawn[str]:
    environment = {**os.environ, "TERM": "dumb", "PYTHON_BASIC_REPL": "1"}
    return pexpect.spawn(
        sys.executable,
        list(arguments),
        env=environment,
        timeout=30,
        encoding="utf-8",
        dimensions=(50, 200),
    )


@pytest.fixture(params=["IPython", "plain"])
def terminal(request: pytest.FixtureRequest) -> Iterator[tuple[pexpect.spawn[str], str]]:
    """Return the shell over the finished example, and its prompt."""
    with set_jugdir("primes.jugdata"):
        for task in Jugfile("primes.py").read().tasks:
            task.run()
    if request.param == "plain":
        child, prompt = start("-c", PLAIN), ">>> "
    else:
        if find_spec("IPython") is None:
            pytest.skip("IPython is not installed")
        child, prompt = start("-m", "jug", "shell", "primes.py"), r"In \[\d+\]: "
    with child:
        yield child, prompt


def test_a_value_is_loaded_and_invalidated_and_the_shell_left(
    terminal: tuple[pexpect.spawn[str], str],
) -> None:
    child, prompt = terminal

    child.expect_exact("The jugfile's names are here")
    child.expect(prompt)
    child.sendline("value(primes100)[:10]")
    child.expect_exact(FIRST_TEN)
    child.expect(prompt)
    child.sendline("invalidate(primes100[0])")
    child.expect_exact("3 results removed")
    child.expect(prompt)
    child.sendline("exit()")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    status = CliRunner().invoke(main, ["status", "--short", "primes.py"])
    assert status.output == "3 tasks waiting to be run, 0 failed, 98 complete, (none active).\n"
