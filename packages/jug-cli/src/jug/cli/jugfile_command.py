"""Commands on a jugfile: their common options, and options from everywhere.

    @jugfile_command(epilog=...)
    @click.option(...)
    def command(options: Options, ...) -> None:
        with reading(options) as jugspace:
            ...

A click parameter that is called like an option of `jug.options` is one: given on
the command line it is stronger than what files, environment and the jugfile say.
All others are arguments of the function.

Options may stand before and after the jugfile.  What jug does not know, and all
behind ``--``, goes to the jugfile; `jug.cli.unknown_options` has what must hold then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from jug.cli.unknown_options import JugfileCommand, heed_unknown_options, warn_of_further_jugfile
from jug.messages import set_level
from jug.options import KEYS, LEVELS, Options, configured, default_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["always", "as_json", "complete_path", "jugfile_command", "task_argument"]


def complete_path(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Let the shell complete the name of a file or folder."""
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


def _no_jugfile(context: click.Context, parameter: click.Parameter, task: str) -> str:
    if task.endswith(".py") and not context.resilient_parsing:
        raise click.UsageError(f"say which task: {context.command_path} TASK {task}", ctx=context)
    return task


task_argument: Final = click.argument("task", metavar="TASK", callback=_no_jugfile)

_NAMES: Final = {key.python_name for key in KEYS}


Parameters = Mapping[str, Any]


def always(parameters: Parameters) -> bool:
    """Return that a command changes what is there, whatever its parameters are."""
    return True


def never(parameters: Parameters) -> bool:
    """Return that a command removes nothing, whatever its parameters are."""
    return False


def jugfile_command(
    epilog: str | None = None,
    changes: Callable[[Parameters], bool] = never,
    cls: type[JugfileCommand] = JugfileCommand,
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command that works on a jugfile out of a function of its `Options`.

    It is called as the function is, says of itself what the docstring says and the `epilog`,
    and gets jug's common options besides those of its own.  One that, with its parameters,
    `changes` what is there refuses options that it does not know.
    """

    def make(function: Callable[..., None]) -> click.Command:
        @click.pass_context
        def run(context: click.Context, /, **parameters: Any) -> None:
            with default_options.restored():
                heed_unknown_options(context, parameters["jugfile"], changes(parameters))
                warn_of_further_jugfile(context, parameters["jugfile"])
                options = _gather(context, parameters)
                function(options, **parameters)

        command = click.command(
            name=function.__name__.replace("_", "-"),
            cls=cls,
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
    if jugfile is not None and arguments:
        _heed_order(context, jugfile, arguments[0])
    options = Options({"arguments": arguments}, configured())
    if jugfile is not None:
        options.set("jugfile", jugfile, "JUGFILE")
    for param in context.command.params:
        name = param.name or ""
        if name in _NAMES and name in parameters:
            given = parameters.pop(name)
            if param.multiple and len(given) == 1:
                (given,) = given
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                options.set(name, given, param.opts[0])
    set_level(options.verbose)
    return options


def _heed_order(context: click.Context, jugfile: str, argument: str) -> None:
    """Refuse a name of tasks that stands where the jugfile should, before the jugfile."""
    chooses = any("--name" in param.opts for param in context.command.params)
    if not chooses or not argument.endswith(".py") or not os.path.exists(argument):
        return
    if not (os.path.exists(jugfile) or os.path.exists(f"{jugfile}.py")):
        raise click.UsageError(
            f"there is no jugfile {jugfile!r}: is {argument!r} meant? "
            f"tasks are chosen by --name {jugfile!r}",
            ctx=context,
        )
