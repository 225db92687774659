"""`jug check`: whether all is done, or would be found again, as an exit status."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from jug.cli import DONE, FAILED
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import is_all_done, job_of, reading, tell_of_barrier
from jug.cli.strict import refusal, strict_option
from jug.options import Options
from jug.wording import an, counted

if TYPE_CHECKING:
    from jug.code import Comparison
    from jug.jugfile import Jugspace


@jugfile_command(
    epilog="""\b
Examples:
  jug check primes.py && echo done
  jug check --verify primes.py
  jug check --verify --remove-damaged primes.py && jug execute primes.py
  jug check --hashes primes.py
  jug check --strict-code primes.py && echo done, by the code of today

\b
Exit status: 0 if all tasks are done (with --verify, and no result is damaged;
with --hashes, if no hash differs; with --strict-code, and no result came from
older code), 1 if not, 2 for wrong usage.""",
    changes=itemgetter("remove_damaged"),
)
@click.option("--verify", is_flag=True, help="Read every result and verify its checksum.")
@click.option(
    "--remove-damaged", is_flag=True,
    help="With --verify, remove what is damaged, so that it is computed again.",
)  # fmt: skip
@click.option(
    "--hashes", is_flag=True,
    help="Read JUGFILE in two new processes, and name the arguments whose hashes differ.",
)  # fmt: skip
@strict_option
@as_json
@click.pass_context
def command(
    context: click.Context, options: Options,
    verify: bool, remove_damaged: bool, hashes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Exit with 0 if all tasks of JUGFILE are done, else with 1.

    With --verify also every byte of every result is read and compared with its
    checksum.  With --strict-code it is an error if one came from older code.
    Nothing is printed but what is damaged or stale.

    With --hashes it is looked instead whether results would be found again: an
    argument whose hash is another one in each process has its task run each time.
    """
    from jug.status import look

    if remove_damaged and not verify:
        raise click.UsageError("--remove-damaged needs --verify, which finds what is damaged")
    if hashes and verify:
        raise click.UsageError("--hashes and --verify are two commands: give one of them")
    if hashes:
        context.exit(FAILED if _report_hashes(options, as_json) else DONE)
    with reading(options, is_patient=remove_damaged) as jugspace:
        complete = is_all_done(look(jugspace.store, jugspace.tasks), jugspace)
        damaged = _find_damaged(jugspace) if verify else []
        stale = _find_stale(jugspace) if options.strict_code else None
        if remove_damaged:
            for found in damaged:
                jugspace.store.discard_frame(found.digest, found.frame)
    if as_json:
        click.echo(json.dumps(_as_data(complete, damaged, stale), indent=2))
    else:
        _report(damaged, remove_damaged)
    if is_refused := stale is not None and stale.has_stale:
        _refuse(stale)
    context.exit(DONE if complete and not damaged and not is_refused else FAILED)


def _find_stale(jugspace: Jugspace) -> Comparison:
    from jug.code import find_stale

    return find_stale(jugspace.tasks, jugspace.store)


def _refuse(stale: Comparison) -> None:
    from jug.code.wording import told_of_stale

    click.echo(f"jug: {refusal(told_of_stale(stale))}", err=True)


def _report_hashes(options: Options, as_json: bool) -> bool:
    """Print which parts of tasks have another hash in each process; return whether any has."""
    from jug.execution.readings import compare_readings

    found, at_barrier = compare_readings(job_of(options, only_looks=True))
    if at_barrier:
        tell_of_barrier()
    if as_json:
        click.echo(json.dumps([part._asdict() for part in found], indent=2))
        return bool(found)
    for task, place, kind, count in found:
        what = f"{place}, {an(kind)}, has another hash" if kind else f"{place} differs"
        click.echo(f"{counted(count, 'task')} {task}: {what} in each process")
    if found:
        click.echo("pass what it is made from, such as a seed, or let its class have __jug_hash__")
    return bool(found)


class _Damaged(NamedTuple):
    name: str
    digest: bytes
    why: str
    frame: Any
    """Which frame is damaged: another worker may save a sound one meanwhile."""


def _find_damaged(jugspace: Jugspace) -> list[_Damaged]:
    from jug import codec
    from jug.errors import DamagedResult, ResultNotFound

    store, damaged = jugspace.store, []
    for task in {task.digest: task for task in jugspace.tasks}.values():
        if store.has(task.digest):
            try:
                store.use(task.digest, codec.verify)
            except DamagedResult as error:
                damaged.append(_Damaged(task.name, task.digest, str(error), error.frame))
            except ResultNotFound:
                continue  # removed meanwhile
    return damaged


def _as_data(complete: bool, damaged: list[_Damaged], stale: Comparison | None) -> dict[str, Any]:
    return {
        "complete": complete,
        "damaged": [
            {"name": found.name, "hash": found.digest.hex(), "why": found.why} for found in damaged
        ],
        **({} if stale is None else {"stale": stale.stale_counts}),
    }


def _report(damaged: list[_Damaged], removed: bool) -> None:
    for found in damaged:
        click.echo(f"the result of {found.name} ({found.digest.hex()}) is damaged: {found.why}")
    if damaged and removed:
        click.echo(
            f"removed {counted(len(damaged), 'result')}, to be computed again by `jug execute`"
        )
    elif damaged:
        click.echo("`jug check --verify --remove-damaged` removes them, to be computed again")
