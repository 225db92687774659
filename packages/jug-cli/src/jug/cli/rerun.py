"""`jug rerun`: one task again, in this process."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from jug.backends.base import Outcome
from jug.cli import DONE, FAILED
from jug.cli.jugfile_command import jugfile_command, task_argument
from jug.cli.lookup import find_task
from jug.cli.reading import reading, warn_of_barrier
from jug.errors import LockError, TaskError
from jug.options import Options
from jug.wording import counted, duration

if TYPE_CHECKING:
    from jug.backends.base import Frame, Lease
    from jug.task import Task
    from jug.task.graph import Graph

_SHOWN: Final = 5


@jugfile_command(
    epilog="""\b
Examples:
  jug rerun 'is_prime(7)' primes.py
  jug rerun --pdb 'inverse(0)' inverses.py    look around where it fails
  jug rerun --profile count_primes primes.py
  jug rerun --save 'is_prime(7)' primes.py

\b
Exit status: 0; 1 if the task fails, if something that it needs is not done or
can't be had, or if the jugfile can't be read; 2 for wrong usage, also if no
task or several are meant; 130 if interrupted.""",
)
@task_argument
@click.option(
    "--save", is_flag=True,
    help="Save what becomes of it, in place of the result that there may be.",
)  # fmt: skip
@click.option(
    "--profile", is_flag=True,
    help="Print where its time went: by pyinstrument if that is installed, else by cProfile.",
)  # fmt: skip
@click.pass_context
def command(context: click.Context, options: Options, task: str, save: bool, profile: bool) -> None:
    """Run TASK again in this very process, with the stored results that it needs.

    Its value is shown in short, or the traceback of its failure.  Nothing is saved and
    nobody else hears of it, unless --save is given.  It has one attempt, and no time limit.
    """
    from jug.task.graph import Graph

    with reading(options, to_run=True) as jugspace:
        warn_of_barrier(jugspace)
        graph = Graph(jugspace.tasks)
        found = find_task(jugspace, task, graph)
        _require_inputs(found)
        lease = _take(found) if save else None  # given back as the store is closed
        run = _run(found, options, profile)
        _tell(run)
        if save:
            click.echo(_save(run, lease))
            _warn_of_dependants(run, graph)
        if options.pdb and run.error is not None:
            _debug(run.error)
    context.exit(DONE if run.error is None else FAILED)


@dataclass
class _Run:
    """One run, and what became of it."""

    task: Task[Any]
    frame: Frame
    value: Any = None
    error: BaseException | None = None
    stored: bool | None = None
    """Whether the stored result is the same, None if there is none."""
    is_replaced: bool = False
    """Whether another result was there, which it has replaced."""


def _require_inputs(task: Task[Any]) -> None:
    """Refuse a task of which something that it needs is not done; name that."""
    from jug.task.short_form import call_form, call_forms

    needed = {one.digest: one for one in task.dependencies()}
    missing = call_forms([one for one in needed.values() if not one.can_load()])
    if missing:
        raise TaskError(
            f"{call_form(task)} can't run, as {_enumerated(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not done: `jug why` says why, "
            "`jug execute` runs them",
            task=task,
        )
    for one in needed.values():
        _require_sound(one)


def _require_sound(task: Task[Any]) -> None:
    """Refuse a damaged result, which a worker that met it would remove."""
    from jug.errors import DamagedResult
    from jug.task.short_form import call_form
    from jug.views.results import read_value

    try:
        read_value(task)
    except DamagedResult as error:
        raise TaskError(
            f"{call_form(task)} is needed, but {error}: `jug rerun --save` makes it anew",
            task=task,
        ) from None


def _run(task: Task[Any], options: Options, profile: bool) -> _Run:
    from jug.cli.profiling import profiled
    from jug.code import remember
    from jug.task.attempt import attempt, failed_attempt, load_arguments

    remember()
    arguments = load_arguments(task)
    start = time.time()
    try:
        with profiled() if profile else nullcontext():
            frame, value = attempt(task, arguments, options.debug or options.pdb, number=1)
    except (Exception, SystemExit) as error:
        return _Run(task, failed_attempt(task, error, start, number=1), error=error)
    return _Run(task, frame, value, stored=_is_stored(task, frame))


def _is_stored(task: Task[Any], frame: Frame) -> bool | None:
    """Return whether the stored result has the same bytes, None if there is none."""
    if not task.can_load():
        return None
    stored, begin = memoryview(task.store.read(task.digest)), 0
    for piece in frame.payload:
        end = begin + len(piece)
        if bytes(stored[begin:end]) != bytes(piece):
            return False
        begin = end
    return begin == len(stored)


def _tell(run: _Run) -> None:
    """Print the value in short, or how it failed."""
    from jug.records import unpack
    from jug.task.short_form import call_form, short_form
    from jug.tracebacks import describe_exception, own_traceback

    call, took = call_form(run.task), duration(unpack(run.frame.record).duration)
    if run.error is not None:
        click.echo(own_traceback(run.error), err=True, nl=False)
        click.echo(f"{call} failed after {took}: {describe_exception(run.error)}", err=True)
        return
    click.echo(f"{call} returned {short_form((run.value,), {})} after {took}")
    if run.stored is not None:
        click.echo(f"The stored result is {'the same' if run.stored else 'another one'}.")


def _debug(error: BaseException) -> None:
    import pdb

    pdb.post_mortem(error.__traceback__)


# Saving


def _take(task: Task[Any]) -> Lease | None:
    """Take a task without a result, so that nobody else runs it; refuse one that somebody runs."""
    from jug.backends.heartbeat import start_heartbeat
    from jug.task.short_form import call_form
    from jug.workers import held_by, holder_of

    store = task.store
    lease = None if task.can_load() else store.acquire([task.digest])
    if lease is not None:
        start_heartbeat(store)
    elif not task.can_load():
        holder = holder_of(store, task.digest)
        who = held_by(holder, task.digest) if holder else "another worker"
        raise LockError(
            f"{call_form(task)} is being run by {who}: wait for that, or leave out --save",
            task=task,
        )
    return lease


def _save(run: _Run, lease: Lease | None) -> str:
    """Save what became of a run; return what to say of it."""
    from jug.code import code_of, keep

    keep(run.task.store, [code_of(run.task)])
    if lease is not None:
        outcome = _commit(run, lease)
        if outcome is Outcome.SAVED and run.error is not None:
            return "Saved that it failed."
        return _SAID[outcome]
    if run.error is not None:
        return "Not saved: the result that is there counts more than a failure."
    if run.stored:
        return "Not saved, as there is no need."
    store, digest = run.task.store, run.task.digest
    run.is_replaced = run.stored is not None
    store.discard([digest])
    return _SAID[Outcome.SAVED if store.put(run.frame) else Outcome.DUPLICATE]


def _commit(run: _Run, lease: Lease) -> Outcome:
    store = run.task.store
    inputs = [one.digest for one in run.task.dependencies() if one.store is store]
    return store.commit(lease, run.frame, inputs)


_SAID: Final = {
    Outcome.SAVED: "Saved.",
    Outcome.DUPLICATE: "Not saved: another worker has saved a result meanwhile.",
    Outcome.STALE: "Not saved: what it was made from was removed meanwhile.",
}


def _warn_of_dependants(run: _Run, graph: Graph) -> None:
    """Warn of results that were made from one that is not there any more."""
    if not run.is_replaced:
        return
    number = graph.numbers[run.task.digest]
    dependants = (graph.tasks[one] for one in graph.with_dependants([number]) if one != number)
    names = Counter(task.name for task in dependants if task.can_load())
    if names:
        made = [f"{name} ({count})" for name, count in sorted(names.items())]
        click.echo(
            f"jug: {counted(names.total(), 'result')} made from the one before "
            f"{'stays' if names.total() == 1 else 'stay'}, of {_enumerated(made)}: "
            "`jug invalidate --name` removes those of a name",
            err=True,
        )


def _enumerated(texts: list[str]) -> str:
    from jug.views.explanation import enumerated

    return enumerated(texts, _SHOWN)
