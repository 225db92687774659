"""The folder of the code that made results, and what may lie there after a crash."""

from __future__ import annotations

from pathlib import Path

from jug.backends.base import Frame, Kind
from jug.backends.file_store import FileStore
from jug.records import Record, pack

ONE, TWO = {b"p-one": b"1" * 100, b"p-both": b"both"}, {b"p-two": b"2", b"p-both": b"both"}


def files(jugdir: Path) -> list[Path]:
    return sorted((jugdir / "code").iterdir())


def test_a_file_has_only_what_no_other_has(tmp_path: Path) -> None:
    with FileStore(tmp_path) as store:
        store.keep_code(ONE)
        (first,) = files(tmp_path)
        store.keep_code(TWO)
        (second,) = [file for file in files(tmp_path) if file != first]

        assert not store.lacks_code
        assert second.read_bytes() == b"\x05\x01\x00\x00\x00p-two2"
        store.keep_code(ONE | TWO)
        assert len(files(tmp_path)) == 2


def test_a_damaged_file_is_not_there_and_the_others_are(tmp_path: Path) -> None:
    with FileStore(tmp_path) as store:
        store.keep_code(ONE)
        (first,) = files(tmp_path)
        store.keep_code(TWO)
        first.write_bytes(first.read_bytes()[:-1])

        assert store.kept_code() == {b"p-two": b"2"}
        assert store.lacks_code

        store.keep_code(ONE)
        assert store.kept_code() == ONE | TWO


def test_what_a_killed_worker_has_begun_is_no_code_and_is_tidied_up(tmp_path: Path) -> None:
    with FileStore(tmp_path) as store:
        store.keep_code(ONE)
        (done,) = files(tmp_path)
        begun = done.with_name(f"{done.name}.0123456789abcdef.tmp")
        begun.write_bytes(b"\x05\x01")

        assert store.kept_code() == ONE
        store.tidy()
        assert files(tmp_path) == [done]


def test_packing_leaves_the_code(tmp_path: Path) -> None:
    for number in range(3):
        with FileStore(tmp_path) as store:
            store.put(Frame(Kind.RESULT, bytes([number]) * 20, pack(Record("m.f")), [b"x"]))
            store.keep_code(ONE)

    with FileStore(tmp_path) as store:
        assert store.pack().segments == 3
        assert store.kept_code() == ONE


def test_a_jugdir_of_before_has_no_code(tmp_path: Path) -> None:
    with FileStore(tmp_path) as store:
        store.put(Frame(Kind.RESULT, b"a" * 20, pack(Record("m.f")), [b"x"]))

    with FileStore(tmp_path) as store:
        assert store.kept_code() == {}
        assert not (tmp_path / "code").exists()


def test_who_only_looks_makes_nothing(tmp_path: Path) -> None:
    with FileStore(tmp_path / "jugdir") as store:
        assert store.kept_code() == {}

    assert not (tmp_path / "jugdir").exists()
