"""`jug adopt` alone: the jugdir of jug 2.x makes room, and nothing in it is changed."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.adopt.conftest import Jug, Old, tree
from tests.adopt.test_adopt import counted

from jug.backends.registry import open_store
from jug.cli import FAILED, USAGE

JUGFILE = "from jug import Task\ntasks = [Task(abs, -n) for n in range(30)]\n"


@pytest.fixture
def own(folder: Path) -> Old:
    """Return what jug 2.x left in jugfile.jugdata."""
    (folder / "jugfile.py").write_text(JUGFILE)
    old = Old(folder / "jugfile.jugdata")
    for n in range(30):
        old.save(old.hash(abs, -n), n)
    return old


def content_of(folder: str) -> dict[str, Any]:
    """Return all that a folder holds, but for the time of the folder itself."""
    return {path: seen for path, seen in tree(Path(folder)).items() if path != "."}


def test_the_former_jugdir_is_renamed_and_adopted(own: Old, jug: Jug) -> None:
    before = content_of("jugfile.jugdata")

    assert counted(jug("adopt", "--json")) == {"adopted": 30}

    jug("check")
    assert content_of("jugfile.jugdata.2x") == before


def test_the_jugfile_may_be_named(own: Old, jug: Jug) -> None:
    os.rename("jugfile.jugdata", "primes.jugdata")
    os.rename("jugfile.py", "primes.py")

    assert counted(jug("adopt", "primes", "--json")) == {"adopted": 30}
    assert Path("primes.jugdata.2x").is_dir()
    assert counted(jug("adopt", "primes.py", "--json")) == {"already": 30}


@pytest.mark.parametrize("jugdir", ["jugfile.jugdata/", "./jugfile.jugdata//", "file_keepalive:k/"])
def test_the_jugdir_may_be_written_with_a_slash(
    jugdir: str, own: Old, folder: Path, jug: Jug
) -> None:
    os.symlink("jugfile.jugdata", "k")

    assert counted(jug("adopt", "--json", "--jugdir", jugdir)) == {"adopted": 30}

    jug("check", "--jugdir", jugdir)


def test_a_link_is_renamed_and_not_what_it_leads_to(own: Old, folder: Path, jug: Jug) -> None:
    os.rename("jugfile.jugdata", "elsewhere")
    os.symlink("elsewhere", "jugfile.jugdata")
    before = tree(folder / "elsewhere")

    assert counted(jug("adopt", "--json")) == {"adopted": 30}

    assert os.readlink("jugfile.jugdata.2x") == "elsewhere"
    assert not os.path.islink("jugfile.jugdata")
    assert tree(folder / "elsewhere") == before


def test_a_link_to_a_file_is_renamed_as_well(own: Old, folder: Path, jug: Jug) -> None:
    values = {f"result:{own.hash(abs, -n)}".encode(): pickle.dumps(n) for n in range(30)}
    Path("elsewhere").write_bytes(pickle.dumps(values))
    os.symlink("elsewhere", "kept")

    assert counted(jug("adopt", "--json", "--jugdir", "dict_store:kept")) == {"adopted": 30}

    assert os.readlink("kept.2x") == "elsewhere" and not os.path.islink("kept")
    assert pickle.loads(Path("elsewhere").read_bytes()) == values


def test_a_folder_that_is_worked_in_is_not_renamed(own: Old, folder: Path, jug: Jug) -> None:
    os.rename("jugfile.py", "jugfile.jugdata/jugfile.py")
    os.chdir("jugfile.jugdata")

    for name in (".", "./", "..", "ab/.."):
        result = jug("adopt", "--jugdir", name, status=USAGE)
        assert f"{name!r} has no name of its own: name it from the folder above" in result.stderr


def test_what_was_renamed_before_is_adopted_again(own: Old, jug: Jug) -> None:
    jug("adopt")
    hash = own.hash(abs, -100)
    Path("jugfile.py").write_text(JUGFILE + "more = Task(abs, -100)\n")
    own.path = Path("jugfile.jugdata.2x")
    own.save(hash, 100)

    assert counted(jug("adopt", "--json")) == {"adopted": 1, "already": 30}


def test_going_back_is_renaming(own: Old, jug: Jug) -> None:
    before = content_of("jugfile.jugdata")
    jug("adopt")

    os.rename("jugfile.jugdata", "new")
    os.rename("jugfile.jugdata.2x", "jugfile.jugdata")

    assert content_of("jugfile.jugdata") == before


def test_a_trial_renames_nothing(own: Old, folder: Path, jug: Jug) -> None:
    before = tree(folder)

    assert counted(jug("adopt", "--dry-run", "--json")) == {"adopted": 30}

    assert tree(folder) == before


def test_the_file_of_a_dict_store_makes_room_as_well(folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text("from jug import Task\nTask(abs, -1)\n")
    hash = Old(folder / "unused").hash(abs, -1)
    Path("kept").write_bytes(pickle.dumps({f"result:{hash}".encode(): pickle.dumps(1, 4)}, 4))
    before = Path("kept").read_bytes()
    jugdir = ("--jugdir", "dict_store:kept")

    told = jug("status", *jugdir, status=FAILED).stderr
    assert "is a file of a dict_store of jug 2.x" in told
    assert f"`jug adopt --jugdir dict_store:{folder / 'kept'} JUGFILE`" in told
    assert counted(jug("adopt", "--json", *jugdir)) == {"adopted": 1}
    jug("check", *jugdir)
    assert Path("kept.2x").read_bytes() == before


def test_nothing_is_renamed_where_there_is_nothing_of_jug_2(folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text(JUGFILE)

    result = jug("adopt", status=USAGE)

    told = " ".join(result.stderr.split())
    assert "neither 'jugfile.jugdata' nor 'jugfile.jugdata.2x' holds results of jug 2.x" in told
    assert sorted(os.listdir()) == ["jugfile.py"]


def test_the_jugdir_that_the_jugfile_sets_itself_is_named(own: Old, jug: Jug) -> None:
    os.rename("jugfile.jugdata", "results")
    Path("jugfile.py").write_text("from jug import set_jugdir\nset_jugdir('results')\n" + JUGFILE)

    told = " ".join(jug("adopt", status=USAGE).stderr.split())
    assert "or by --jugdir the one that JUGFILE sets itself" in told
    for words in (("status",), ("adopt", "results", "jugfile.py")):
        told = " ".join(jug(*words, status=FAILED).stderr.split())
        assert f"`jug adopt --jugdir {Path('results').resolve()} JUGFILE`" in told
    assert counted(jug("adopt", "--json", "--jugdir", "results")) == {"adopted": 30}
    jug("check")


@pytest.mark.parametrize("reason", ["failed", "nothing found", "another jugfile"])
def test_what_was_renamed_gets_its_name_back_where_nothing_is_adopted(
    reason: str, own: Old, jug: Jug
) -> None:
    text = {
        "failed": "import a_module_that_is_gone\n" + JUGFILE,
        "nothing found": JUGFILE.replace("abs, -n", "abs, -n - 100"),
        "another jugfile": "",
    }
    Path("jugfile.py").write_text(text[reason])
    before = content_of(".")

    told = " ".join(jug("adopt", status=FAILED).stderr.split())

    assert "none of the 30 results in 'jugfile.jugdata' is of a task" in told
    assert ("that the jugfile has made so far" in told) is (reason == "failed")
    assert content_of(".") == before
    Path("jugfile.py").write_text(JUGFILE)
    assert counted(jug("adopt", "--json")) == {"adopted": 30}


def test_the_file_of_a_dict_store_gets_its_name_back_as_well(folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text("from jug import Task\nTask(abs, -1)\n")
    Path("kept").write_bytes(pickle.dumps({b"result:" + b"a" * 40: pickle.dumps(1, 4)}, 4))
    before = content_of(".")

    jug("adopt", "--jugdir", "dict_store:kept", status=FAILED)

    assert content_of(".") == before


def test_a_jugfile_that_is_not_there_is_named(own: Old, jug: Jug) -> None:
    assert "there is no jugfile 'primse.py'" in jug("adopt", "primse.py", status=FAILED).stderr


@pytest.mark.parametrize("leads_nowhere", [False, True], ids=["folder", "broken link"])
def test_nothing_is_renamed_over_what_was_renamed_before(
    leads_nowhere: bool, own: Old, jug: Jug
) -> None:
    if leads_nowhere:
        os.symlink("unmounted", "jugfile.jugdata.2x")
    else:
        Path("jugfile.jugdata.2x").mkdir()
    before = sorted(os.listdir()), content_of("jugfile.jugdata")

    result = jug("adopt", status=USAGE)

    assert "'jugfile.jugdata.2x' is there as well: rename one of them" in (
        " ".join(result.stderr.split())
    )
    assert (sorted(os.listdir()), content_of("jugfile.jugdata")) == before


@pytest.mark.parametrize("name", ["a" * 40, "pack-save"])
def test_nothing_is_renamed_while_jug_2_is_at_work(name: str, own: Old, jug: Jug) -> None:
    lock = own.lock(name, "PID 12 on another-host name")
    before = content_of(".")

    result = jug("adopt", status=USAGE)

    told = " ".join(result.stderr.split())
    assert "jug 2.x seems to be at work in 'jugfile.jugdata' (PID 12 on another-host name)" in told
    assert content_of(".") == before
    lock.unlink()
    assert counted(jug("adopt", "--json")) == {"adopted": 30}


# More than one command, and one that is killed


@pytest.mark.parametrize("kind", ["directory", "file"])
@pytest.mark.parametrize("is_made", [False, True], ids=["renamed", "made anew"])
def test_a_command_goes_on_where_another_has_just_renamed(
    kind: str, is_made: bool, own: Old, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    from jug.adopt import moving

    jugdir = "jugfile.jugdata"
    if kind == "file":
        values = {f"result:{own.hash(abs, -n)}".encode(): pickle.dumps(n) for n in range(30)}
        Path("kept").write_bytes(pickle.dumps(values))
        jugdir = "dict_store:kept"
    name = jugdir.removeprefix("dict_store:")
    before, rename = tree(Path(name).parent / name), moving._rename

    def late(path: Path) -> None:
        os.rename(path, f"{path}.2x")
        if is_made:
            with open_store(jugdir) as store:
                store.dump(7, b"a" * 40)
        rename(path)

    monkeypatch.setattr(moving, "_rename", late)

    assert counted(jug("adopt", "--json", "--jugdir", jugdir)) == {"adopted": 30}

    assert tree(Path(f"{name}.2x")) == before
    if is_made:
        with open_store(jugdir) as store:
            assert store.load(b"a" * 40) == 7


def test_a_file_that_has_both_names_is_renamed_to_the_end(folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text("from jug import Task\nTask(abs, -1)\n")
    hash = Old(folder / "unused").hash(abs, -1)
    Path("kept").write_bytes(pickle.dumps({f"result:{hash}".encode(): pickle.dumps(1, 4)}, 4))
    os.link("kept", "kept.2x")
    jugdir = ("--jugdir", "dict_store:kept")

    assert counted(jug("adopt", "--dry-run", "--json", *jugdir)) == {"adopted": 1}
    assert counted(jug("adopt", "--json", *jugdir)) == {"adopted": 1}

    jug("check", *jugdir)
    assert pickle.loads(Path("kept.2x").read_bytes())


@pytest.mark.slow
def test_two_commands_at_once_adopt_all(own: Old, folder: Path, jug: Jug) -> None:
    before = content_of("jugfile.jugdata")
    command = [sys.executable, "-m", "jug", "adopt", "--json"]

    commands = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]

    for one in commands:
        counts = json.loads(one.communicate()[0])["tasks"][0]
        assert one.returncode == 0 and counts["adopted"] + counts["already"] == 30
    jug("check")
    assert content_of("jugfile.jugdata.2x") == before


DIES = """
import os, signal, sys
import {module}

before, calls = {module}.{name}, 0

def dies(*args, **kwargs):
    global calls
    calls += 1
    if calls == {call} and {is_before}:
        os.kill(os.getpid(), signal.SIGKILL)
    result = before(*args, **kwargs)
    if calls == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

{module}.{name} = dies
from jug.cli import main
main(["adopt"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        ("os", "rename", 1),
        ("jug.adopt.moving", "_sync", 1),
        ("jug.adopt.stores", "open_former", 1),
        ("jug.backends._file.marker", "publish", 1),
        ("jug.backends._file.marker", "_make_folders", 1),
        ("jug.adopt.contents", "value_of", 1),
        ("jug.adopt.contents", "value_of", 15),
        ("jug.adopt.contents", "value_of", 30),
        ("jug.adopt.reading", "current_store", 1),
    ],
)
def test_a_command_that_is_killed_ends_well_when_it_is_run_again(
    module: str, name: str, call: int, is_before: bool, own: Old, jug: Jug
) -> None:
    before = content_of("jugfile.jugdata")
    program = DIES.format(module=module, name=name, call=call, is_before=is_before)

    killed = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    counts = counted(jug("adopt", "--json"))

    assert counts["adopted"] + counts["already"] == 30
    jug("check")
    assert content_of("jugfile.jugdata.2x") == before
    assert counted(jug("adopt", "--json")) == {"already": 30}
