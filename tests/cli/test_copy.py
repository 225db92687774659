"""`jug copy`: results from one store to another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jug import codec, records
from jug.backends.base import BaseStore, Buffer, Frame, Kind
from jug.backends.dict_store import DictStore
from jug.backends.registry import open_store
from jug.cli import main
from jug.cli.copy import Copied, copy_store
from jug.errors import StoreError
from jug.records import Record


def digest(number: int) -> bytes:
    return number.to_bytes(20, "big")


def put(store: BaseStore, number: int, value: object) -> None:
    payload = codec.encode(value)
    record = Record(f"jugfile.f{number}", start=1.5, duration=0.25, size=sum(map(len, payload)))
    store.put(Frame(Kind.RESULT, digest(number), records.pack(record), payload))


def put_failure(store: BaseStore, number: int, kind: Kind = Kind.FAILURE) -> None:
    record = Record(f"jugfile.f{number}", start=1.5, duration=0.25, exception="ValueError: no")
    store.put(Frame(kind, digest(number), records.pack(record)))


def copy(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["copy", *map(str, arguments)])


class Damaging(DictStore):
    """A store whose medium spoils every result that is longer than a few bytes."""

    def read(self, digest: bytes) -> bytes:
        spoiled = bytearray(super().read(digest))
        if len(spoiled) > 100:
            spoiled[-3] ^= 1
        return bytes(spoiled)


class Failing(DictStore):
    """A store that can't be written to any more after a few results."""

    room = 3

    def put(self, frame: Frame) -> None:
        self.room -= 1
        if self.room < 0:
            raise StoreError("no space left")
        super().put(frame)


class Counting(DictStore):
    """A store that counts what is read from it."""

    reads = 0

    def read(self, digest: bytes) -> bytes:
        self.reads += 1
        return super().read(digest)


def test_results_come_over_with_the_records_of_their_runs() -> None:
    source, target = DictStore(), DictStore()
    values: Sequence[object] = [None, "two", {"three": [3.0]}, b"x" * 100_000]
    for number, value in enumerate(values):
        put(source, number, value)

    copied = copy_store(source, target)

    assert copied.results == 4
    assert copied.bytes == sum(source.size(digest(number)) for number in range(4))
    for number, value in enumerate(values):
        assert target.load_digest(digest(number)) == value
        assert target.record(digest(number)) == source.record(digest(number))


def test_failures_come_over_as_what_they_are() -> None:
    source, target = DictStore(), DictStore()
    put_failure(source, 1)
    put_failure(source, 2, Kind.KEPT)

    copied = copy_store(source, target)

    assert copied == Copied(failures=2)
    assert target.failures() == {digest(1): False, digest(2): True}
    record = target.record(digest(1))
    assert record is not None and record.exception == "ValueError: no"


def test_what_the_target_has_stays() -> None:
    source, target = DictStore(), DictStore()
    for number in range(3):
        put(source, number, "theirs")
    put_failure(source, 3)
    put(target, 1, "mine")
    put(target, 3, "done")

    copied = copy_store(source, target)

    assert (copied.results, copied.failures, copied.skipped) == (2, 0, 2)
    assert target.load_digest(digest(1)) == "mine"
    assert target.load_digest(digest(3)) == "done"


def test_a_result_comes_over_to_where_its_task_failed() -> None:
    source, target = DictStore(), DictStore()
    put(source, 1, "done")
    put_failure(target, 1)

    copy_store(source, target)

    assert target.load_digest(digest(1)) == "done"
    assert not target.failures()


def test_a_copy_that_was_cut_short_goes_on_where_it_stopped() -> None:
    source, target = Counting(), Failing()
    for number in range(10):
        put(source, number, number)

    with pytest.raises(StoreError, match="no space left"):
        copy_store(source, target)
    source.reads, target.room = 0, 100
    copied = copy_store(source, target)

    assert (copied.results, copied.skipped) == (7, 3)
    assert source.reads == 7
    assert [target.load_digest(digest(number)) for number in range(10)] == list(range(10))


def test_what_cannot_be_read_back_is_an_error_and_is_not_left_behind() -> None:
    source, target = DictStore(), Damaging()
    put(source, 1, "x" * 1000)

    with pytest.raises(StoreError, match=f"{digest(1).hex()} can't be read back .* copy again"):
        copy_store(source, target)

    assert not target.has(digest(1))


def test_what_is_damaged_at_the_source_is_named_and_left_out() -> None:
    source, target = Damaging(), DictStore()
    put(source, 1, "short")
    put(source, 2, "x" * 1000)

    copied = copy_store(source, target)

    assert (copied.results, copied.damaged) == (1, [digest(2).hex()])
    assert list(target.digests()) == [digest(1)]


def test_results_whose_class_is_not_there_are_copied() -> None:
    class OpaqueBuffer(DictStore):
        def load_digest(self, digest: bytes) -> object:
            raise AssertionError("nothing needs to be loaded")

    source, target = OpaqueBuffer(), OpaqueBuffer()
    put(source, 1, Path("a"))

    assert copy_store(source, target).results == 1


@pytest.fixture
def jugdir(tmp_path: Path) -> Path:
    """Return a directory with two results and a failure."""
    with open_store(tmp_path / "from.jugdata") as store:
        put(store, 1, "one")
        put(store, 2, list(range(10)))
        put_failure(store, 3)
    return tmp_path / "from.jugdata"


def test_the_command_copies_between_kinds_of_stores_and_back(jugdir: Path, tmp_path: Path) -> None:
    file = f"dict_store:{tmp_path / 'results'}"

    there = copy(jugdir, file)
    back = copy(file, tmp_path / "back.jugdata")
    again = copy(file, tmp_path / "back.jugdata")

    assert there.output == back.output
    assert there.output.startswith("Copied 2 results (")
    assert there.output.endswith(") and 1 failure; 0 were there.\n")
    assert again.output == "Copied 0 results (0 bytes) and 0 failures; 3 were there.\n"
    with open_store(tmp_path / "back.jugdata") as store:
        assert store.load(digest(2).hex()) == list(range(10))
        assert store.failures() == {digest(3): False}


def test_the_summary_as_json(jugdir: Path, tmp_path: Path) -> None:
    result = copy("--json", jugdir, tmp_path / "to.jugdata")

    summary = json.loads(result.output)
    assert summary.pop("bytes") > 0
    assert summary == {"results": 2, "failures": 1, "skipped": 0, "damaged": []}


def test_damage_at_the_source_is_told_and_is_exit_status_1(jugdir: Path, tmp_path: Path) -> None:
    with open_store(jugdir) as store:
        put(store, 4, "a recognisable text " * 50_000)
    spoil(jugdir, b"a recognisable text ")

    result = copy(jugdir, tmp_path / "to.jugdata")

    assert result.exit_code == 1
    assert f"the result of {digest(4).hex()} is damaged and was not copied" in result.output
    assert "2 results" in result.output


def spoil(folder: Path, text: Buffer) -> None:
    """Change one letter of a text wherever a file has it."""
    for file in folder.rglob("*"):
        if file.is_file() and bytes(text) in (data := file.read_bytes()):
            file.write_bytes(data.replace(bytes(text), bytes(text)[:-2] + b"X "))


def test_a_source_with_nothing_in_it_is_a_mistake(tmp_path: Path) -> None:
    result = copy(tmp_path / "nothing", tmp_path / "to")

    assert result.exit_code == 2
    assert "holds nothing to copy: is FROM right?" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_not_copied_to_itself(jugdir: Path) -> None:
    result = copy(jugdir, jugdir)

    assert result.exit_code == 2
    assert "name two stores" in result.output


def test_an_unknown_kind_of_store_is_named(jugdir: Path) -> None:
    result = copy(jugdir, "s3://bucket")

    assert result.exit_code == 1
    assert "no store for 's3'" in result.output


def test_a_url_that_leaves_open_which_project_is_meant_is_refused(jugdir: Path) -> None:
    pytest.importorskip("jug.backends.redis_store", exc_type=ImportError)

    result = copy(jugdir, "redis://localhost:1")

    assert result.exit_code == 2
    assert "say which one is meant with ?prefix=NAME in the URL" in result.output
