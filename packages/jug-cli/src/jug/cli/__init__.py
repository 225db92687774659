"""The `jug` command.

Each command is a module of this package and is imported when it is asked for; it
holds a click command called `command`.  Commands that other distributions bring
are entry points of the group ``jug.commands``; the user's own come from
``~/.config/jug/jug_user_commands.py``.  Where names clash, jug's own win.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

try:
    from jug._siblings import resolve
except ModuleNotFoundError:  # and so nothing of it is there
    raise ImportError(
        "jug-core is not installed, and nothing of jug works without it: pip install jug-core"
    ) from None
from jug.collector import importing
from jug.errors import JugError, OptionError
from jug.messages import telling_by_itself

with importing():
    import click

    from jug.cli.ending import end_without_teardown
    from jug.cli.help_option import NAMES, HelpfulCommand
    from jug.cli.output import written_output

__all__ = ["DONE", "FAILED", "INTERRUPTED", "UNFINISHED", "USAGE", "main", "main_execute"]

DONE: Final = 0
"""What was asked for is done."""
FAILED: Final = 1
"""Something failed, or, for `status`, `check` and `sleep-until`, not all tasks are done."""
USAGE: Final = 2
"""The command line or the configuration is wrong."""
UNFINISHED: Final = 3
"""`execute` stopped with work left that has not failed."""
INTERRUPTED: Final = 130
"""Stopped by Ctrl-C or a signal."""

OWN_COMMANDS: Final = {
    "execute": "Run the tasks.",
    "status": "Show how far the tasks are.",
    "failures": "Show what failed, grouped by exception and place.",
    "log": "List the runs of tasks, in order.",
    "show": "Show all about one task: its state and why, its result, its runs.",
    "workers": "List the workers: who lives, where, on what, and when each was heard of last.",
    "timings": "Show how long tasks took, and what more workers could gain.",
    "shell": "Look at results in an interactive Python.",
    "check": "Tell by the exit status whether all tasks are done.",
    "count": "Count the tasks.",
    "why": "Say why a task would run.",
    "stale": "Show which results came from older code, and what has changed since.",
    "rerun": "Run one task again, to look at it.",
    "sleep-until": "Wait until all tasks are done.",
    "invalidate": "Remove results, and all that was made from them.",
    "accept": "Keep results of older code, as a change does not matter.",
    "cleanup": "Remove results and locks that the jugfile does not use.",
    "pack": "Merge the files that workers left behind.",
    "copy": "Copy results from one store to another.",
    "graph": "Draw which task needs which.",
    "report": "Write one page that tells the whole run.",
    "webstatus": "Show that page in a browser, live.",
    "demo": "Make a small jugfile to play with.",
    "completion": "Print the script that completes jug's commands in a shell.",
}
"""What each of jug's own commands is for, so that listing them imports none."""

FORMER_COMMANDS: Final = {
    "test-jug": "jug's tests are run in its repository",
    "install-skills": "jug brings no skills",
}
"""Commands of jug 2.x that are gone, and what to use in their place."""

OTHER_WORDS: Final = {
    "run": "execute",
    "start": "execute",
    "retry": "execute",
    "ls": "status",
    "list": "status",
    "progress": "status",
    "errors": "failures",
    "clear": "invalidate",
    "delete": "invalidate",
    "remove": "invalidate",
    "reset": "invalidate",
    "value": "show",
    "result": "show",
    "wait": "sleep-until",
}
"""What people type who know other tools, and the command that does it."""

COMMANDS_OF_OTHERS: Final = {"adopt": "jug-adopt", "jobs": "jug-batch", "submit": "jug-batch"}
"""Commands that jug's other distributions bring, to say which one is not installed."""


class _Jug(HelpfulCommand, click.Group):
    """The commands, found by name when they are needed, and the errors that jug names."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command line to the end of its output."""
        if os.getpid() == 1:
            from jug.cli.first_process import end_as_others_do

            end_as_others_do()
        try:
            with written_output():
                return super().main(*args, **extra)
        except SystemExit as end:
            end_without_teardown(end)
            raise

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say where the options of a command belong."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.NoSuchOption(
                error.option_name,
                f"No such option: {error.option_name} (those of a command stand behind its name).",
                possibilities=error.possibilities,
                ctx=ctx,
            ) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return jug's own commands in the order of use, then all others."""
        from jug.cli.installed_commands import find_installed_commands

        others = {*find_installed_commands(), *_user_commands()} - {*OWN_COMMANDS}
        return [*OWN_COMMANDS, *sorted(others)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, None if there is none."""
        if cmd_name in OWN_COMMANDS:
            with importing():
                module = import_module(f"jug.cli.{cmd_name.replace('-', '_')}")
            command: click.Command = module.command
            command.short_help = OWN_COMMANDS[cmd_name]
            return command
        from jug.cli.installed_commands import find_installed_commands, load

        entry = find_installed_commands().get(cmd_name)
        return load(entry) if entry is not None else _user_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names, or say which one may be meant."""
        word = args[0]
        if ctx.resilient_parsing or word.startswith("-") or self.get_command(ctx, word):
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"there is no command {word!r}: {self._advice(ctx, word)}", ctx=ctx)

    def _advice(self, ctx: click.Context, word: str) -> str:
        if word in FORMER_COMMANDS:
            return f"it is gone since jug 2.x, and {FORMER_COMMANDS[word]}"
        if word in COMMANDS_OF_OTHERS:
            owner = COMMANDS_OF_OTHERS[word]
            return f"it comes with {owner}, which is not installed: pip install {owner}"
        if word.endswith(".py"):
            return f"say what to do with the jugfile, such as `jug execute {word}`"
        if word in OTHER_WORDS:
            return f"is {OTHER_WORDS[word]!r} meant?"
        if any(f"--{word}" in param.opts for param in self.get_params(ctx)):
            return f"is '--{word}' meant?"
        from difflib import get_close_matches

        meant = get_close_matches(word, self.list_commands(ctx), n=1)
        return f"is {meant[0]!r} meant?" if meant else "`jug --help` lists them"

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command is for, into jug's help, and tell of clashes of names."""
        from jug.cli.installed_commands import clashes

        for clash in clashes(OWN_COMMANDS):
            click.echo(f"jug: {clash}", err=True)
        rows = [*OWN_COMMANDS.items()]
        for name in self.list_commands(ctx)[len(rows) :]:
            command = self.get_command(ctx, name)
            assert command is not None  # it was listed just now
            if not command.hidden:
                rows.append((name, command.get_short_help_str(formatter.width)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what jug itself can name becomes one message."""
        try:
            _require_working_directory()
            with telling_by_itself():
                return super().invoke(ctx)
        except OptionError as error:
            raise click.UsageError(str(error)) from error
        except JugError as error:
            # Set where the cause is code of the user's: what it raised, and where.
            click.echo(getattr(error, "traceback", ""), err=True, nl=False)
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("jug: interrupted", err=True)
            ctx.exit(INTERRUPTED)


def _require_working_directory() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise click.ClickException(
            f"the working directory can't be used ({error.strerror}): "
            "change to a folder that is there"
        ) from None


def _user_commands() -> dict[str, click.Command]:
    from jug.cli.user_commands import find_user_commands

    return find_user_commands()


def _print_completion(ctx: click.Context, param: click.Parameter, shell: str | None) -> None:
    if shell is None or ctx.resilient_parsing:
        return
    from jug.cli.completion import script

    click.echo(script(ctx, shell))
    ctx.exit(DONE)


def _print_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    click.echo(f"jug {resolve('__version__')}")
    for part in ("core", "file", "redis", "mapreduce", "cli", "adopt", "batch"):
        with suppress(PackageNotFoundError):  # only some of them may be installed
            click.echo(f"jug-{part} {version(f'jug-{part}')}")
    ctx.exit(DONE)


@click.group(
    cls=_Jug,
    context_settings={"help_option_names": [*NAMES], "max_content_width": 100},
    epilog="""\b
Examples:
  jug demo                      make a first jugfile
  jug execute -j 4 primes.py    run its tasks by four workers
  jug status primes.py          see how far they are
  jug COMMAND --help            read about a command""",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the versions and exit.",
)
@click.option(
    "--print-completion",
    is_eager=True,
    expose_value=False,
    callback=_print_completion,
    hidden=True,
)
def main() -> None:
    """Run plain Python functions as tasks, in parallel and only once."""


def main_execute() -> None:
    """Run `jug execute`, for those who are used to the name `jug-execute`."""
    main(["execute", *sys.argv[1:]], prog_name="jug")
