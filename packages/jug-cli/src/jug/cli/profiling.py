"""Profiling a piece of code: by pyinstrument where that is installed, else by cProfile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import click

__all__ = ["profiled"]

_LINES: Final = 25


@contextmanager
def profiled() -> Iterator[None]:
    """Print where the time of the block went, also if it fails."""
    try:
        profiler: Any = import_module("pyinstrument").Profiler()
    except ModuleNotFoundError:
        yield from _by_cprofile()
    else:
        yield from _by(profiler)


def _by_cprofile() -> Iterator[None]:
    from cProfile import Profile
    from pstats import SortKey, Stats

    profile = Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        Stats(profile, stream=sys.stdout).sort_stats(SortKey.CUMULATIVE).print_stats(_LINES)


def _by(profiler: Any) -> Iterator[None]:
    profiler.start()
    try:
        yield
    finally:
        profiler.stop()
        click.echo(profiler.output_text(unicode=True, color=sys.stdout.isatty()))
