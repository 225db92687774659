"""What can't be adopted is told by its task, and the rest is adopted."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.adopt.conftest import Jug, Old, tree
from tests.adopt.test_adopt import counted
from tests.ports import free_port

from jug.cli import FAILED, USAGE

JUGFILE = """
from jug import Task
first = Task(abs, -1)
second = Task(abs, -2)
third = Task(abs, -3)
"""


@pytest.fixture
def three(old: Old, folder: Path) -> Old:
    """Return a store with the results of three tasks of jugfile.py."""
    (folder / "jugfile.py").write_text(JUGFILE)
    for n in (1, 2, 3):
        old.save(old.hash(abs, -n), n)
    return old


class Gone:
    """Pickled by a name that is not there when it is read."""


def pickle_of_gone() -> bytes:
    Gone.__module__ = "gone_module"
    module = type(sys)("gone_module")
    module.Gone = Gone  # type: ignore[attr-defined]
    sys.modules["gone_module"] = module
    try:
        return pickle.dumps([Gone()], 4)
    finally:
        del sys.modules["gone_module"]


WHOLE = zlib.compress(b"P" + pickle.dumps(list(range(100)), 4))

BAD_RESULTS = {
    "cut short": (WHOLE[:-10], f"it is cut short or damaged, at {len(WHOLE) - 10} bytes"),
    "not compressed": (b"?" * 30, "it is cut short or damaged, at 30 bytes"),
    "of another kind": (zlib.compress(b"Xabc"), "it begins with b'X', as no result of jug 2.x"),
    "pickle cut short": (
        zlib.compress(b"P" + pickle.dumps([1, 2, 3], 4)[:-4]),
        "it can't be made into a value: ",
    ),
    "pickle of nonsense": (
        zlib.compress(b"P\x80\x04\x8c\x07operator\x8c\x0cmethodcaller\x93\x8c\x04join\x85R."),
        "it can't be made into a value: ",
    ),
    "class gone": (
        zlib.compress(b"P" + pickle_of_gone()),
        "it can't be made into a value: ModuleNotFoundError: No module named 'gone_module'",
    ),
    "ending Python": (
        zlib.compress(b"P\x80\x04\x8c\x03sys\x8c\x04exit\x93K\x03\x85R."),
        "it can't be made into a value: SystemExit: 3",
    ),
    "array cut short": (b"\x93NUMPY\x01\x00v\x00{'descr'", "it is cut short or damaged: "),
}


@pytest.mark.parametrize("kind", BAD_RESULTS)
def test_a_result_that_cannot_be_read_is_refused_and_the_rest_adopted(
    kind: str, three: Old, jug: Jug
) -> None:
    content, why = BAD_RESULTS[kind]
    three.write(three.hash(abs, -2), content)
    before = tree(three.path)

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 2, "refused": 1}
    assert f"jug: refused builtins.abs(-2): {why}" in result.stderr
    assert tree(three.path) == before


def test_table_summary_and_json_say_the_same(three: Old, folder: Path, jug: Jug) -> None:
    for new in ("as-table", "as-summary", "as-json"):
        (folder / "jugfile.py").write_text("from jug import Task\nTask(abs, -1)\n")
        jug("adopt", "old", "--jugdir", new)
    (folder / "jugfile.py").write_text(f"{JUGFILE}fourth, fifth = Task(abs, -4), Task(abs, -5)\n")
    three.write(three.hash(abs, -2), WHOLE[:-10])

    table = jug("adopt", "old", "--jugdir", "as-table", status=FAILED)
    summary = jug("adopt", "old", "--jugdir", "as-summary", "--short", status=FAILED)
    data = jug("adopt", "old", "--jugdir", "as-json", "--json", status=FAILED)

    assert table.stdout.splitlines()[-1].split() == ["1", "1", "2", "1", "Total"]
    assert summary.stdout == "5 tasks: 1 adopted, 1 already there, 2 not there, 1 refused\n"
    assert counted(data) == {"adopted": 1, "already": 1, "not_there": 2, "refused": 1}
    assert table.stderr == summary.stderr == data.stderr


def test_an_empty_result_is_none_as_it_was_for_jug_2(three: Old, jug: Jug) -> None:
    three.write(three.hash(abs, -2), b"")

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 3}


@pytest.fixture
def packed(old: Old, folder: Path) -> Old:
    """Return a store with one result in a file and those of 200 tasks in a pack."""
    (folder / "jugfile.py").write_text(
        "from jug import Task\ntasks = [Task(abs, -n) for n in range(201)]\n"
    )
    old.save(old.hash(abs, -200), 200)
    old.pack({old.hash(abs, -n): n for n in range(200)})
    return old


def test_a_pack_is_adopted(packed: Old, jug: Jug) -> None:
    assert counted(jug("adopt", "old", "--json")) == {"adopted": 201}
    jug("check")


def test_a_pack_that_is_cut_short_is_told_by_task(packed: Old, jug: Jug) -> None:
    pack = packed.path / "packs" / "jugpack"
    pack.write_bytes(pack.read_bytes()[:4000])

    result = jug("adopt", "old", "--json", status=FAILED)

    counts = counted(result)
    assert counts["adopted"] == 1  # the one that has a file
    assert counts["refused"] > 20 and counts["not_there"] > 0
    assert "jug: refused builtins.abs(0): the pack that it is in is cut short" in result.stderr
    assert "other tasks: --json lists them all" in result.stderr
    assert "jugpack' is cut short or damaged: what was in the rest of it" in result.stderr


def test_a_pack_that_is_no_pack_is_told(packed: Old, jug: Jug) -> None:
    (packed.path / "packs" / "jugpack").write_bytes(b"?" * 100)

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 1, "not_there": 200}
    assert "jugpack' is cut short or damaged" in result.stderr


def test_a_pack_that_is_no_dict_is_told(three: Old, jug: Jug) -> None:
    hash = three.hash(abs, -2)
    (three.path / hash[:2] / hash[2:]).unlink()
    three.pack({}).write_bytes(zlib.compress(b"P" + pickle.dumps([hash.encode()])))

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 2, "refused": 1}
    assert "jugpack' is cut short or damaged: TypeError: it is no dict" in result.stderr


def test_a_class_that_is_gone_spoils_only_its_own_result_in_a_pack(
    three: Old, folder: Path, jug: Jug
) -> None:
    hashes = {n: three.hash(abs, -n).encode() for n in (1, 2)}
    for hash in hashes.values():
        (three.path / hash[:2].decode() / hash[2:].decode()).unlink()
    three.pack({})
    # What `pickle.dumps({…: 1, …: [Gone()]})` gives, put together from its parts.
    head = b"\x80\x04}(C\x28" + hashes[1] + b"K\x01C\x28" + hashes[2]
    gone = b"]\x8c\x0bgone_module\x8c\x04Gone\x93)\x81a"
    pack = three.path / "packs" / "jugpack"
    pack.write_bytes(zlib.compress(b"P" + head + gone + b"u."))

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 2, "refused": 1}
    assert (
        "jug: refused builtins.abs(-2): it can't be made into a value: "
        "ModuleNotFoundError: No module named 'gone_module'"
    ) in result.stderr


def test_the_pack_is_read_after_the_files_that_may_be_packed_meanwhile(
    three: Old, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    hash = three.hash(abs, -2)
    before = os.listdir

    def packing(folder: Any) -> list[str]:
        names = before(folder)
        if Path(str(folder)).name == hash[:2] and (three.path / hash[:2] / hash[2:]).exists():
            three.pack({hash: 2})  # as `jug pack` does it: into the pack, then away
            (three.path / hash[:2] / hash[2:]).unlink()
        return names

    monkeypatch.setattr(os, "listdir", packing)

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 3}


PIECES = {
    "a call that raises": (
        b"\x8c\x08builtins\x8c\x03int\x93\x8c\x01x\x85R",
        "ValueError: invalid literal for int() with base 10: 'x'",
    ),
    "a call that ends Python": (b"\x8c\x03sys\x8c\x04exit\x93K\x03\x85R", "SystemExit: 3"),
    "a list whose class is gone": (
        b"\x8c\x04gone\x8c\x04List\x93)\x81(K\x01K\x02e",
        "ModuleNotFoundError: No module named 'gone'",
    ),
    "a dict whose class is gone": (
        b"\x8c\x04gone\x8c\x04Dict\x93)\x81(K\x01K\x02u}b",
        "ModuleNotFoundError: No module named 'gone'",
    ),
    "an object that is made by a class that is gone": (
        b"\x8c\x04gone\x8c\x03Cls\x93)}\x92K\x01a",
        "ModuleNotFoundError: No module named 'gone'",
    ),
    "a state that does not fit": (
        b"\x8c\x07decimal\x8c\x07Context\x93)\x81\x94\x8c\x01xb",
        "",  # what an object without a dict says differs between versions of Python
    ),
    "what is made of something lost": (
        b"\x8c\x08builtins\x8c\x04bool\x93\x8c\x04gone\x8c\x01x\x93\x85R",
        "ModuleNotFoundError: No module named 'gone'",
    ),
}
"""Values in a pickle that can't be made, and why."""


@pytest.mark.parametrize("kind", PIECES)
@pytest.mark.parametrize("nested", [False, True], ids=["alone", "in a list"])
def test_what_fails_in_a_pack_spoils_only_its_own_result(
    kind: str, nested: bool, old: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text(JUGFILE)
    piece, why = PIECES[kind]
    first, second, third = (b"C\x28" + old.hash(abs, -n).encode() for n in (1, 2, 3))
    value = b"]" + piece + b"a" if nested else piece
    old.pack({}).write_bytes(
        zlib.compress(b"P\x80\x04}(" + first + b"K\x01" + second + value + third + b"K\x03u.")
    )

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 2, "refused": 1}
    assert f"jug: refused builtins.abs(-2): it can't be made into a value: {why}" in result.stderr


def test_an_object_that_two_results_in_a_pack_share_is_lost_for_both(
    old: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text(JUGFILE)
    first, second, third = (b"C\x28" + old.hash(abs, -n).encode() for n in (1, 2, 3))
    half_made = PIECES["a state that does not fit"][0]
    old.pack({}).write_bytes(
        zlib.compress(b"P\x80\x04}(" + first + half_made + second + b"h\x00" + third + b"K\x03u.")
    )

    assert counted(jug("adopt", "old", "--json", status=FAILED)) == {"adopted": 1, "refused": 2}


def test_a_class_that_the_jugfile_makes_beyond_a_barrier_is_found_in_a_pack(
    old: Old, folder: Path, jug: Jug
) -> None:
    text = """
from jug import Task, barrier, bvalue
first = Task(abs, -1)
assert bvalue(first) == 1
class Late: ...
second = Task(abs, -2)
barrier()
third = Task(abs, -3)
"""
    (folder / "jugfile.py").write_text(text)
    first, second, third = (b"C\x28" + old.hash(abs, -n).encode() for n in (1, 2, 3))
    late = b"\x8c\x07jugfile\x8c\x04Late\x93)\x81"
    old.pack({}).write_bytes(
        zlib.compress(b"P\x80\x04}(" + first + b"K\x01" + second + late + third + b"K\x03u.")
    )

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 3}


def test_a_folder_that_cannot_be_read_is_told_and_the_rest_adopted(
    three: Old, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    closed, before = three.hash(abs, -2)[:2], os.listdir

    def listing(folder: Any) -> list[str]:
        if Path(str(folder)).name == closed:
            raise PermissionError(13, "Permission denied")
        return before(folder)

    monkeypatch.setattr(os, "listdir", listing)

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 2, "not_there": 1}
    assert f"'old/{closed}' can't be read: Permission denied" in result.stderr
    assert f"'old/{closed}' can't be read" in json.loads(result.stdout)["damage"]


# Stores


@pytest.mark.parametrize("name", ["photos", "nothing", "store"])
def test_what_is_no_store_of_jug_2_is_refused(
    name: str, folder: Path, three: Old, jug: Jug
) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / "one.jpg").write_bytes(b"")
    from jug.backends.file_store import FileStore

    with FileStore(folder / "store") as store:
        store.dump(1, b"a" * 40)

    result = jug("adopt", name, "jugfile.py", status=USAGE)

    expected = "there is no 'nothing'" if name == "nothing" else "holds no results of jug 2.x"
    assert expected in result.stderr
    assert not (folder / "jugfile.jugdata").exists()


def test_what_has_no_name_of_a_result_is_none(three: Old, folder: Path, jug: Jug) -> None:
    for name in ("ab/" + "x" * 38, "ab/cd", "abc/" + "d" * 37):
        (three.path / name).parent.mkdir(exist_ok=True)
        (three.path / name).write_bytes(b"")
    assert json.loads(jug("adopt", "old", "--json").stdout)["unclaimed"] == 0

    hash = three.hash(abs, -1).encode()
    values = {b"result:" + hash: pickle.dumps(1), b"lock:" + hash: b"L"}
    (folder / "old.pickle").write_bytes(pickle.dumps(values))
    result = jug("adopt", "dict_store:old.pickle", "jugfile.py", "--json")
    assert json.loads(result.stdout)["unclaimed"] == 0


def test_an_old_store_may_be_in_the_home_directory(
    three: Old, folder: Path, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    monkeypatch.setenv("HOME", str(folder))

    assert counted(jug("adopt", "~/old", "jugfile.py", "--json")) == {"adopted": 3}


def test_an_old_store_without_results_is_told(old: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text(JUGFILE)

    assert "'old' holds no results" in jug("adopt", "old", status=FAILED).stderr


def test_the_jugdir_itself_is_no_old_store(three: Old, jug: Jug) -> None:
    os.rename("old", "jugfile.jugdata")

    result = jug("adopt", "jugfile.jugdata", status=USAGE)

    told = " ".join(result.stderr.split())
    assert "is the jugdir of 'jugfile.py' itself" in told
    assert "`jug adopt --jugdir jugfile.jugdata jugfile.py` makes room" in told


def test_a_folder_that_may_not_be_read_hides_no_store_of_jug_2(
    three: Old, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    closed, before = three.path / "00", os.listdir
    closed.mkdir(exist_ok=True)

    def listing(folder: Any) -> list[str]:
        if Path(str(folder)).name == closed.name:
            raise PermissionError(13, "Permission denied")
        return sorted(before(folder))

    monkeypatch.setattr(os, "listdir", listing)

    told = jug("status", "--jugdir", "old", status=FAILED).stderr
    assert "is a jugdir of jug 2.x" in told and "`jug adopt --jugdir " in told
    assert counted(jug("adopt", "old", "--json", status=FAILED)) == {"adopted": 3}


def test_nothing_is_written_into_the_old_store_as_the_new_one(three: Old, jug: Jug) -> None:
    before = tree(three.path)

    for new in ("old/new", "old/ab/new"):
        result = jug("adopt", "old", "--jugdir", new, status=USAGE)
        assert f"the jugdir '{new}' is inside of 'old', which is only read" in (
            " ".join(result.stderr.split())
        )

    assert tree(three.path) == before


def test_the_old_store_may_be_inside_of_the_new_one(three: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.jugdata").mkdir()
    os.rename("old", "jugfile.jugdata/old")
    before = tree(folder / "jugfile.jugdata" / "old")

    assert counted(jug("adopt", "jugfile.jugdata/old", "--json")) == {"adopted": 3}
    jug("check")
    assert tree(folder / "jugfile.jugdata" / "old") == before


def test_a_file_of_a_dict_store_that_is_cut_short_is_told(three: Old, jug: Jug) -> None:
    hash = f"result:{three.hash(abs, -1)}".encode()
    Path("old.pickle").write_bytes(pickle.dumps({hash: pickle.dumps(1)}, 4)[:-5])

    result = jug("adopt", "dict_store:old.pickle", "jugfile.py", status=FAILED)

    assert "'old.pickle' can't be read: it is cut short or damaged" in result.stderr


def test_a_server_that_is_not_there_is_told_without_its_password(three: Old, jug: Jug) -> None:
    pytest.importorskip("redis")
    port = free_port()

    result = jug("adopt", f"redis://me:secret@127.0.0.1:{port}", "jugfile.py", status=FAILED)

    assert f"the server 'redis://127.0.0.1:{port}' can't be read" in result.stderr
    assert "secret" not in result.output


# Jugfiles


def test_a_jugfile_that_fails_half_way_has_adopted_what_it_made_before(
    three: Old, folder: Path, jug: Jug
) -> None:
    (folder / "jugfile.py").write_text(JUGFILE.replace("third = ", "raise ValueError('no')\n"))

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 2}
    assert "the jugfile 'jugfile.py' could not be read: ValueError: no" in result.stderr
    assert "raise ValueError('no')" in result.stderr  # its traceback


def test_a_jugfile_that_is_not_there_is_told(three: Old, folder: Path, jug: Jug) -> None:
    for words in (["missing.py"], ["old", "missing.py"], ["missing.py", "--json"]):
        result = jug("adopt", *words, status=FAILED)
        assert "there is no jugfile 'missing.py'" in result.stderr


def test_a_jugfile_may_leave_the_folder(three: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text(f"{JUGFILE}import os\nos.chdir('old')\n")

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 3}
    assert (folder / "jugfile.jugdata").is_dir()


def test_what_the_jugfile_and_pickles_print_is_no_part_of_the_json(three: Old, jug: Jug) -> None:
    Path("jugfile.py").write_text(f"print('from the jugfile')\n{JUGFILE}")
    printing = b"\x80\x04\x8c\x08builtins\x8c\x05print\x93\x8c\x0dfrom a pickle\x85R."
    three.write(three.hash(abs, -2), zlib.compress(b"P" + printing))

    result = jug("adopt", "old", "--json")

    assert counted(result) == {"adopted": 3}
    assert result.stderr == "from the jugfile\nfrom a pickle\n"


def test_options_that_are_not_known_are_refused(three: Old, jug: Jug) -> None:
    assert "no option --dry" in jug("adopt", "old", "jugfile.py", "--dry", status=USAGE).stderr


@pytest.mark.parametrize(
    "words", [["old", "jugfile.py", "7"], ["old", "jugfile", "7"], ["old", "--", "jugfile", "7"]]
)
def test_the_jugfile_gets_its_arguments(words: list[str], old: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text("import sys\nfrom jug import Task\nTask(abs, sys.argv[1])\n")
    old.save(old.hash(abs, "7"), 7)

    assert counted(jug("adopt", "--json", *words)) == {"adopted": 1}


# A store that is being written


def a_process_that_is_gone() -> int:
    """Return the number of a process that has just ended: later another one may have it."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("holder", "pid", "is_at_work"),
    [
        ("PID {pid} on {host} name", os.getpid, True),
        ("PID 12 on another-host name", None, True),
        ("", None, True),
        ("PID {pid} on {host} name", a_process_that_is_gone, False),
    ],
    ids=["alive", "elsewhere", "unknown", "gone"],
)
def test_a_task_that_jug_2_is_running_is_told(
    holder: str, pid: Callable[[], int] | None, is_at_work: bool, three: Old, jug: Jug
) -> None:
    hash = three.hash(abs, -2)
    (three.path / hash[:2] / hash[2:]).unlink()
    three.lock(hash, holder.format(pid=pid and pid(), host=socket.gethostname()))

    result = jug("adopt", "old", "--json", status=FAILED if is_at_work else 0)

    assert counted(result) == {"adopted": 2, "refused" if is_at_work else "not_there": 1}
    assert is_at_work is ("refused builtins.abs(-2): jug 2.x is running it" in result.stderr)


def test_a_task_that_failed_in_jug_2_is_not_there(three: Old, jug: Jug) -> None:
    hash = three.hash(abs, -2)
    (three.path / hash[:2] / hash[2:]).unlink()
    os.utime(three.lock(hash, "PID 12 on another-host name"), (1, 1))

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 2, "not_there": 1}


def test_a_worker_of_another_user_is_at_work(
    three: Old, monkeypatch: pytest.MonkeyPatch, jug: Jug
) -> None:
    def forbidden(pid: int, signal: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    hash = three.hash(abs, -2)
    (three.path / hash[:2] / hash[2:]).unlink()
    three.lock(hash, f"PID {os.getpid()} on {socket.gethostname()} name")
    monkeypatch.setattr(os, "kill", forbidden)

    assert counted(jug("adopt", "old", "--json", status=FAILED)) == {"adopted": 2, "refused": 1}


def test_a_lock_that_is_let_go_meanwhile_is_none(three: Old, jug: Jug) -> None:
    hash = three.hash(abs, -2)
    (three.path / hash[:2] / hash[2:]).unlink()
    os.symlink("nothing", three.path / "locks" / f"{hash}.lock")  # it is listed, and not there

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 2, "not_there": 1}


def test_what_jug_2_has_written_since_is_adopted_by_another_run(three: Old, jug: Jug) -> None:
    hash = three.hash(abs, -2)
    path = three.path / hash[:2] / hash[2:]
    content = path.read_bytes()
    path.unlink()
    lock = three.lock(hash, "PID 12 on another-host name")
    jug("adopt", "old", status=FAILED)

    path.write_bytes(content)
    lock.unlink()

    assert counted(jug("adopt", "old", "--json")) == {"adopted": 1, "already": 2}


def test_a_result_that_is_removed_meanwhile_is_told(three: Old, folder: Path, jug: Jug) -> None:
    hash = three.hash(abs, -2)
    (folder / "jugfile.py").write_text(
        f"import os\nif os.path.exists('old/{hash[:2]}/{hash[2:]}'):\n"
        f"    os.unlink('old/{hash[:2]}/{hash[2:]}')\n{JUGFILE}"
    )

    result = jug("adopt", "old", "--json", status=FAILED)

    assert "refused builtins.abs(-2): it was removed just now" in result.stderr


def test_a_value_that_cannot_be_saved_is_told(three: Old, jug: Jug) -> None:
    # An object that can be read from its pickle, and not pickled again.
    lock = b"\x80\x04\x8c\x07_thread\x8c\x0dallocate_lock\x93)R."
    three.write(three.hash(abs, -2), zlib.compress(b"P" + lock))

    result = jug("adopt", "old", "--json", status=FAILED)

    assert counted(result) == {"adopted": 2, "refused": 1}
    assert "jug: refused builtins.abs(-2): " in result.stderr
