"""Refusing to go on on top of results that came from older code, where the user wants that."""

from __future__ import annotations

from typing import Final

import click

__all__ = ["refusal", "strict_option"]

strict_option: Final = click.option(
    "--strict-code/--no-strict-code", "strict_code", default=None,
    help="End with status 1 where results came from older code: neither accepted nor invalidated.",
)  # fmt: skip


def refusal(told: str) -> str:
    """Return why a command ends, given what is to be said of the results."""
    from jug.code.wording import WHAT_TO_DO

    return f"{told}, which --strict-code refuses: {WHAT_TO_DO}"
