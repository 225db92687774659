"""`jug cleanup`: remove what the jugfile does not use."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading
from jug.options import Options
from jug.tables import size

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.jugfile import Jugspace


@jugfile_command(
    epilog="""\b
Examples:
  jug cleanup --dry-run primes.py
  jug cleanup primes.py
  jug cleanup --failed-only primes.py    try all failed tasks again

\b
Exit status: 0; 1 if the jugfile can't be read or what it uses is not known
(see --force); 2 for wrong usage.""",
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
    "--force", is_flag=True,
    help="Also where others may use what this jugfile, as far as it is read, does not.",
)  # fmt: skip
@as_json
def command(options: Options, dry_run: bool, force: bool, as_json: bool) -> None:
    """Remove the results, failures and locks in the store that JUGFILE does not use."""
    only = options.cleanup_locks_only or options.cleanup_failed_only
    if options.cleanup_locks_only + options.cleanup_failed_only + options.cleanup_keep_locks > 1:
        raise click.UsageError("--locks-only, --failed-only and --keep-locks exclude each other")
    with reading(options) as jugspace:
        if not force:
            _refuse_others(jugspace, options)
            if not only:
                _refuse_unknown(jugspace, options)
        litter = _find(jugspace, options)
        sizes = sum(jugspace.store.sizes(litter.results))
        if not dry_run:
            litter.remove(jugspace.store)
    if as_json:
        click.echo(json.dumps(litter.as_data(sizes, removed=not dry_run), indent=2))
        return
    word = "Would remove" if dry_run else "Removed"
    click.echo(f"{word} {len(litter.results)} results ({size(sizes)})")
    click.echo(f"{word} {len(litter.failures)} failures")
    click.echo(f"{word} {len(litter.locks)} locks")


@dataclass
class _Litter:
    """What is to be removed."""

    results: list[bytes]
    failures: list[bytes]
    locks: list[bytes]

    def remove(self, store: BaseStore) -> None:
        store.discard([*self.results, *self.failures])
        store.break_leases(self.locks)
        store.tidy()

    def as_data(self, sizes: int, removed: bool) -> dict[str, object]:
        lists = {kind: [d.hex() for d in digests] for kind, digests in asdict(self).items()}
        return {**lists, "bytes": sizes, "removed": removed}


def _find(jugspace: Jugspace, options: Options) -> _Litter:
    store = jugspace.store
    store.poll()
    failures, locks = sorted(store.failures()), sorted(store.holders())
    if options.cleanup_locks_only:
        return _Litter([], [], locks)
    if options.cleanup_failed_only:
        return _Litter([], failures, [])
    used = {task.digest for task in jugspace.tasks}
    return _Litter(
        [digest for digest in store.digests() if digest not in used],
        [digest for digest in failures if digest not in used],
        [] if options.cleanup_keep_locks else [lock for lock in locks if lock not in used],
    )


def _refuse_others(jugspace: Jugspace, options: Options) -> None:
    """Refuse where another project may keep its results in the same place."""
    if getattr(jugspace.store, "has_default_prefix", False) and options.prefix is None:
        raise click.ClickException(
            f"{jugspace.store.url} keeps results under a prefix that is only the jugfile's name, "
            "which another project may have too: give a ?prefix= in the URL, or --force"
        )


def _refuse_unknown(jugspace: Jugspace, options: Options) -> None:
    """Refuse where it is not known yet what the jugfile uses."""
    if jugspace.barrier_tasks:
        raise click.ClickException(
            f"the jugfile {options.jugfile!r} stops at a barrier, so what it uses beyond is not "
            "known: run `jug execute` first, or remove it all by --force"
        )
