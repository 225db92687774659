"""The option that shows the help of a command, unless the command has another use for it."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from jug.cli.help_option import NAMES, HelpfulCommand


def told(command: click.Command, *arguments: str) -> tuple[int, str]:
    """Return the exit status of a command, and what it printed first."""
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.output.partition("\n")[0]


def command(*parameters: click.Parameter, **more: Any) -> click.Command:
    """Return a command that prints what it was given."""
    settings = {"help_option_names": [*NAMES]}
    return HelpfulCommand(
        "it", settings, lambda **given: print(given), [*parameters], **more
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_of_its_names_shows_the_help(name: str) -> None:
    assert told(command(), name) == (0, "Usage: it [OPTIONS]")


def test_a_command_may_have_an_argument_of_the_name() -> None:
    asking = command(click.Argument(["help"]))

    assert told(asking, "x") == (0, "{'help': 'x'}")
    assert told(asking, "--help") == (0, "Usage: it [OPTIONS] HELP")


def test_a_command_may_give_a_name_another_meaning() -> None:
    asking = command(click.Option(["-h", "--host"]))

    assert told(asking, "-h", "x") == (0, "{'host': 'x'}")
    assert told(asking, "--help") == (0, "Usage: it [OPTIONS]")


def test_a_command_may_be_without() -> None:
    assert told(command(add_help_option=False), "--help")[0] == 2
