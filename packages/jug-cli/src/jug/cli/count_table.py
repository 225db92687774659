"""Counts of tasks by name, as `jug count` and `jug invalidate` print them."""

from __future__ import annotations

import json
from collections import Counter

import click

from jug.tables import table
from jug.wording import counted


def print_counts(counts: Counter[str], word: str, *, as_json: bool, short: bool) -> None:
    """Print how many tasks of each name there are, under a word such as ``invalidated``.

    Of words such as ``would be accepted`` the last is the key of ``--json``.
    """
    if as_json:
        key = word.rpartition(" ")[2]
        tasks = [{"name": name, key: counts[name]} for name in sorted(counts)]
        click.echo(json.dumps({"tasks": tasks, "total": counts.total()}, indent=2))
    elif short:
        what = "" if word == "count" else f" {word}"
        click.echo(f"{counted(counts.total(), 'task')}{what}")
    else:
        click.echo(table([word.capitalize()], {name: [count] for name, count in counts.items()}))
