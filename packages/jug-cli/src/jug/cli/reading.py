"""Reading the jugfile of a command, with the store that its options name."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, Final

import click

from jug.options import Options

if TYPE_CHECKING:
    from jug.execution.job import Job
    from jug.execution.settings import Settings
    from jug.jugfile import Jugspace
    from jug.status import Status

__all__ = [
    "is_all_done", "job_of", "options_of_store", "reading", "tell_of_barrier", "traceless",
    "warn_of_barrier",
]  # fmt: skip

_LITTLE_PATIENCE: Final = 10.0
"""Seconds for which a command that only looks waits for a server that is away."""

_PATIENCE_VARIABLE: Final = "JUG_REDIS_PATIENCE"


def job_of(
    options: Options, settings: Callable[[], Settings] | None = None, only_looks: bool = False
) -> Job:
    """Return the `Job` that the options ask for; who `only_looks` has little patience."""
    from jug.execution.job import Job
    from jug.jugfile import Jugfile, jugdir_of

    path = Jugfile(options.jugfile).path
    jugdir = jugdir_of(path, options.jugdir)
    for_store = options_of_store(options, path, jugdir, only_looks)
    job = Job(path, options.arguments, jugdir, store_options=for_store)
    if settings is not None:
        job.read_settings = settings
    return job


def options_of_store(
    options: Options, jugfile: str, jugdir: str, only_looks: bool
) -> dict[str, Any]:
    """Return with which options the store of a jugfile is opened."""
    from jug.jugfile import store_options

    is_hasty = only_looks and not os.environ.get(_PATIENCE_VARIABLE)
    patience = _LITTLE_PATIENCE if is_hasty else None
    about = options.lease_seconds, options.prefix, options.runs_kept, patience
    return store_options(jugfile, jugdir, *about)


@contextmanager
def reading(options: Options, to_run: bool = False, is_patient: bool = False) -> Iterator[Jugspace]:
    """Read the jugfile, and yield its `Jugspace`.

    What the jugfile prints goes to the standard error where the command prints JSON.
    A jugdir of the command line that is not there is told: commands that look make none.
    `to_run` says that tasks may be run in this process, or by workers that are forked from it.
    Who changes something or goes on for long `is_patient`: a server that is away is waited
    for as workers do, while others soon say that it does not answer.
    """
    job = job_of(options, only_looks=not (to_run or is_patient))
    context = click.get_current_context(silent=True)
    is_data = context is not None and context.params.get("as_json")
    with traceless(job.jugfile):
        with redirect_stdout(sys.stderr) if is_data else nullcontext():
            _, jugspace = job.begin(to_run)
        if "jugdir" in options.given():
            _warn_if_missing(jugspace.store.url)
        yield jugspace


def _warn_if_missing(url: str) -> None:
    """Warn of a jugdir that is not there, as the command line has perhaps misspelt it."""
    scheme, _, path = url.partition(":")
    if scheme != "file" or os.path.exists(path):
        return
    from difflib import get_close_matches  # it is slow to import

    folder, name = os.path.split(path)
    beside = os.scandir(folder) if os.path.isdir(folder) else ()
    near = get_close_matches(name, [entry.name for entry in beside if entry.is_dir()], n=1)
    advice = f"is {near[0]!r} meant?" if near else "nothing was run there yet"
    click.echo(f"There is no jugdir {os.path.relpath(path)!r}: {advice}", err=True)


@contextmanager
def traceless(jugfile: str) -> Iterator[None]:
    """Close the store in use at the end, and leave nothing of the jugfile in this process.

    The process may be a program of the user's that called `jug.jug.main`.
    """
    from jug.jugfile import module_name
    from jug.session import set_running, use_store
    from jug.task import alltasks

    arguments, path, outer = sys.argv, sys.path[:], use_store(None)
    folder = os.getcwd()
    alltasks.clear()
    try:
        yield
    finally:
        sys.modules.pop(module_name(jugfile), None)
        sys.argv, sys.path[:] = arguments, path
        with suppress(OSError):  # it was removed, or may not be entered any more
            os.chdir(folder)
        set_running(False)
        store = use_store(outer)
        if store is not None:
            store.close()


def is_all_done(status: Status, jugspace: Jugspace) -> bool:
    """Return whether every task is done and the jugfile was read to its end."""
    return status.is_complete() and not jugspace.barrier_tasks


def warn_of_barrier(jugspace: Jugspace) -> None:
    """Warn if the jugfile was read only up to a barrier."""
    if jugspace.barrier_tasks:
        tell_of_barrier()


def tell_of_barrier(why: str = "") -> None:
    """Say that the jugfile was read only up to a barrier."""
    click.echo(f"The jugfile stops at a barrier{why}: there may be more tasks beyond it.", err=True)
