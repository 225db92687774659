"""`jug check`, `jug sleep-until` and `jug pack`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from jug.backends.file_store import FileStore
from jug.cli import check
from jug.jugfile import Jugspace

Jug = Callable[..., Result]
Executed = Callable[..., None]


def test_check_is_silent_and_its_status_tells(jug: Jug, executed: Executed) -> None:
    before = jug("check", "primes.py", status=1)
    executed()
    after = jug("check", "primes.py", status=0)

    assert before.output == after.output == ""


def test_check_fails_at_a_barrier(jug: Jug, folder: Path) -> None:
    (folder / "stage.py").write_text("from jug import Task, bvalue\nbvalue(Task(max, 1, 2))\n")

    jug("check", "stage.py", status=1)


def test_check_as_json(jug: Jug) -> None:
    said = json.loads(jug("check", "--json", "primes.py", status=1).stdout)

    assert said == {"complete": False, "damaged": []}


def test_verify_finds_a_damaged_result_and_removes_it_if_asked(
    jug: Jug, executed: Executed, folder: Path
) -> None:
    (folder / "big.py").write_text("from jug import Task\nTask(bytes, 2_000_000)\n")
    executed("big.py")
    jug("check", "--verify", "big.py")
    (file,) = (p for p in folder.glob("big.jugdata/**/*") if p.is_file() and _size(p) > 1e6)
    content = bytearray(file.read_bytes())
    content[-7] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)

    found = jug("check", "--verify", "big.py", status=1)
    removed = jug("check", "--verify", "--remove-damaged", "big.py", status=1)

    assert found.stdout.startswith("the result of builtins.bytes (")
    assert "is damaged" in found.stdout and "--remove-damaged" in found.stdout
    assert removed.stdout.endswith("removed 1 result, to be computed again by `jug execute`\n")
    assert "0 complete" in jug("status", "--short", "big.py", status=1).stdout


def test_what_was_computed_anew_during_the_check_is_not_removed_as_damaged(
    jug: Jug, executed: Executed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "big.py").write_text("from jug import Task\nTask(bytes, 2_000_000)\n")
    executed("big.py")
    (file,) = (p for p in folder.glob("big.jugdata/big/*/*"))
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-7] + b"damaged")
    find_damaged = check._find_damaged

    def find_and_compute_anew(jugspace: Jugspace) -> list[check._Damaged]:
        damaged = find_damaged(jugspace)
        with FileStore(folder / "big.jugdata") as other:
            other.dump(bytes(2_000_000), damaged[0].digest.hex())
        return damaged

    with monkeypatch.context() as patch:
        patch.setattr(check, "_find_damaged", find_and_compute_anew)
        jug("check", "--verify", "--remove-damaged", "big.py", status=1)

    jug("check", "--verify", "big.py")


def _size(path: Path) -> int:
    return path.stat().st_size


def test_remove_damaged_needs_verify(jug: Jug) -> None:
    assert "needs --verify" in jug("check", "--remove-damaged", "primes.py", status=2).stderr


def test_sleep_until_ends_at_once_when_all_is_done(jug: Jug, executed: Executed) -> None:
    executed()

    jug("sleep-until", "primes.py")
    jug("sleep-until", "primes.py", "--progress", "none")


def test_sleep_until_ends_when_nothing_more_can_finish(jug: Jug, executed: Executed) -> None:
    executed("failing.py", keep_going=True)

    told = jug("sleep-until", "failing.py", status=1).stderr

    assert told == "jug: nothing more can finish: `jug failures` shows what failed\n"


def test_sleep_until_waits_for_others_and_goes_on_beyond_a_barrier(
    folder: Path, executed: Executed
) -> None:
    (folder / "stages.py").write_text(
        "from jug import Task, bvalue, barrier\n"
        "n = bvalue(Task(max, 1, 2))\n"
        "Task(sum, [n, n])\n"
        "barrier()\n"
        "print('read to its end')\n"
    )
    sleeper = subprocess.Popen(
        [sys.executable, "-m", "jug", "sleep-until", "stages.py"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with sleeper:
        executed("stages.py")
        output, _ = sleeper.communicate(timeout=60)

    assert output.endswith("read to its end\n")
    assert sleeper.returncode == 0


def test_pack_merges_what_workers_left(jug: Jug, executed: Executed, folder: Path) -> None:
    for selector in ("is_prime", "count_primes"):
        executed()
        jug("invalidate", "--name", selector, "primes.py")
    executed()

    output = jug("pack", "primes.py").stdout

    assert output == "Merged 5 files, and dropped 8 removed results\n"
    assert jug("status", "--short", "primes.py").stdout == "All tasks complete (7 tasks).\n"


def test_pack_says_where_there_is_nothing_to_pack(jug: Jug) -> None:
    result = jug("pack", "--jugdir", "dict_store", "primes.py", status=1)

    assert result.stderr == (
        "Error: dict_store has nothing to pack: that is for stores in a directory\n"
    )


@pytest.mark.parametrize("command", ["check", "count", "status", "sleep-until"])
def test_commands_that_look_make_no_jugdir(jug: Jug, folder: Path, command: str) -> None:
    (folder / "empty.py").write_text("")

    jug(command, "empty.py")

    assert not (folder / "empty.jugdata").exists()


def test_a_store_in_a_file_is_kept_between_commands(jug: Jug, folder: Path) -> None:
    (folder / "cached.py").write_text("from jug import CachedFunction\nCachedFunction(abs, -1)\n")

    jug("status", "--jugdir", "dict_store:results", "cached.py")

    output = jug("status", "--short", "--jugdir", "dict_store:results", "cached.py").stdout
    assert output == "All tasks complete (1 tasks).\n"


def test_the_store_is_let_go_of(jug: Jug, folder: Path, executed: Executed) -> None:
    executed()

    with FileStore(str(folder / "primes.jugdata")) as store:
        store.poll()
        assert store.holders() == {}


# Hashes

UNSTABLE = """
import random
from jug import TaskGenerator

class Address:
    def __reduce__(self):
        return Address, (), {"at": id(self)}

@TaskGenerator
def draw(generator, number):
    return number

@TaskGenerator
def add(numbers, more=0):
    return sum(numbers)

drawn = [draw(random.Random(), number) for number in range(3)]
add(drawn)
add([1, 2], more=Address())
add([1, 2])
"""


@pytest.mark.slow
def test_hashes_names_the_arguments_that_are_others_in_each_process(jug: Jug, folder: Path) -> None:
    (folder / "unstable.py").write_text(UNSTABLE)

    said = jug("check", "--hashes", "unstable.py", status=1).stdout
    data = json.loads(jug("check", "--hashes", "--json", "unstable.py", status=1).stdout)

    assert said.splitlines()[:2] == [
        "3 tasks unstable.draw: argument 1, a 'Random', has another hash in each process",
        "1 task unstable.add: argument 'more', an 'Address', has another hash in each process",
    ]
    assert data[0] == {"task": "unstable.draw", "place": "argument 1", "kind": "Random", "tasks": 3}


def test_hashes_is_silent_where_all_results_would_be_found_again(jug: Jug) -> None:
    assert jug("check", "--hashes", "primes.py", status=0).output == ""


def test_hashes_says_that_there_may_be_more_beyond_a_barrier(jug: Jug, folder: Path) -> None:
    (folder / "stage.py").write_text("from jug import Task, barrier\nTask(abs, -1)\nbarrier()\n")

    result = jug("check", "--hashes", "stage.py")

    assert result.output == "The jugfile stops at a barrier: there may be more tasks beyond it.\n"


@pytest.mark.slow
def test_hashes_says_that_a_jugfile_makes_other_tasks_each_time(jug: Jug, folder: Path) -> None:
    (folder / "moody.py").write_text(
        "import os\nfrom jug import Task\nfor _ in range(os.getpid()):\n    Task(max, 1, 2)\n"
    )

    said = jug("check", "--hashes", "moody.py", status=1).output

    assert "makes other tasks each time it is read" in said


def test_hashes_shows_why_a_jugfile_cannot_be_read(jug: Jug, folder: Path) -> None:
    (folder / "broken.py").write_text("from jug import Task\nTask(max, open('broken.py'))\n")

    assert (
        "argument 1 of task 'builtins.max'"
        in jug("check", "--hashes", "broken.py", status=1).output
    )


@pytest.mark.slow
def test_execute_warns_if_it_runs_again_what_was_run_under_other_hashes(
    jug_process: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    (folder / "unstable.py").write_text(UNSTABLE)
    (folder / "changed.py").write_text("from jug import Task\nTask(max, 1, 2)\nTask(min, 3, 4)\n")

    first = jug_process("execute", "unstable.py")
    again = jug_process("execute", "unstable.py")
    jug_process("execute", "changed.py")
    (folder / "changed.py").write_text("from jug import Task\nTask(max, 1, 2)\nTask(abs, 3)\n")
    changed = jug_process("execute", "changed.py")

    assert "jug check --hashes" not in first.stderr
    assert "with the same names as the 5 tasks to run" in again.stderr
    assert "jug check --hashes" in again.stderr
    assert "jug check --hashes" not in changed.stderr


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ('f(**{f"k{random.random()}": 1})', "the number of arguments or a keyword differs"),
        (
            "f(*range(random.randrange(5000)))",
            "the number of arguments or a keyword differs",
        ),
        ("f([f(1), random.random()])", "argument 1, a 'list', has another hash"),
    ],
)
def test_hashes_names_whatever_part_differs(jug: Jug, folder: Path, call: str, what: str) -> None:
    Path("unstable.py").write_text(
        "import random\nfrom jug import TaskGenerator\n"
        f"@TaskGenerator\ndef f(*args, **kwargs):\n    return args\n{call}\n"
    )

    assert what in jug("check", "--hashes", "unstable.py", status=1).stdout


def test_in_which_order_tasks_are_made_is_no_difference(jug: Jug, folder: Path) -> None:
    Path("shuffled.py").write_text(
        "from jug import TaskGenerator\n@TaskGenerator\ndef f(x):\n    return x\n"
        "[f(name) for name in {'alpha', 'beta', 'gamma', 'delta', 'epsilon'}]\n"
    )

    assert jug("check", "--hashes", "shuffled.py", status=0).output == ""
