"""Fetching results and records from the server, and sending what is too large for its entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from jug.backends._redis import scripts
from jug.backends._redis.entry import ID_SIZE, Entry, chunks, unpack_runs
from jug.backends._redis.workers import Workers
from jug.backends.base import Buffer
from jug.errors import DamagedResult, StoreError
from jug.records import Record, Run, RunState, run_if_sound, unpack_if_sound

if TYPE_CHECKING:
    from jug.backends._redis.server import Server

CHUNK_BYTES: Final = 16 << 20
"""A larger result is sent, kept and fetched in chunks of this size."""

# A blob of one chunk up to this size travels with its entry, both ways.
_TOGETHER: Final = 1 << 18

# A blob that no commit follows within this time is thrown away by the server.
_UPLOAD_SECONDS: Final = 3600

_BATCH: Final = 1000

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item], size: int = _BATCH) -> Iterator[list[_Item]]:
    """Yield the items in lists of a size that goes into one call."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def fetch_entries(server: Server, key: str, digests: Iterable[bytes]) -> dict[bytes, Entry]:
    """Return the entries of digests that are among the ``results`` or ``failures``.

    A damaged one is left out: who reads the result is told.
    """
    found = {}
    for batch in batches(digests):
        packed = server.command("HMGET", server.address.tag + key, *batch)
        for digest, data in zip(batch, packed, strict=True):
            with suppress(DamagedResult):
                if data is not None:
                    found[digest] = Entry.unpack(data)
    return found


def fetch_id(server: Server, digest: bytes) -> bytes | None:
    """Return the id of a result's entry, damaged or not, None if there is none."""
    (packed,) = server.command("HMGET", server.address.tag + "results", digest)
    return None if packed is None else packed[:ID_SIZE]


def fetch_records(
    server: Server, workers: Workers, digests: Sequence[bytes]
) -> dict[bytes, Record]:
    """Return the records of the runs that count, each with the process of its worker."""
    entries = fetch_entries(server, "results", digests)
    rest = [digest for digest in digests if digest not in entries]
    entries |= fetch_entries(server, "failures", rest)
    known = workers.of(server, (entry.worker for entry in entries.values()))
    found = {}
    for digest, entry in entries.items():
        worker = known.get(entry.worker)
        record = unpack_if_sound(entry.record, "" if worker is None else worker.place)
        if record is not None:
            found[digest] = record
    return found


def fetch_runs(server: Server) -> Iterator[Run]:
    """Yield every run that is remembered, but those whose records are damaged."""
    for key, state in (("results", RunState.FINISHED), ("failures", RunState.FAILED)):
        for digest, packed in _each(server, key):
            with suppress(DamagedResult):
                entry = Entry.unpack(packed)
                yield from run_if_sound(digest, state, entry.record, entry.worker)
    for digest, packed in _each(server, "runs"):
        for worker, record in unpack_runs(packed):
            yield from run_if_sound(digest, None, record, worker)


def _each(server: Server, key: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield each field of a hash and what is in it, once."""
    told, at = set[bytes](), b"0"
    while True:
        at, page = server.command("HSCAN", server.address.tag + key, at, "COUNT", _BATCH)
        for field, packed in zip(page[::2], page[1::2], strict=True):
            if field not in told:  # it may come twice
                told.add(field)
                yield field, packed
        if at == b"0":
            return


def fetch(server: Server, digest: bytes) -> bytearray | None:
    """Return an encoded result, in memory that may be written to."""
    while True:
        data, body = server.run(scripts.READ, digest, _TOGETHER)
        if data is None:
            return None
        entry = _unpacked(digest, data)
        if body is not None or not entry.chunks:
            return bytearray(body or entry.inline)
        encoded = _fetch_chunks(server, digest, entry)
        if encoded is not None:
            return encoded


def fetch_inline(server: Server, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytearray]]:
    """Yield the results that lie in their entries, encoded, in memory that may be written to."""
    for batch in batches(digests):
        for digest, entry in fetch_entries(server, "results", batch).items():
            if not entry.chunks:
                yield digest, bytearray(entry.inline)


def _unpacked(digest: bytes, data: bytes) -> Entry:
    try:
        return Entry.unpack(data)
    except DamagedResult as error:
        raise DamagedResult(f"the entry of {digest.hex()}: {error}", digest=digest) from error


def send(server: Server, entry: Entry, payload: Sequence[Buffer], chunk_bytes: int) -> Buffer:
    """Send a blob, unless it can travel with its entry: then return it."""
    if not entry.chunks:
        return b""
    if entry.chunks == 1 and entry.size <= _TOGETHER:
        return b"".join(payload)
    try:
        for number, chunk in enumerate(chunks(payload, chunk_bytes)):
            server.run(scripts.UPLOAD, entry.id.hex(), number, chunk, _UPLOAD_SECONDS)
    except StoreError:
        server.abandon(_blob(server, entry))
        raise
    return b""


def _fetch_chunks(server: Server, digest: bytes, entry: Entry) -> bytearray | None:
    """Return the result of an entry, None if another took its place while it was read."""
    encoded = bytearray()
    for number in range(entry.chunks):
        chunk = server.command("HGET", _blob(server, entry), number)
        if chunk is None and fetch_entries(server, "results", [digest]) != {digest: entry}:
            return None
        encoded += chunk or b""
    return encoded


def _blob(server: Server, entry: Entry) -> str:
    return f"{server.address.tag}blob:{entry.id.hex()}"
