"""Write docs/commands.md from the commands' own help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path

import click

from jug.cli import OWN_COMMANDS, main

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"

OF_OTHERS = ("adopt", "submit", "jobs")
"""Commands that other distributions of jug bring."""

HEAD = """\
# Commands

<!-- Made by scripts/make_commands_page.py: change the help of the command instead. -->

`jug COMMAND [OPTIONS] [JUGFILE [ARGUMENT]...]`

The jugfile is `jugfile.py` unless it is named; `.py` may be left out.
Options may stand before and after it.
What jug does not know behind the jugfile's name is the jugfile's, which finds it in `sys.argv`.
If it looks like an option of jug's, the command warns.
`accept`, `adopt`, `cleanup`, `invalidate`, `pack` and `check --remove-damaged` refuse any option.
Everything behind `--` is the jugfile, if it was not named yet, and its arguments, without any \
warning; for `submit` it is for the batch system.
Options can also be set in files and in the environment: see [configuration](configuration.md).
`jug-execute` is `jug execute`, and `python -m jug` is `jug`.
"""


def page() -> str:
    """Return the whole page."""
    commands = {name: _command(name) for name in (*OWN_COMMANDS, *OF_OTHERS)}
    common = _common_options(commands.values())
    parts = [HEAD, "## Options of every command on a jugfile", "", *_table(common.values())]
    for name, command in commands.items():
        own = [param for param in command.params if param.name not in common]
        parts += ["", f"## jug {name}", "", cleandoc(command.help or ""), ""]
        parts += [*_table(own), "", _block(command.epilog or "")]
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


def _command(name: str) -> click.Command:
    command = main.get_command(click.Context(main, info_name="jug"), name)
    assert command is not None
    return command


def _common_options(commands: Iterable[click.Command]) -> dict[str | None, click.Parameter]:
    """Return the options that all commands with a jugfile have."""
    found = [{param.name: param for param in command.params} for command in commands]
    shared = [params for params in found if "jugfile" in params]
    return {name: p for name, p in shared[0].items() if all(name in other for other in shared)}


def _table(params: Iterable[click.Parameter]) -> Iterator[str]:
    options = [p for p in params if isinstance(p, click.Option) and not p.hidden]
    if options:
        yield from ("| option | what it does |", "| --- | --- |")
    for option in options:
        names = ", ".join(f"`{name}`" for name in option.opts)
        value = "" if option.is_flag else f" {option.metavar or _choices(option)}"
        yield f"| {names}{value} | {option.help or ''} |".replace("|URL", "\\|URL")


def _choices(option: click.Option) -> str:
    choices = getattr(option.type, "choices", None)
    return " or ".join(choices) if choices else option.type.name.upper()


def _block(epilog: str) -> str:
    """Return examples and exit statuses as they are printed."""
    paragraphs = [part.strip("\n") for part in epilog.replace("\b\n", "").split("\n\n")]
    return "```text\n" + "\n\n".join(paragraphs) + "\n```"


if __name__ == "__main__":
    PAGE.write_text(page())
