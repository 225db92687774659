"""The names, commands and options of jug 2.7.0: here as well, or it is said what to use.

`jug27_names.json` is what `jugfiles/list_names.py` prints under jug 2.7.0.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner

import jug
from jug.cli import FORMER_COMMANDS, main
from jug.errors import NameGone
from jug.options import default_options

LIST = Path(__file__).parent / "jug27_names.json"
FORMER = json.loads(LIST.read_text())

GONE_WITHOUT_A_WORD = {
    # the parts of a store that only the store itself called
    "jug.backends.file_store.file_store.create",
    "jug.backends.file_store.file_store.remove_store",
    "jug.backends.file_store.file_store.resave_pack",
    "jug.backends.file_store.file_store.tempdir",
    "jug.backends.file_store.file_store.update_pack",
    # how options were kept
    "jug.options.Options.copy",
    "jug.options.Options.update",
}

OTHER_PARAMETERS = {
    "jug.backends.dict_store.dict_store.dump": "the value comes first, and its name is `value`",
    "jug.backends.redis_store.redis_store.dump": "the value comes first, and its name is `value`",
    "jug.options.Options": "options are not made by users",
}

OTHER_ATTRIBUTES = {"argv", "print_out", "subcommand"}
"""Not options, but what the command passed on to itself."""


def find(name: str) -> Any:
    """Return what a name stands for, `NameGone` where that is raised, or `MISSING`."""
    module, _, rest = name.rpartition(".")
    if name in METHODS:
        module, _, owner = module.rpartition(".")
        rest = f"{owner}.{rest}"
    try:
        return attrgetter(rest)(import_module(module))
    except NameGone:
        return NameGone
    except AttributeError:
        return MISSING


MISSING = object()
CLASSES = {name for name in FORMER["names"] if name.count(".") > 1}
METHODS = {name for name in FORMER["names"] if name.rpartition(".")[0] in CLASSES}
FOUND = {name: find(name) for name in FORMER["names"]}


def test_every_name_is_there_or_says_what_to_use() -> None:
    missing = {name for name, thing in FOUND.items() if thing is MISSING}

    assert missing == GONE_WITHOUT_A_WORD


def test_every_parameter_can_be_given_by_its_name() -> None:
    there = {name: thing for name, thing in FOUND.items() if thing not in (NameGone, MISSING)}

    others = {name for name, thing in there.items() if not takes(thing, FORMER["names"][name])}

    assert others == {*OTHER_PARAMETERS}


def takes(thing: Any, keywords: list[str]) -> bool:
    if not keywords:
        return True
    parameters = inspect.signature(thing).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    return takes_any or parameters.keys() >= {*keywords}


def test_what_is_gone_is_none_of_what_a_jugfile_is_made_of() -> None:
    plain = {name: thing for name, thing in FOUND.items() if name.count(".") == 1}

    assert [name for name, thing in plain.items() if thing is NameGone] == ["jug.jug_version"]


def test_the_page_about_moving_lists_what_is_gone_or_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "from-jug-2.md").read_text()
    gone = {name for name, thing in FOUND.items() if thing is NameGone} - METHODS
    other = GONE_WITHOUT_A_WORD | {*OTHER_ATTRIBUTES} | {*FORMER_COMMANDS}

    assert [name for name in other if f"`{name.rpartition('.')[2]}`" not in page] == []
    assert [name for name in gone if not any(f"`{part}`" in page for part in parts(name))] == []


def parts(name: str) -> list[str]:
    """Return the name alone and in full, and the modules that it is in."""
    words = name.split(".")
    return [words[-1], *(".".join(words[:end]) for end in range(2, len(words) + 1))]


@pytest.mark.parametrize("command", [name for name in FORMER["commands"] if name])
def test_every_command_is_there_with_its_options_or_says_what_to_use(command: str) -> None:
    if command in FORMER_COMMANDS:
        told = CliRunner().invoke(main, [command, "--help"])
        assert (told.exit_code, FORMER_COMMANDS[command] in told.stderr) == (2, True)
        return
    found = main.get_command(click.Context(main), command)
    assert found is not None
    names = {name for option in found.params for name in option.opts} | {"-h", "--help"}
    if command == "demo":  # which reads no jugfile
        assert names >= {"-h", "--help"}
    else:
        assert names >= {*FORMER["commands"][command]}


def test_every_option_of_jug_itself_is_there() -> None:
    names = {name for option in main.params for name in option.opts} | {"-h", "--help"}

    assert names.issuperset(FORMER["commands"][""])


def test_every_option_can_be_read_and_set_in_python() -> None:
    others = {name for name in FORMER["options"] if not hasattr(default_options, name)}

    assert others == OTHER_ATTRIBUTES


def test_tasks_can_be_looked_at_before_a_jugdir_is_chosen() -> None:
    program = "import inspect, jug; inspect.getmembers(jug.Task); print(jug.Task.store)"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (ended.stdout, ended.stderr) == ("None\n", "")


def test_the_version_is_above_that_of_the_former_release() -> None:
    assert int(jug.__version__.split(".")[0]) > 2


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_list_is_what_jug_270_has(
    tmp_path: Path, unavailable: Callable[[str], NoReturn]
) -> None:
    python = tmp_path / "env" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, tmp_path / "env"], check=True)
    install = [*uv, "pip", "install", "--python", python, "jug==2.7.0"]
    if subprocess.run(install, capture_output=True).returncode:
        unavailable("jug 2.7.0")

    program = Path(__file__).parent / "jugfiles" / "list_names.py"
    listed = subprocess.run([python, program], check=True, capture_output=True, text=True)

    assert json.loads(listed.stdout) == FORMER
