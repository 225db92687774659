"""The page on the file format tells all that a reader needs to know."""

from __future__ import annotations

import hashlib
import json
import runpy
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jug import Task, codec, records
from jug.backends.base import Frame, Kind
from jug.backends.file_store import FileStore
from jug.code import Code, Part, code_of, keep
from jug.records import Record

# It is not imported as a module: it may use nothing that is not on the page.
reader = runpy.run_path(str(Path(__file__).with_name("format_reader.py")))

DIGESTS = [bytes([number]) * 20 for number in range(4)]
RECORD = Record("m.f", start=12.5, duration=0.25, size=3, memory=9, code="c0de", worker="w")

STEP = st.one_of(
    st.tuples(st.just("save"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("save large"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("fail"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("keep failure"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("run, removed meanwhile"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("discard"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("leave"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("pack"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("pack a little"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("tear"), st.integers(0, 2), st.integers(1, 40)),
)


@given(st.lists(STEP, max_size=14), st.integers(0, 5), st.integers(0, 1000))
@settings(max_examples=80)
@pytest.mark.slow
def test_a_reader_written_from_the_page_finds_what_the_store_finds(
    steps: list[tuple[str, int, int]], which: int, at: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        jugdir = Path(folder, "jugdir")
        workers = [FileStore(jugdir) for _ in range(3)]
        try:
            save(workers[0], DIGESTS[0], "first")
            for number, (step, which, what) in enumerate(steps):
                do(step, workers, which, what, number)
            compare(jugdir)
            damage(jugdir, which, at)
            compare(jugdir)
        finally:
            for worker in workers:
                worker.close()


def do(step: str, workers: list[FileStore], which: int, what: int, number: int) -> None:
    worker, digest = workers[which], DIGESTS[what % 4]
    if step == "save":
        save(worker, digest, number)
    elif step == "save large":
        save(worker, digest, bytes([number]) * 150_000)
    elif step == "fail":
        worker.put(Frame(Kind.FAILURE, digest, records.pack(RECORD)))
    elif step == "keep failure":
        worker.put(Frame(Kind.KEPT, digest, records.pack(RECORD)))
    elif step == "run, removed meanwhile":
        lease = worker.acquire([digest])
        workers[which - 1].discard([digest])
        if lease is not None:
            worker.commit(lease, frame(digest, "stale"))
    elif step == "discard":
        worker.discard([digest])
    elif step == "leave":
        worker.close()
    elif step == "pack":
        worker.pack()
    elif step == "pack a little":
        worker._packer().pack(wholly=False)
    elif step == "tear":
        tear(Path(worker.jugdir), what)


def tear(jugdir: Path, count: int) -> None:
    """Leave the beginning of a frame at the end of a segment nobody writes to."""
    whole = next(iter(sorted((jugdir / "segments").iterdir()))).read_bytes()
    torn = jugdir / "segments" / "fedcba9876543210-0.seg"
    torn.write_bytes(whole[: 16 + count])
    torn.with_name("a copy.seg").write_bytes(whole)


def damage(jugdir: Path, which: int, at: int) -> None:
    """Flip a bit in one of the segments and packs."""
    paths = reader["segments"](jugdir)
    path = paths[which % len(paths)]
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(data)


def frame(digest: bytes, value: Any) -> Frame:
    return Frame(Kind.RESULT, digest, records.pack(RECORD), codec.encode(value))


def save(store: FileStore, digest: bytes, value: Any) -> None:
    store.put(frame(digest, value))


def compare(jugdir: Path) -> None:
    found = reader["read"](jugdir)
    with FileStore(jugdir) as store:
        store.poll()
        assert found.results == {digest: bytes(store.read(digest)) for digest in store.digests()}
        assert found.failures == dict(store.failures())


def test_a_record_is_as_the_page_says(tmp_path: Path) -> None:
    with FileStore(tmp_path) as store:
        save(store, DIGESTS[0], 1)

    (found,) = [one for one in reader["read"](tmp_path).frames.values() if one.kind == 1]
    assert reader["record"](found.record) == RECORD.as_dict()


def test_the_code_that_a_record_names_is_read_as_the_page_says(tmp_path: Path) -> None:
    with FileStore(tmp_path / "jugdir") as store:
        task = Task(json.dumps, 1)
        task.own_store = store
        task.run()
        record = store.record(task.digest)
        code = code_of(task)
        part = Part("m.f", "function", "abcdefabcdef", "def f(): pass\n", id=0)
        name = hashlib.blake2b(f"{part.name} {part.fingerprint}".encode(), digest_size=6).digest()
        part.id = int.from_bytes(name)
        keep(store, [Code("0" * 12, "123456789abc", [part], (), ())])

    assert record is not None
    assert record.code == code.text
    assert reader["parts_of"](tmp_path / "jugdir", record.code) == {}
    assert reader["parts_of"](tmp_path / "jugdir", f"1:{'0' * 12}123456789abc") == {
        "m.f": ("function", "def f(): pass\n")
    }
