"""`jug completion`: what makes a shell complete jug's commands and options."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Final

import click
from click.shell_completion import get_completion_class

SHELLS: Final = ("bash", "zsh", "fish")
_KNOWN: Final = ", ".join(SHELLS)


@click.command(
    epilog="""\b
Examples:
  eval "$(jug completion bash)"      in ~/.bashrc
  eval "$(jug completion zsh)"       in ~/.zshrc, after compinit
  jug completion fish > ~/.config/fish/completions/jug.fish

\b
Exit status: 0; 2 for a shell that is not known.""",
)
@click.argument("shell", metavar="[bash|zsh|fish]", required=False)
@click.pass_context
def command(context: click.Context, shell: str | None) -> None:
    """Print the script that makes SHELL (bash, zsh or fish) complete jug's commands and options.

    Without SHELL it is the one that $SHELL names.
    """
    click.echo(script(context, shell or _shell_in_use()))


def script(context: click.Context, shell: str) -> str:
    """Return the script for a shell."""
    if shell not in SHELLS:
        raise click.UsageError(f"there is no completion for {shell!r}, only for {_KNOWN}")
    kind = get_completion_class(shell)
    assert kind is not None  # click knows each of SHELLS
    return kind(context.find_root().command, {}, "jug", "_JUG_COMPLETE").source()


def _shell_in_use() -> str:
    name = PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise click.UsageError(
            f"$SHELL names {name!r}: say for which of {_KNOWN} the script is to be"
        )
    return name
