"""`jug cleanup`: remove what the jugfile does not use."""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING, Any

import click

from jug.cli.jugfile_command import always, as_json, complete_path, jugfile_command
from jug.cli.reading import job_of, reading, traceless
from jug.options import Options
from jug.tables import size, table
from jug.wording import counted

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.jugfile import Jugspace


@jugfile_command(
    epilog="""\b
Examples:
  jug cleanup --dry-run primes.py
  jug cleanup primes.py
  jug cleanup --also squares.py primes.py
  jug cleanup --failed-only primes.py    try all failed tasks again

\b
Exit status: 0; 1 if the jugfile can't be read, or it is not known what it
uses or another jugfile does (see --also and --force); 2 for wrong usage.""",
    changes=always,
)
@click.option(
    "--locks-only", "cleanup_locks_only", is_flag=True,
    help="Take away all locks, also those of workers that run, and leave the results.",
)  # fmt: skip
@click.option(
    "--failed-only", "cleanup_failed_only", is_flag=True,
    help="Forget all failures, and leave results and locks.",
)  # fmt: skip
@click.option("--keep-locks", "cleanup_keep_locks", is_flag=True, help="Leave the locks.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option(
    "--also", multiple=True, metavar="JUGFILE", shell_complete=complete_path,
    help="Keep what this one uses, too; with its arguments in one word: 'squares.py 100'.",
)  # fmt: skip
@click.option(
    "--force", is_flag=True,
    help="Also where others may use what this jugfile, as far as it is read, does not.",
)  # fmt: skip
@as_json
def command(
    options: Options, dry_run: bool, also: tuple[str, ...], force: bool, as_json: bool
) -> None:
    """Remove the results, failures and locks in the store that JUGFILE does not use.

    A jugdir knows which jugfiles have saved something in it, and with which arguments.  If
    there are others, say by --also which ones are still in use; --force removes what they
    have saved.
    """
    only = options.cleanup_locks_only or options.cleanup_failed_only
    if options.cleanup_locks_only + options.cleanup_failed_only + options.cleanup_keep_locks > 1:
        raise click.UsageError("--locks-only, --failed-only and --keep-locks exclude each other")
    named = [_named(words) for words in also]
    absolute = [(os.path.abspath(path), arguments) for path, arguments in named]
    used = _used_by(named, options, must_be_known=not (force or only or dry_run))
    with reading(options, is_patient=True) as jugspace:
        refusal = "" if force else _doubt(jugspace, options, only)
        if refusal and not dry_run:
            raise click.ClickException(refusal)
        store = jugspace.store
        used.update(task.digest for task in jugspace.tasks)
        litter = _find(store, used, options)
        ours = starmap(store.known_as, [(store.jugfile, store.arguments), *absolute])
        others = store.jugfiles().difference(ours)
        if not (refusal or force or litter.is_of(used)):
            refusal = _refusal(others, store, options.jugfile)
        view = litter.view(store, others)
        if not (dry_run or refusal):
            litter.remove(store)
            if force and not only:
                store.forget_jugfiles(others)
            view.is_removed = True
    view.show(as_json, options.short)
    if refusal:
        if not dry_run:
            raise click.ClickException(refusal)
        click.echo(f"Without --dry-run: {refusal}", err=True)


@dataclass
class _Litter:
    """What is to be removed."""

    results: list[bytes]
    failures: list[bytes]
    locks: list[bytes]

    def is_of(self, used: set[bytes]) -> bool:
        """Return whether it is all of tasks that are used."""
        return used.issuperset((*self.results, *self.failures, *self.locks))

    def remove(self, store: BaseStore) -> None:
        store.discard([*self.results, *self.failures])
        store.break_leases(self.locks)
        store.tidy()

    def view(self, store: BaseStore, others: Iterable[str]) -> _View:
        """Return what is shown of it, which can't be found out once it is removed."""
        sizes = sum(store.sizes(self.results))
        counts = _count_names(store, self.results), _count_names(store, self.failures)
        names = {name: [count[name] for count in counts] for name in counts[0] | counts[1]}
        return _View(self, names, sizes, sorted(others))


@dataclass
class _View:
    """What is told of litter."""

    litter: _Litter
    names: dict[str, list[int]]
    """How many results and failures there are by the names of their tasks."""
    bytes: int
    jugfiles: list[str]
    """The other jugfiles that have saved something in the store, with their arguments."""
    is_removed: bool = False

    def show(self, as_json: bool, short: bool) -> None:
        if as_json:
            click.echo(json.dumps(self.as_data(), indent=2))
            return
        if self.names and not short:
            click.echo(table(["Results", "Failures"], self.names) + "\n")
        word, litter = "Removed" if self.is_removed else "Would remove", self.litter
        click.echo(f"{word} {counted(len(litter.results), 'result')} ({size(self.bytes)})")
        click.echo(f"{word} {counted(len(litter.failures), 'failure')}")
        click.echo(f"{word} {counted(len(litter.locks), 'lock')}")

    def as_data(self) -> dict[str, Any]:
        lists = {kind: [d.hex() for d in digests] for kind, digests in vars(self.litter).items()}
        names = {
            name: {"results": results, "failures": failures}
            for name, (results, failures) in self.names.items()
        }
        about = {"bytes": self.bytes, "jugfiles": self.jugfiles, "removed": self.is_removed}
        return {**lists, "names": names, **about}


def _count_names(store: BaseStore, digests: Sequence[bytes]) -> Counter[str]:
    records = store.records(digests)
    return Counter("(no name)" if not record else record.name or "(no name)" for record in records)


def _find(store: BaseStore, used: set[bytes], options: Options) -> _Litter:
    store.poll()
    failures, locks = sorted(store.failures()), sorted(store.holders())
    if options.cleanup_locks_only:
        return _Litter([], [], locks)
    if options.cleanup_failed_only:
        return _Litter([], failures, [])
    return _Litter(
        [digest for digest in store.digests() if digest not in used],
        [digest for digest in failures if digest not in used],
        [] if options.cleanup_keep_locks else [lock for lock in locks if lock not in used],
    )


# Other jugfiles


def _named(words: str) -> tuple[str, list[str]]:
    """Return the path and the arguments of a jugfile that is named in one word."""
    from jug.jugfile import Jugfile

    try:
        name, *arguments = shlex.split(words) or [""]
    except ValueError as error:  # a quotation without an end
        raise click.UsageError(
            f"--also {words!r} can't be read as a shell would: {error}"
        ) from None
    return Jugfile(name).path, arguments


def _used_by(
    named: Iterable[tuple[str, list[str]]], options: Options, must_be_known: bool
) -> set[bytes]:
    """Return the digests of all tasks of other jugfiles, in the store of the options."""
    used: set[bytes] = set()
    for path, arguments in named:
        job = job_of(options)
        job.jugfile, job.arguments = path, arguments
        with traceless(path):
            _, jugspace = job.begin()
            if must_be_known and jugspace.barrier_tasks:
                raise click.ClickException(_doubt_at_barrier(path))
            used.update(task.digest for task in jugspace.tasks)
    return used


def _refusal(others: set[str], store: BaseStore, jugfile: str) -> str:
    """Return why not to remove what others may use, empty if there are no others."""
    if not others:
        return ""
    names = " and ".join(map(repr, sorted(others)))
    return (
        f"{names} saved results in {store.url}, too: name what is still in use by --also, or "
        f"remove all that {jugfile!r} does not use by --force"
    )


def _doubt(jugspace: Jugspace, options: Options, only: bool) -> str:
    """Return why it is not known what the jugfile uses, or what is its own; empty if it is."""
    store = jugspace.store
    if getattr(store, "has_default_prefix", False) and options.prefix is None:
        return (
            f"{store.url} keeps results under a prefix that is only the jugfile's name, "
            "which another project may have too: give a ?prefix= in the URL, or --force"
        )
    return _doubt_at_barrier(options.jugfile) if jugspace.barrier_tasks and not only else ""


def _doubt_at_barrier(jugfile: str) -> str:
    return (
        f"the jugfile {jugfile!r} stops at a barrier, so what it uses beyond is not "
        "known: run `jug execute` first, or remove it all by --force"
    )
