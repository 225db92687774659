"""`jug adopt`: the results of jug 2.x are found, and nothing is computed again."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.adopt.conftest import SAMPLE, Jug, Old, tree

from jug.backends.registry import open_store
from jug.cli import FAILED, USAGE
from jug.records import Record
from jug.task import Task

PRIMES = """
from jug import Task

def is_prime(n):
    with open("computed", "a") as file:
        file.write(f"{n} ")
    return all(n % divisor for divisor in range(2, n))

primes = [Task(is_prime, n) for n in range(2, 8)]
total = Task(sum, primes)
"""


@pytest.fixture
def primes(old: Old, folder: Path) -> Old:
    """Write primes.py, and all that jug 2.x computed of it."""
    (folder / "primes.py").write_text(PRIMES)
    names: dict[str, Any] = {"__name__": "primes"}
    exec(PRIMES, names)
    for task in (*names["primes"], names["total"]):
        hash = old.hashes.of_task(task).hash
        assert hash is not None
        old.save(hash.decode(), 4 if task is names["total"] else task.args[0] in (2, 3, 5, 7))
    return old


def counted(result: Any) -> Counter[str]:
    """Return how many tasks of all names there are in each column of the JSON."""
    total: Counter[str] = Counter()
    for row in json.loads(result.stdout)["tasks"]:
        total.update({state: count for state, count in row.items() if state != "name"})
    return +total


# The sample, from each kind of store


@pytest.fixture
def sample(folder: Path) -> None:
    shutil.copy(SAMPLE / "jugfile.py", folder)


def check_the_sample(jug: Jug) -> None:
    jug("check", "jugfile.py")
    status = json.loads(jug("status", "--json", "jugfile.py").stdout)
    expected = json.loads((SAMPLE / "expected-tasks.json").read_text())
    assert {row["name"]: row["finished"] for row in status["tasks"]} == (
        Counter(name for name, _ in expected)
    )
    import jug as package

    _, names = package.init("jugfile.py", "jugfile.jugdata")
    values = pickle.loads((SAMPLE / "expected-values.pickle").read_bytes())
    assert {name: repr(package.value(names[name])) for name in values} == (
        {name: repr(value) for name, value in values.items()}
    )


@pytest.mark.parametrize("store", ["plain_store", "packed_store"])
def test_the_sample_is_adopted_from_a_directory(store: str, sample: None, jug: Jug) -> None:
    before = tree(SAMPLE / store)

    adopted = jug("adopt", str(SAMPLE / store), "--json")

    assert counted(adopted) == {"adopted": 59}
    check_the_sample(jug)
    assert tree(SAMPLE / store) == before


@pytest.mark.slow
def test_nothing_of_the_sample_is_computed_again(sample: None, jug: Jug) -> None:
    jug("adopt", str(SAMPLE / "plain_store"))

    command = [sys.executable, "-m", "jug", "execute", "--short", "jugfile.py"]
    executed = subprocess.run(command, capture_output=True, text=True, check=True)

    assert executed.stdout.startswith("0 tasks executed, 59 loaded")


def test_results_are_adopted_from_the_file_of_a_dict_store(
    primes: Old, folder: Path, jug: Jug
) -> None:
    found = {path.parent.name + path.name: path for path in primes.path.glob("??/*")}
    values = {
        f"result:{hash}".encode(): pickle.dumps("72357" and path.stat().st_size > 0, 4)
        for hash, path in found.items()
    }
    (folder / "old.pickle").write_bytes(pickle.dumps(values, 4))
    before = tree(folder)

    assert counted(jug("adopt", "dict_store:old.pickle", "primes.py", "--json")) == {"adopted": 7}
    jug("check", "primes.py")
    assert tree(folder)["old.pickle"] == before["old.pickle"]


# What the command does


def test_adopted_results_are_there_and_nothing_runs(primes: Old, folder: Path, jug: Jug) -> None:
    before = tree(primes.path)

    table = jug("adopt", "old", "primes.py").stdout

    jug("check", "primes.py")
    assert not (folder / "computed").exists()
    assert tree(primes.path) == before
    assert table.splitlines() == [
        "Adopted  Already  Not there  Refused  Task name",
        "-----------------------------------------------------",
        "      1        0          0        0  builtins.sum",
        "      6        0          0        0  primes.is_prime",
        ".....................................................",
        "      7        0          0        0  Total",
    ]


def test_adopting_twice_adopts_nothing_more(primes: Old, folder: Path, jug: Jug) -> None:
    jug("adopt", "old", "primes.py")
    with open_store("primes.jugdata") as store:
        store.poll()
        before = len(store.runs())

    assert counted(jug("adopt", "old", "primes.py", "--json")) == {"already": 7}
    with open_store("primes.jugdata") as store:
        store.poll()
        assert len(store.runs()) == before


def test_a_record_says_where_its_result_is_from_and_when_it_was_computed(
    primes: Old, jug: Jug
) -> None:
    jug("adopt", "old", "primes.py")

    with open_store("primes.jugdata") as store:
        store.poll()
        records = [store.record(digest) for digest in store.digests()]
    assert {(r.source, r.start, r.duration, r.code) for r in records if r} == (
        {(str(primes.path), 1_500_000_000.0, 0.0, "")}
    )
    assert all(record and record.name and record.size for record in records)


def test_jug_show_says_where_a_result_is_from(primes: Old, jug: Jug) -> None:
    jug("adopt", "old", "primes.py")

    shown = jug("show", "is_prime(2)", "primes.py").stdout

    assert f"finished: its result was brought over from {primes.path}\n" in shown


@pytest.mark.parametrize("jugdir", ["dict_store:new", "elsewhere/new"])
def test_the_new_store_may_be_any(jugdir: str, primes: Old, jug: Jug) -> None:
    assert counted(jug("adopt", "old", "primes.py", "--json", "--jugdir", jugdir)) == {"adopted": 7}
    jug("check", "primes.py", "--jugdir", jugdir)


def test_what_is_not_there_is_counted_and_left_for_jug_execute(primes: Old, jug: Jug) -> None:
    next(primes.path.glob("??/*")).unlink()

    assert counted(jug("adopt", "old", "primes.py", "--json")) == {"adopted": 6, "not_there": 1}
    jug("check", "primes.py", status=FAILED)


def test_a_result_that_the_new_store_has_stays(primes: Old, folder: Path, jug: Jug) -> None:
    import jug as package
    from jug.session import use_store

    store, names = package.init("primes.py", "primes.jugdata")
    names["primes"][0].run()
    store.close()
    use_store(None)

    assert counted(jug("adopt", "old", "primes.py", "--json")) == {"adopted": 6, "already": 1}
    with open_store("primes.jugdata") as store:
        store.poll()
        sources = Counter((store.record(digest) or Record()).source for digest in store.digests())
    assert sources == {str(primes.path): 6, "": 1}


def test_a_trial_says_what_would_be_adopted_and_writes_nothing(
    primes: Old, folder: Path, jug: Jug
) -> None:
    before = tree(folder)

    result = jug("adopt", "--dry-run", "old", "primes.py")

    assert result.stdout.splitlines()[0] == "To adopt  Already  Not there  Refused  Task name"
    assert result.stdout.splitlines()[-1].split() == ["7", "0", "0", "0", "Total"]
    assert {path: seen for path, seen in tree(folder).items() if "__pycache__" not in path} == (
        before
    )


def test_progress_is_shown_as_for_other_commands(
    primes: Old, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    from jug.progress.plain import PlainDisplay

    monkeypatch.setattr(PlainDisplay.__init__, "__defaults__", (count(step=20.0).__next__,))

    shown = jug("adopt", "old", "primes.py", "--json", "--progress", "plain")

    assert counted(shown) == {"adopted": 7}
    assert "jug: 0 of 7 hashes done" in shown.stderr
    assert "jug: 7 of 7 tasks done" in shown.stderr
    assert jug("adopt", "old", "primes.py", "--progress", "none").stderr == ""


def test_results_that_the_jugfile_asks_for_are_counted_meanwhile(
    old: Old, folder: Path, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    from jug.adopt import reading

    monkeypatch.setattr(reading, "_APART", 0.0)
    (folder / "jugfile.py").write_text("from jug import Task, barrier\nTask(abs, -1)\nbarrier()\n")
    old.save(old.hash(abs, -1), 1)

    assert "the jugfile is being read, and has asked for 1 result" in jug("adopt", "old").stderr


class Bomb:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("kind", ["files", "pack", "dict_store"])
def test_a_trial_unpickles_nothing(kind: str, old: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text(
        "from jug import Task, bvalue\nt = Task(abs, -1)\nmore = Task(abs, bvalue(t))\n"
    )
    hash, where = old.hash(abs, -1), ["old"]
    if kind == "pack":
        old.pack({hash: Bomb()})
    elif kind == "files":
        old.save(hash, Bomb())
    else:
        where = ["dict_store:old.pickle", "jugfile.py"]
        values = {f"result:{hash}".encode(): pickle.dumps(Bomb()), b"bomb": Bomb()}
        (folder / "old.pickle").write_bytes(pickle.dumps(values))

    result = jug("adopt", "--dry-run", "--json", *where)
    assert counted(result) == {"adopted": 1}
    assert json.loads(result.stdout)["barrier"]
    assert not (folder / "exploded").exists()

    jug("adopt", *where)
    assert (folder / "exploded").exists()  # so the test would notice


def test_the_summary_may_be_one_line(primes: Old, jug: Jug) -> None:
    result = jug("adopt", "--short", "old", "primes.py")

    assert result.stdout == "7 tasks: 7 adopted, 0 already there, 0 not there, 0 refused\n"
    assert jug("adopt", "--short", "--dry-run", "old", "primes.py").stdout == (
        "7 tasks: 0 to adopt, 7 already there, 0 not there, 0 refused\n"
    )


def test_results_of_no_task_are_told(primes: Old, jug: Jug) -> None:
    primes.save("a" * 40, 1)

    result = jug("adopt", "old", "primes.py")

    assert "jug: 1 result in 'old' is of no task of the jugfile" in result.stderr


def test_none_of_the_results_being_of_a_task_is_an_error(primes: Old, jug: Jug) -> None:
    Path("other.py").write_text("from jug import Task\nTask(abs, -17)\n")

    result = jug("adopt", "old", "other.py", status=FAILED)

    assert "none of the 7 results in 'old' is of a task of the jugfile: is it" in result.stderr


# Reading the jugfile


def test_barriers_open_by_what_is_adopted(old: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text("""
from jug import Task, TaskGenerator, barrier, bvalue, value
first = Task(abs, -1)
barrier()
second = Task(abs, value(first) - 6)
third = Task(abs, bvalue(second) - 10)
barrier()
fourth = Task(abs, value(third))
""")
    for argument, result in ((-1, 1), (-5, 5), (-5, 5), (5, 5)):
        old.save(old.hash(abs, argument), result)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 3}
    jug("check")


ASKS = pytest.mark.parametrize("asks", ["CachedFunction(count, 3)", "run(Task(count, 3))"])


@ASKS
def test_a_call_that_jug_2_made_while_reading_is_adopted_too(
    old: Old, folder: Path, jug: Jug, asks: str
) -> None:
    (folder / "jugfile.py").write_text(f"""
from jug import CachedFunction, Task, run
def count(n):
    open("computed", "w")
    return list(range(n))
tasks = [Task(abs, -n - 1) for n in {asks}]
""")
    (folder / "other.py").write_text("def count(n): ...")
    old.save(_hash_in(old, "jugfile", "count", 3), [0, 1, 2])
    for n in range(3):
        old.save(old.hash(abs, -n - 1), n + 1)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 4}
    assert not (folder / "computed").exists()


@ASKS
def test_nothing_is_computed_while_adopting(old: Old, folder: Path, jug: Jug, asks: str) -> None:
    (folder / "jugfile.py").write_text(f"""
from jug import CachedFunction, Task, run
def count(n):
    open("computed", "w")
    return n
first = Task(abs, -1)
{asks}
""")
    old.save(old.hash(abs, -1), 1)

    trial = jug("adopt", "--dry-run", "old")
    result = jug("adopt", "old")

    assert "stops at a barrier" in trial.stderr and "The jugfile stops" in result.stderr
    assert not (folder / "computed").exists()


def test_a_trial_says_that_it_opens_no_barrier(old: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text("""
from jug import Task, bvalue
Task(abs, -bvalue(Task(abs, -1)))
""")
    old.save(old.hash(abs, -1), 1)

    told = " ".join(jug("adopt", "--dry-run", "old").stderr.split())

    assert "stops at a barrier, which --dry-run does not open: there may be more" in told
    assert "stops at a barrier:" not in jug("adopt", "old").stderr


def _hash_in(old: Old, module: str, name: str, *args: Any) -> str:
    """Return the hash of a call of a function in a module that is not there now."""

    def f(*args: Any) -> None: ...

    f.__module__, f.__name__, f.__qualname__ = module, name, name
    return old.hash(f, *args)


def test_a_compound_task_is_adopted_without_its_inner_tasks(
    old: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text("""
from jug import CompoundTask, Task, bvalue
def outer(n):
    return Task(abs, bvalue(Task(abs, -n)))
whole = CompoundTask(outer, 7)
""")
    old.save(_hash_in(old, "jugfile", "outer", 7), 7)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 1}
    jug("check")


def test_nothing_of_another_version_of_a_function_is_adopted(
    old: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text("""
from jug import Task, TaskGenerator
from jug.mapreduce import map
old, new = TaskGenerator(abs), TaskGenerator(abs, version="2")
tasks = [old(-1), new(-1), Task(max, [new(-1), 0]), *map(new, [-1, -2])]
""")
    kept = Task(abs, -1)
    old.save(_hash_in(old, "builtins", "abs", -1), 1)
    old.save(_hash_in(old, "builtins", "max", [kept, 0]), 1)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 1, "not_there": 3}


def test_hashes_that_the_users_code_computes_are_those_of_then(
    old: Old, folder: Path, jug: Jug
) -> None:
    text = """
from jug import Task
from jug.hash import hash_one, hash_update, new_hash_object
from jug.utils import CustomHash

class Track:
    def __jug_hash__(self):
        state = new_hash_object()
        hash_update(state, [("type", "Track"), ("length", 3)])
        return state.hexdigest().encode()

def length(track):
    return 3

one = Task(length, Track())
two = Task(length, CustomHash([1, 2], hash_one))
"""
    (folder / "jugfile.py").write_text(text)
    # As jug 2.7.0 printed them.
    old.save("6cb0cc0050186ef0388a6cd6cf1a42aad5c019c6", 3)
    old.save("d445f7944dd13e252c0014b1af50c90658c974f9", 3)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 2}
    jug("check")


def test_functions_that_the_users_code_asks_for_late_answer_as_then(
    old: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text("""
import jug.hash
from jug import Task

class Track:
    def __jug_hash__(self):
        from jug.hash import hash_update, new_hash_object
        state = new_hash_object()
        hash_update(state, [("type", "Track"), ("length", 3)])
        return state.hexdigest().encode()

class Tracks:
    def __jug_hash__(self):
        return jug.hash.hash_one([1, 2])

def length(track): ...

Task(length, Track())
Task(length, Tracks())
""")
    old.save("6cb0cc0050186ef0388a6cd6cf1a42aad5c019c6", 3)  # as jug 2.7.0 printed it
    old.save("d445f7944dd13e252c0014b1af50c90658c974f9", 3)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 2}


# Ambiguous tasks

AMBIGUOUS = """
from jug import Task, bvalue
def f(*args): ...
one = Task(f, [1], 2)
after = Task(abs, one)
{between}
two = Task(f, [1, 2])
free = Task(abs, -1)
"""


@pytest.fixture
def ambiguous(old: Old, folder: Path) -> Old:
    """Return a store with the result of two tasks, and of what is made of the first."""
    (folder / "jugfile.py").write_text(AMBIGUOUS.format(between=""))
    hash = _hash_in(old, "jugfile", "f", [1], 2)
    assert hash == _hash_in(old, "jugfile", "f", [1, 2])
    old.save(hash, 5)

    def f(*args: Any) -> None: ...

    f.__module__, f.__qualname__ = "jugfile", "f"
    from jug import Task

    old.save(old.hash(abs, Task(f, [1], 2)), 5)
    old.save(old.hash(abs, -1), 1)
    return old


def test_tasks_that_jug_2_cannot_tell_apart_are_refused_by_name(ambiguous: Old, jug: Jug) -> None:
    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 1, "refused": 3}
    why = {one["task"]: one["why"] for one in json.loads(result.stdout)["refused"]}
    assert why == {
        "jugfile.f([1], 2)": "jug 2.x can't tell it from jugfile.f([1, 2])",
        "jugfile.f([1, 2])": "jug 2.x can't tell it from jugfile.f([1], 2)",
        "builtins.abs(jugfile.f())": (
            "it is made from jugfile.f([1], 2), which jug 2.x can't tell apart"
        ),
    }
    assert "jug: refused jugfile.f([1], 2): jug 2.x can't tell it from" in result.stderr
    assert "--accept-ambiguous takes what jug 2.x can't tell apart" in result.stderr


def test_ambiguous_tasks_are_adopted_if_they_are_accepted(ambiguous: Old, jug: Jug) -> None:
    accepted = jug("adopt", "old", "--accept-ambiguous", "--json")

    assert counted(accepted) == {"adopted": 4}
    jug("check")
    assert counted(jug("adopt", "old", "--json")) == {"already": 4}
    with open_store("jugfile.jugdata") as store:
        store.poll()
        records = [store.record(digest) or Record() for digest in store.digests()]
    assert Counter(record.source for record in records) == (
        {f"{ambiguous.path}": 1, f"{ambiguous.path} (ambiguous)": 3}
    )


def test_what_turns_out_to_be_ambiguous_behind_a_barrier_is_taken_back(
    ambiguous: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text(AMBIGUOUS.format(between="bvalue(after)"))

    for _ in range(2):
        result = jug("adopt", "old", "--json", status=FAILED)

        assert {one["task"] for one in json.loads(result.stdout)["refused"]} >= (
            {"jugfile.f([1], 2)", "builtins.abs(jugfile.f())"}
        )
        with open_store("jugfile.jugdata") as store:
            store.poll()
            left = [store.record(digest) or Record() for digest in store.digests()]
            assert [(record.name, record.source) for record in left] == (
                [("builtins.abs", str(ambiguous.path))]
            )
            assert [store.load_digest(digest) for digest in store.digests()] == [1]  # of `free`


@pytest.fixture
def behind(ambiguous: Old, folder: Path, jug: Jug) -> Iterator[str]:
    """Adopt while the jugfile has one task of two, and compute more of it; yield the whole text."""
    import jug as package
    from jug.session import use_store

    whole = AMBIGUOUS.format(between="") + "far = Task(abs, Task(abs, after))\n"
    begun, _, _ = whole.partition("two = ")
    (folder / "jugfile.py").write_text(f"{begun}far = Task(abs, Task(abs, after))\n")
    jug("adopt", "old")
    store, names = package.init("jugfile.py", "jugfile.jugdata")
    names["far"].args[0].run()
    names["far"].run()
    store.close()
    use_store(None)
    yield whole


def test_what_was_computed_from_what_is_taken_back_goes_with_it(
    behind: str, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text(behind)

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 1, "refused": 3, "not_there": 2}
    with open_store("jugfile.jugdata") as store:
        store.poll()
        assert [store.load_digest(digest) for digest in store.digests()] == [1]  # of `free`


def test_nothing_is_taken_back_in_a_trial(behind: str, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text(behind)
    before = tree(folder / "jugfile.jugdata")

    trial = jug("adopt", "old", "--dry-run", "--json", status=FAILED)

    assert counted(trial) == {"adopted": 1, "already": 4, "refused": 1}
    assert tree(folder / "jugfile.jugdata") == before


def test_nothing_is_taken_back_that_is_accepted_now(behind: str, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text(behind)

    accepted = jug("adopt", "old", "--accept-ambiguous", "--json")

    assert counted(accepted) == {"adopted": 2, "already": 4}


def test_what_is_made_from_ambiguous_tasks_is_refused_though_they_are_not_there(
    ambiguous: Old, jug: Jug
) -> None:
    shared = _hash_in(ambiguous, "jugfile", "f", [1], 2)
    (ambiguous.path / shared[:2] / shared[2:]).unlink()

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 1, "refused": 1, "not_there": 2}


@pytest.fixture
def lambdas(old: Old, folder: Path) -> Callable[[str, int, str], None]:
    """Call with the name of a task, a value and a version: saves it as that version did.

    The tasks differ by constants in lambdas, which jug 2.5 could not tell apart.
    """
    from jug import Task
    from jug.adopt.hashing import FormerHashes
    from jug.adopt.versions import dialects
    from jug.task import Tasklet

    text = "from jug import Task, Tasklet\nbase = Task(dict, a=1, b=2)\n"
    for name, key in (("one", "a"), ("two", "b")):
        text += f"{name} = Task(abs, Tasklet(base, lambda x: x[{key!r}]))\n"
        text += f"after_{name} = Task(abs, {name})\n"
    (folder / "jugfile.py").write_text(text)
    made: dict[str, Any] = {"Task": Task, "Tasklet": Tasklet}
    exec(text, made)

    def save(name: str, value: int, version: str) -> None:
        hash = FormerHashes(dialects(version)[0]).of_task(made[name]).hash
        assert hash is not None
        old.save(hash.decode(), value)

    return save


def test_what_another_version_could_not_tell_apart_is_not_ambiguous(
    lambdas: Callable[[str, int, str], None], jug: Jug
) -> None:
    for name in ("after_one", "after_two"):
        lambdas(name, 1, "2.7")
    assert counted(jug("adopt", "old", "--json")) == {"adopted": 2, "not_there": 3}

    lambdas("one", 1, "2.7")
    lambdas("two", 2, "2.7")
    lambdas("one", 3, "2.5")  # of a former run, and perhaps the other's
    result = jug("adopt", "old", "--json")

    assert counted(result) == {"adopted": 2, "already": 2, "not_there": 1}
    assert json.loads(result.stdout)["unclaimed"] == 0


def test_what_the_version_could_not_tell_apart_that_made_it_is_ambiguous(
    lambdas: Callable[[str, int, str], None], jug: Jug
) -> None:
    lambdas("one", 3, "2.5")
    lambdas("two", 2, "2.7")

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 1, "refused": 1, "not_there": 3}


def test_an_ambiguous_task_that_the_old_store_lacks_is_not_there(
    old: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text(AMBIGUOUS.format(between=""))
    old.save(old.hash(abs, -1), 1)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 1, "not_there": 3}


# Versions


@pytest.fixture
def of_25(old: Old, folder: Path) -> Old:
    """Return a store of jug 2.5, which hashed frozensets in another way than 2.7."""
    (folder / "jugfile.py").write_text("from jug import Task\nTask(len, frozenset([1]))\n")
    from jug.adopt.hashing import FormerHashes
    from jug.adopt.versions import dialects

    old.hashes = FormerHashes(dialects("2.5")[0])
    old.save(old.hash(len, frozenset([1])), 1)
    return old


def test_the_version_is_found_by_itself(of_25: Old, jug: Jug) -> None:
    assert counted(jug("adopt", "old", "--json")) == {"adopted": 1}


def test_the_version_may_be_named(of_25: Old, jug: Jug) -> None:
    jug("adopt", "old", "--from-version", "2.7", status=FAILED)
    assert counted(jug("adopt", "old", "--from-version", "2.5.0", "--json")) == {"adopted": 1}


def test_a_version_that_there_is_not_is_refused_before_anything_is_done(
    of_25: Old, folder: Path, jug: Jug
) -> None:
    os.rename("old", "jugfile.jugdata")

    result = jug("adopt", "--from-version", "1.6", status=USAGE)

    assert "--from-version must be from 2.0 to 2.7, not '1.6'" in result.stderr
    assert (folder / "jugfile.jugdata" / "locks").exists()
