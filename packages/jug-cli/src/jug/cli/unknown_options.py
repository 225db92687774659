"""Words behind the jugfile's name that look like options, and are none of the command's.

They are the jugfile's, which finds them in `sys.argv`.  But one may be an option of
jug's that is misspelt or shortened, or that another command has.  A command that
removes something must not guess, so it takes such words only behind ``--``; others
warn where a word is like one of jug's options.  Where ``--`` is for something else,
as in `jug submit`, a command says so by a class of its own.

Who names a second jugfile gets a warning as well, as that is an argument of the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Final, NoReturn, cast

import click

from jug.cli.help_option import HelpfulCommand

__all__ = ["JugfileCommand", "heed_unknown_options", "warn_of_further_jugfile"]

_BEHIND_DASHES: Final = "jug.cli.behind_dashes"
_SHORTEST: Final = 3
_LIKE: Final = 0.75

_OTHER_WORDS: Final = {"--workers": "--jobs", "--processes": "--jobs", "--threads": "--jobs"}
"""What people type who know other tools, and the option that does it."""


class JugfileCommand(HelpfulCommand):
    """A command that leaves to the jugfile what it does not know, and all behind ``--``."""

    belongs: ClassVar[str] = "what is for the jugfile stands behind its name"
    """Where options belong that are none of jug's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note how many words stand behind ``--``, which is not among them any more then."""
        ctx.meta[_BEHIND_DASHES] = len(args) - args.index("--") - 1 if "--" in args else 0
        return super().parse_args(ctx, args)

    def doubt(self, context: click.Context, meant: str) -> str:
        """Return what to say of an option that goes to the jugfile, empty if nothing."""
        return "it goes to the jugfile; behind -- without a warning" if meant else ""


def heed_unknown_options(context: click.Context, words: Sequence[str], refuse: bool) -> None:
    """Heed what looks like an option among the jugfile and its arguments.

    Before the jugfile it is refused.  Behind it, it is refused if asked for, or warned of
    where it is like one of jug's.
    """
    words = words[: _before_dashes(context, words)]
    if words and words[0].startswith("-"):
        _refuse_before_jugfile(words[0], context)
    for word in filter(_looks_like_option, words):
        option = word.partition("=")[0]
        meant = _meant(option, context)
        complaint = f"{context.command_path} has no option {option}{meant and ': '}{meant}"
        if refuse:
            raise click.UsageError(
                f"{complaint} (what is for the jugfile stands behind --)", ctx=context
            )
        if doubt := _command_of(context).doubt(context, meant):
            click.echo(f"jug: {complaint} ({doubt})", err=True)


def warn_of_further_jugfile(context: click.Context, words: Sequence[str]) -> None:
    """Warn of the first argument of a jugfile that seems to be one more jugfile."""
    jugfile, *arguments = words[: _before_dashes(context, words)] or [""]
    further = (word for word in arguments if word.endswith(".py") and os.path.isfile(word))
    if found := next(further, ""):
        click.echo(
            f"jug: {found} is given to {jugfile} as an argument: one command takes one jugfile",
            err=True,
        )


def _command_of(context: click.Context) -> JugfileCommand:
    return cast("JugfileCommand", context.command)


def _refuse_before_jugfile(option: str, context: click.Context) -> NoReturn:
    """Say which option may be meant, and where those of the jugfile belong."""
    own = [*_long_options(context.command)]
    meant = _OTHER_WORDS.get(option.partition("=")[0])
    raise click.NoSuchOption(
        option,
        f"No such option: {option}{f': is {meant} meant?' if meant in own else ''} "
        f"({_command_of(context).belongs}).",
        possibilities=own,
        ctx=context,
    )


def _before_dashes(context: click.Context, arguments: Sequence[str]) -> int:
    behind: int = context.meta[_BEHIND_DASHES]
    return max(0, len(arguments) - behind)


def _looks_like_option(word: str) -> bool:
    return word.startswith("-") and word != "-" and not _is_number(word)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _meant(option: str, context: click.Context) -> str:
    """Return which option of jug's a word is like, empty if it is like none."""
    word = option.lstrip("-").lower()
    if not option.startswith("--") or len(word) < _SHORTEST:
        return ""
    own = [*_long_options(context.command)]
    others = _options_of_others(context)
    for choose in (_equal, _beginning_so, _alike):
        if found := choose(word, own):
            return f"is {found} meant?"
        if found := choose(word, others):
            return f"{others[found]} has {found}"
    return ""


def _equal(word: str, options: Iterable[str]) -> str:
    return next((option for option in options if option == f"--{word}"), "")


def _beginning_so(word: str, options: Iterable[str]) -> str:
    return next((option for option in options if option.startswith(f"--{word}")), "")


def _alike(word: str, options: Iterable[str]) -> str:
    from difflib import get_close_matches  # of few commands

    near = get_close_matches(word, [option.lstrip("-") for option in options], 1, _LIKE)
    return f"--{near[0]}" if near else ""


def _options_of_others(context: click.Context) -> dict[str, str]:
    """Return the options of jug's other commands, each with the command that has it."""
    from jug.cli import OWN_COMMANDS, main

    found: dict[str, str] = {}
    for name in OWN_COMMANDS:
        command = main.get_command(context, name)
        if command is not None and command is not context.command:
            found = {option: f"jug {name}" for option in _long_options(command)} | found
    return found


def _long_options(command: click.Command) -> Iterator[str]:
    for param in command.params:
        if isinstance(param, click.Option):
            yield from (name for name in param.opts if name.startswith("--"))
