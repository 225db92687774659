"""`jug copy`: results moved from one store to another of any kind.

Results are copied in the bytes in which they are stored, with their records; no
class or module that they are made of need be there.  What is damaged at the
source is named and left out.  Each one that was written is read back and checked
to its last byte before the next, so a copy that was cut short is resumed by the
same command: what is there is whole, and is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Final

import click

from jug import codec, records
from jug.backends.base import BaseStore, Buffer, Frame, Kind
from jug.backends.registry import open_store
from jug.cli import FAILED
from jug.cli.jugfile_command import complete_path
from jug.cli.progress import progress_option, shown_progress
from jug.errors import DamagedResult, OptionError, ResultNotFound, StoreError
from jug.options import configured
from jug.progress import Display
from jug.progress.counting import shown
from jug.records import Record
from jug.tables import size
from jug.wording import counted

_BATCH: Final = 1000  # records to read at once


@click.command(
    epilog="""\b
Examples:
  jug copy primes.jugdata 'redis://localhost/?prefix=primes'
  jug copy 'redis://localhost/?prefix=primes' /archive/primes.jugdata

\b
Exit status: 0 once all is there; 1 if some results are damaged in FROM, or a
store can't be read or written; 2 for wrong usage.""",
)
@click.argument("source", metavar="FROM", shell_complete=complete_path)
@click.argument("target", metavar="TO", shell_complete=complete_path)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@progress_option
@click.pass_context
def command(
    context: click.Context, source: str, target: str, as_json: bool, progress: str | None
) -> None:
    """Copy all results and failures, with the records of their runs, from one store to another.

    FROM and TO are jugdirs: directories or URLs, which name the project on a server
    as ?prefix=NAME (`jug execute` uses the jugfile's name without .py if it is not
    told otherwise).  FROM is not changed, and what is in TO stays.  Each result is
    read back from TO and checked.  A copy that was interrupted goes on where it
    stopped when it is started again.
    """
    with _opened(source) as from_store, _opened(target) as to_store:
        if from_store.url == to_store.url:
            raise OptionError(f"FROM and TO are both {from_store.url!r}: name two stores")
        with shown_progress(progress or configured().progress) as display:
            copied = copy_store(from_store, to_store, display)
        if copied == Copied():
            raise OptionError(f"{from_store.url!r} holds nothing to copy: is FROM right?")
    click.echo(json.dumps(asdict(copied)) if as_json else _sentence(copied))
    for digest in copied.damaged:
        click.echo(f"jug: the result of {digest} is damaged and was not copied", err=True)
    if copied.damaged:
        context.exit(FAILED)


def _opened(url: str) -> BaseStore:
    """Return the store, which must not be any project's that happens to share the server."""
    store = open_store(url)
    if getattr(store, "has_default_prefix", False):
        store.close()
        raise OptionError(
            f"several projects may share the server of {store.url!r}: say which one is meant "
            "with ?prefix=NAME in the URL"
        )
    return store


@dataclass
class Copied:
    """What became of all that was in a store."""

    results: int = 0
    failures: int = 0
    bytes: int = 0
    skipped: int = 0
    """What was there already."""
    damaged: list[str] = field(default_factory=list)
    """The hashes of results that were damaged at the source."""


def copy_store(source: BaseStore, target: BaseStore, display: Display | None = None) -> Copied:
    """Copy the results and failures that the target does not have; return what was done.

    >>> source, target = open_store("dict_store"), open_store("dict_store")
    >>> source.dump([1, 2], b"0" * 40)
    >>> copy_store(source, target).results, target.load(b"0" * 40)
    (1, [1, 2])
    """
    source.poll()
    target.poll()
    copied = Copied()
    code = source.kept_code()
    if code:
        target.keep_code(code)
    digests = list(source.digests())
    missing = [
        d for d, is_there in zip(digests, target.exists(digests), strict=True) if not is_there
    ]
    copied.skipped = len(digests) - len(missing)
    for digest, record in _with_records(source, shown(missing, display, "results")):
        _copy_result(digest, record, source, target, copied)
    for digest, record in _with_records(source, tuple(source.failures())):
        _copy_failure(digest, record, source, target, copied)
    target.flush()
    return copied


def _with_records(
    store: BaseStore, digests: Iterable[bytes]
) -> Iterator[tuple[bytes, Record | None]]:
    """Yield each digest with its record, which a store may read many of at once."""
    rest = iter(digests)
    while batch := list(islice(rest, _BATCH)):
        yield from zip(batch, store.records(batch), strict=True)


def _copy_result(
    digest: bytes, record: Record | None, source: BaseStore, target: BaseStore, copied: Copied
) -> None:
    try:
        encoded = source.use(digest, _verified)
    except DamagedResult:
        copied.damaged.append(digest.hex())
        return
    except ResultNotFound:
        return  # removed since the copy began
    packed = records.pack(record or Record(size=len(encoded)))
    target.put(Frame(Kind.RESULT, digest, packed, [encoded]))
    _check_written(digest, target)
    copied.results += 1
    copied.bytes += len(encoded)


def _verified(encoded: Buffer) -> Buffer:
    codec.verify(encoded)
    return encoded


def _check_written(digest: bytes, target: BaseStore) -> None:
    try:
        target.use(digest, codec.verify)
    except DamagedResult as error:
        target.discard_frame(digest, error.frame)
        raise StoreError(
            f"the result of {digest.hex()} can't be read back from {target.url} as it was written "
            f"({error}): look after its disk or server, then copy again",
            digest=digest,
        ) from None


def _copy_failure(
    digest: bytes, record: Record | None, source: BaseStore, target: BaseStore, copied: Copied
) -> None:
    if target.has(digest) or digest in target.failures():
        copied.skipped += 1
        return
    is_kept = source.failures().get(digest, False)
    kind = Kind.KEPT if is_kept else Kind.FAILURE
    target.put(Frame(kind, digest, records.pack(record or Record())))
    copied.failures += 1


def _sentence(copied: Copied) -> str:
    return (
        f"Copied {counted(copied.results, 'result')} ({size(copied.bytes)}) and "
        f"{counted(copied.failures, 'failure')}; {copied.skipped} were there."
    )
