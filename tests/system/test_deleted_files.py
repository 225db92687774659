"""Files of a jugdir that somebody deletes while a command runs, as cleaners do that go by age."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Journal

JUGFILE = """
import glob
import os
from pathlib import Path
from jug import TaskGenerator
from journal import log

@TaskGenerator
def f(number):
    log(number)
    if number == 5 and not Path("deleted").exists():
        Path("deleted").touch()
        for name in glob.glob("jugfile.jugdata/PATTERN"):
            if os.path.isfile(name):
                os.unlink(name)
    return bytes([number]) * SIZE

results = [f(number) for number in range(9)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("before", [0, 3], ids=["own", "of an earlier run"])
@pytest.mark.parametrize("size", [1, 200_000], ids=["small", "large"])
@pytest.mark.parametrize("pattern", ["format", "segments/*", "big/*/*", "[!l]*/**"])
def test_what_is_called_done_at_the_end_is_there(
    journal: Journal,
    write: Callable[..., None],
    jug: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    size: int,
    before: int,
) -> None:
    write(JUGFILE.replace("PATTERN", pattern).replace("SIZE", str(size)))
    if before:
        with monkeypatch.context() as patch:
            patch.setenv("JUG_MAX_TASKS", str(before))
            assert jug("execute")[0] == 0

    status, out, err = jug("execute")

    assert Path("deleted").exists()
    assert status == 0, out + err
    assert jug("check", "--verify")[0] == 0, out + err
    assert jug("status", "--short")[1] == "All tasks complete (9 tasks).\n"
    assert len(journal()) < 2 * 9
    assert Path("jugfile.jugdata/format").exists()


SQUARES = """
from jug import TaskGenerator

@TaskGenerator
def square(number):
    return number * number

[square(number) for number in range(3)]
"""

COMMANDS = [
    ["status", "--short"],
    ["execute"],
    ["cleanup"],
    ["check", "--verify"],
    ["pack"],
    ["invalidate", "--name", "square"],
]


@pytest.mark.slow
@pytest.mark.parametrize("folder_of_jugdir", ["segments", "leases", "big", "packs"])
def test_a_jugdir_that_lost_a_folder_goes_on_and_gets_it_again(write, jug, folder_of_jugdir):
    write(SQUARES)
    assert jug("execute")[0] == 0
    for command in COMMANDS:
        shutil.rmtree(Path("jugfile.jugdata", folder_of_jugdir), ignore_errors=True)

        status, out, err = jug(*command)

        assert (status, "removed while in use" in err) in [(0, False), (1, False)], err
        assert jug("execute")[0] == 0
    jug("invalidate", "--name", "square")
    assert jug("execute")[0] == 0
    assert Path("jugfile.jugdata", "packs", "jugpack", "README").exists()
    assert Path("jugfile.jugdata", folder_of_jugdir).exists()
    assert "All tasks complete" in jug("status", "--short")[1]


@pytest.mark.slow
@pytest.mark.parametrize("removed", ["segments", "leases", "*"])
def test_folders_that_are_removed_in_mid_run_cost_only_what_was_finished(
    write, journal, start, jug, wait_for, removed
):
    write(
        "from jug import TaskGenerator\nfrom journal import log, wait_for_file\n"
        "@TaskGenerator\ndef work(i):\n"
        "    log(i)\n    wait_for_file(f'go{i // 2}')\n    return i\n"
        "[work(i) for i in range(4)]\n"
    )
    command = start("execute", "-j", "2")
    wait_for(lambda: len(journal()) == 2)
    Path("go0").touch()
    wait_for(lambda: len(journal()) == 4)
    for path in Path("jugfile.jugdata").glob(removed):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    Path("go1").touch()

    assert command.wait(30) == 0

    assert "All tasks complete (4 tasks)" in jug("status", "--short")[1]
