"""What every command does first: options from everywhere, the store, the jugfile.

    @jugfile_command(epilog=...)
    @click.option(...)
    def command(options: Options, ...) -> None:
        with reading(options) as jugspace:
            ...

A click parameter that is called like an option of `jug.options` is one: given on
the command line it is stronger than what files, environment and the jugfile say.
All others are arguments of the function.

Options may stand before and after the jugfile.  What jug does not know itself,
and all behind ``--``, is the jugfile's own.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from jug.options import KEYS, LEVELS, Options, configure, default_options, read_configuration

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from jug.execution import Job
    from jug.jugfile import Jugspace
    from jug.worker import Settings

__all__ = [
    "as_json",
    "complete_path",
    "job_of",
    "jugfile_command",
    "reading",
    "tell_of_barrier",
    "traceless",
]


def complete_path(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Have the shell complete the name of a file or folder."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


_COMMON: Final = (
    click.option(
        "--jugdir", metavar="DIR|URL", help="Where results are kept.", shell_complete=complete_path
    ),
    click.option(
        "--verbose",
        type=click.Choice(LEVELS, case_sensitive=False),
        help="How much to tell; info names each task that is begun.",
    ),
    click.option("--short", is_flag=True, help="Print less."),
    click.option("--debug", is_flag=True, help="Check that no task changes its arguments."),
    click.option("--pdb", is_flag=True, help="Debug a task that fails; implies --debug."),
    click.option("--aggressive-unload", is_flag=True, help="Keep no results in memory."),
    click.option("--will-cite", is_flag=True, help="Accepted, and without effect."),
    click.argument(
        "jugfile",
        nargs=-1,
        type=click.UNPROCESSED,
        metavar="[JUGFILE [ARGUMENT]...]",
        shell_complete=complete_path,
    ),
)

as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_NAMES: Final = {key.python_name for key in KEYS}


def jugfile_command(epilog: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command that works on a jugfile out of a function of its `Options`."""

    def make(function: Callable[..., None]) -> click.Command:
        @click.pass_context
        def run(context: click.Context, /, **parameters: Any) -> None:
            with default_options.restored():
                options = _gather(context, parameters)
                function(options, **parameters)

        command = click.command(
            help=function.__doc__,
            epilog=epilog,
            context_settings={"ignore_unknown_options": True},
        )(_with_common(run))
        own: list[click.Parameter] = getattr(function, "__click_params__", [])
        command.params[:0] = reversed(own)
        return command

    return make


def _with_common(function: Callable[..., None]) -> Callable[..., None]:
    for add in reversed(_COMMON):
        function = add(function)
    return function


def _gather(context: click.Context, parameters: dict[str, Any]) -> Options:
    """Return the options of this run; those that are parameters are taken from there."""
    jugfile, *arguments = parameters.pop("jugfile") or [None]
    _refuse_unknown_option(jugfile, context)
    configure(read_configuration())
    options = Options({"arguments": arguments}, default_options)
    if jugfile is not None:
        options.set("jugfile", jugfile, "JUGFILE")
    for param in context.command.params:
        name = param.name or ""
        if name in _NAMES and name in parameters:
            given = parameters.pop(name)
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                options.set(name, given, param.opts[0])
    _set_up_log(options.verbose)
    return options


def _refuse_unknown_option(jugfile: str | None, context: click.Context) -> None:
    if jugfile is not None and jugfile.startswith("-"):
        known = [name for param in context.command.params for name in param.opts]
        raise click.NoSuchOption(jugfile, possibilities=known, ctx=context)


def _set_up_log(level: str) -> None:
    """Have what jug's modules tell go to the standard error of this moment."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("jug: %(message)s"))
    log = logging.getLogger("jug")
    log.handlers[:] = [handler]
    log.setLevel(level.upper())


def job_of(options: Options, settings: Callable[[], Settings] | None = None) -> Job:
    """Return the `Job` that the options ask for."""
    from jug.execution import Job
    from jug.jugfile import Jugfile, jugdir_of

    path = str(Jugfile(options.jugfile).path)
    jugdir = jugdir_of(path, options.jugdir)
    job = Job(path, options.arguments, jugdir, store_options=_store_options(options, path, jugdir))
    if settings is not None:
        job.settings = settings
    return job


def _store_options(options: Options, jugfile: str, jugdir: str) -> dict[str, Any]:
    """Return the options that the store of this URL takes."""
    scheme = jugdir.partition(":")[0]
    found: dict[str, Any] = {}
    if options.lease_seconds is not None and scheme != "dict_store":
        found["lease_seconds"] = options.lease_seconds
    if scheme.partition("+")[0] in ("redis", "rediss", "unix"):
        found["prefix"] = options.prefix or Path(jugfile).stem
    return found


@contextmanager
def reading(options: Options) -> Iterator[Jugspace]:
    """Read the jugfile, and give what it made."""
    job = job_of(options)
    with traceless(job.jugfile):
        _, jugspace = job.begin()
        yield jugspace


@contextmanager
def traceless(jugfile: str) -> Iterator[None]:
    """Close the store in use at the end, and leave nothing of the jugfile in this process.

    The process may be a program of the user's that called `jug.jug.main`.
    """
    from jug._task import alltasks
    from jug.backends.current import use_store
    from jug.jugfile import say_that_jug_runs

    arguments, path, outer = sys.argv, sys.path[:], use_store(None)
    alltasks.clear()
    try:
        yield
    finally:
        sys.modules.pop(Path(jugfile).stem, None)
        sys.argv, sys.path[:] = arguments, path
        say_that_jug_runs(False)
        store = use_store(outer)
        if store is not None:
            store.close()


def tell_of_barrier(jugspace: Jugspace) -> None:
    """Say so if the jugfile was read to a barrier only."""
    if jugspace.awaited:
        click.echo("The jugfile stops at a barrier: there may be more tasks beyond it.", err=True)
