"""The option ``--help``, one for all commands.

The one that click makes for each command asks for the translation of what it does, which has
Python look for languages as each command begins: a hundredth of the time of a short one.
"""

from __future__ import annotations

from typing import Final

import click

__all__ = ["NAMES", "HelpfulCommand"]

NAMES: Final = ("-h", "--help")


def _show_help(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


_OPTION: Final = click.Option(
    [*NAMES, "_help_of_jug"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help,
    help="Show this message and exit.",
)  # fmt: skip


class HelpfulCommand(click.Command):
    """A command with that option, unless it has another meaning for one of its names, or none."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option that shows the help, the same at each call."""
        is_wanted = self.add_help_option and {*self.get_help_option_names(ctx)} == {*NAMES}
        return _OPTION if is_wanted else super().get_help_option(ctx)
