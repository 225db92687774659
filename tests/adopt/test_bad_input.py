"""What can't be adopted is told by its task, and the rest is adopted."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from tests.adopt.conftest import Jug, Old, tree
from tests.adopt.test_adopt import counted

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


def test_an_old_store_without_results_is_told(old: Old, folder: Path, jug: Jug) -> None:
    (folder / "jugfile.py").write_text(JUGFILE)

    assert "'old' holds no results" in jug("adopt", "old", status=FAILED).stderr


def test_the_jugdir_itself_is_no_old_store(three: Old, jug: Jug) -> None:
    os.rename("old", "jugfile.jugdata")

    result = jug("adopt", "jugfile.jugdata", status=USAGE)

    assert "is the jugdir of 'jugfile.py' itself: `jug adopt jugfile.py` makes room" in (
        " ".join(result.stderr.split())
    )


def test_a_file_of_a_dict_store_that_is_cut_short_is_told(three: Old, jug: Jug) -> None:
    hash = f"result:{three.hash(abs, -1)}".encode()
    Path("old.pickle").write_bytes(pickle.dumps({hash: pickle.dumps(1)}, 4)[:-5])

    result = jug("adopt", "dict_store:old.pickle", "jugfile.py", status=FAILED)

    assert "'old.pickle' can't be read: it is cut short or damaged" in result.stderr


def test_a_server_that_is_not_there_is_told_without_its_password(three: Old, jug: Jug) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

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
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("holder", "is_at_work"),
    [
        (f"PID {os.getpid()} on {socket.gethostname()} name", True),
        ("PID 12 on another-host name", True),
        ("", True),
        (f"PID {a_process_that_is_gone()} on {socket.gethostname()} name", False),
    ],
    ids=["alive", "elsewhere", "unknown", "gone"],
)
def test_a_task_that_jug_2_is_running_is_told(
    holder: str, is_at_work: bool, three: Old, jug: Jug
) -> None:
    hash = three.hash(abs, -2)
    (three.path / hash[:2] / hash[2:]).unlink()
    three.lock(hash, holder)

    result = jug("adopt", "old", "--json", status=FAILED if is_at_work else 0)

    assert counted(result) == {"adopted": 2, "refused" if is_at_work else "not_there": 1}
    assert is_at_work is ("refused builtins.abs(-2): jug 2.x is running it" in result.stderr)


def test_a_task_that_failed_in_jug_2_is_not_there(three: Old, jug: Jug) -> None:
    hash = three.hash(abs, -2)
    (three.path / hash[:2] / hash[2:]).unlink()
    os.utime(three.lock(hash, "PID 12 on another-host name"), (1, 1))

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
