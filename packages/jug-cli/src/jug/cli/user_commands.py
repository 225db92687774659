"""The user's own commands, from a file in the user's configuration.

Every `click` command that ``~/.config/jug/jug_user_commands.py`` makes is a
command of `jug`.  An error in that file is shown and stops nothing else: jug's own
commands must work without it.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from stat import S_ISREG
from types import ModuleType
from typing import Final

import click

from jug.cli.installed_commands import noting_ctrl_c, require_listable

_MODULE: Final = "jug_user_commands"


def user_commands_file() -> str:
    """Return where the user's own commands are looked for."""
    return os.path.join(os.path.expanduser("~/.config/jug"), f"{_MODULE}.py")


def find_user_commands() -> dict[str, click.Command]:
    """Return the user's own commands by name, none if their file can't be read."""
    return _commands_in(user_commands_file())


@cache
def _commands_in(path: str) -> dict[str, click.Command]:
    with noting_ctrl_c() as presses:
        try:
            return _by_name(_load(path)) if _is_file(path) else {}
        except BaseException as error:
            if presses:
                raise KeyboardInterrupt from error
            click.echo(f"jug: {path} gives no commands: {_where(error, path)}", err=True)
            return {}


def _is_file(path: str) -> bool:
    """Return whether a file is there; raise OSError if that can't be seen."""
    try:
        return S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _by_name(module: ModuleType) -> dict[str, click.Command]:
    found = [thing for thing in vars(module).values() if isinstance(thing, click.Command)]
    for command in found:
        require_listable(command)
    return {command.name: command for command in found if command.name}


def _load(path: str) -> ModuleType:
    spec = spec_from_file_location(_MODULE, path)
    assert spec is not None and spec.loader is not None  # the name ends in .py
    module = module_from_spec(spec)
    sys.modules[_MODULE] = module
    spec.loader.exec_module(module)
    return module


def _where(error: BaseException, path: str) -> str:
    """Return what happened, and at which line of the file."""
    import traceback  # only here, as `jug --help` reads this module

    what = traceback.format_exception_only(error)[-1].strip()
    if isinstance(error, SyntaxError):
        return f"{what}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return f"{what}, line {lines[-1]}" if lines else what
