"""What holds for all commands: help with an example, a place in the documentation, errors."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner, Result

import jug.cli
import jug.jug
from jug.cli import OTHER_WORDS, OWN_COMMANDS, main
from jug.execution.summary import Ending
from jug.installed import EntryPoint
from jug.options import default_options

Jug = Callable[..., Result]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def page_maker() -> Iterator[ModuleType]:
    """Return the program that makes docs/commands.md."""
    spec = importlib.util.spec_from_file_location(
        "make_commands_page", ROOT / "scripts" / "make_commands_page.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module


def test_the_page_of_commands_is_up_to_date(page_maker: ModuleType) -> None:
    """If not, run scripts/make_commands_page.py."""
    pytest.importorskip("jug.adopt", reason="jug-adopt is not installed", exc_type=ImportError)
    assert page_maker.PAGE.read_text() == page_maker.page()


@pytest.mark.parametrize("name", OWN_COMMANDS)
def test_every_command_has_help_with_an_example_and_stands_in_the_documentation(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"], prog_name="jug")

    assert result.exit_code == 0
    assert f"Usage: jug {name}" in result.output
    assert "Example" in result.output and f"  jug {name}" in result.output.split("Example")[1]
    assert f"\n## jug {name}\n" in (ROOT / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("name", OWN_COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None and command.short_help
    for option in command.params:
        assert not isinstance(option, click.Option) or option.hidden or option.help, option.name


def test_every_module_of_a_command_is_a_command() -> None:
    modules = {path.stem for path in Path(jug.cli.__file__).parent.glob("[a-z]*.py")}

    shared = {
        "colours",
        "cores",
        "count_table",
        "dot",
        "ending",
        "first_process",
        "following",
        "help_option",
        "installed_commands",
        "jobs",
        "jugfile_command",
        "long_wait",
        "lookup",
        "outlook",
        "output",
        "profiling",
        "progress",
        "read_files",
        "reading",
        "run_lines",
        "selecting",
        "sight",
        "since",
        "status_lines",
        "strict",
        "unknown_options",
        "user_commands",
    }
    assert modules - shared == {name.replace("-", "_") for name in OWN_COMMANDS}


def test_the_exit_statuses_of_execute_are_those_of_its_endings() -> None:
    assert {ending.name: ending.status for ending in Ending} == {
        "DONE": jug.cli.DONE,
        "UNMATCHED": jug.cli.USAGE,
        "LIMIT": jug.cli.DONE,
        "PAST": jug.cli.DONE,
        "TIME": jug.cli.DONE,
        "DRAINED": jug.cli.DONE,
        "FAILED": jug.cli.FAILED,
        "STALE": jug.cli.FAILED,
        "STUCK": jug.cli.UNFINISHED,
        "WAITED": jug.cli.UNFINISHED,
        "UNSELECTED": jug.cli.UNFINISHED,
        "TOO_LARGE": jug.cli.UNFINISHED,
        "INTERRUPTED": jug.cli.INTERRUPTED,
    }
    assert click.UsageError.exit_code == jug.cli.USAGE


def test_jug_alone_shows_the_commands() -> None:
    result = CliRunner().invoke(main, [], prog_name="jug")

    assert "Usage: jug [OPTIONS] COMMAND" in result.output
    assert all(f"\n  {name} " in result.output for name in OWN_COMMANDS)


@pytest.mark.parametrize("name", ["", *OWN_COMMANDS])
def test_help_fits_a_terminal_of_80_columns(name: str) -> None:
    shown = CliRunner().invoke(main, [*name.split(), "--help"], terminal_width=80).output

    assert [line for line in shown.splitlines() if len(line) > 80] == []


def test_help_asks_for_no_command_that_is_not_needed() -> None:
    program = (
        "import sys, jug.cli\n"
        "try: jug.cli.main(['status', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'jug.cli.execute', 'jug.execution', 'jug.backends.file_store', 'numpy'}\n"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)\n"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert result.stderr == "[]\n"


UNNEEDED = {
    "_hashlib", "importlib.metadata", "jug.backends._file.merge", "jug.code.comparison",
    "jug.execution.budget", "jug.hash.objects", "jug.selection", "jug.workers", "locale", "numpy",
    "pathlib", "random", "rich", "shlex", "shutil", "socket", "subprocess", "tempfile",
    "traceback",
}  # fmt: skip
if sys.version_info < (3, 14):
    UNNEEDED.add("sysconfig")  # which ctypes imports from then on


def test_a_run_with_nothing_left_loads_only_what_it_needs(tmp_path: Path) -> None:
    jugfile = tmp_path / "jugfile.py"
    jugfile.write_text("from jug import Task\nTask(abs, -1)\n")
    measuring = {name for name in os.environ if name.startswith("COVERAGE_")}  # it loads much
    run = partial(
        subprocess.run,
        [sys.executable, "-X", "importtime", "-m", "jug", "execute", str(jugfile)],
        cwd=tmp_path, env={name: os.environ[name] for name in os.environ.keys() - measuring},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    run()

    told = run().stderr

    loaded = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "jug.backends._file" in loaded
    assert loaded & UNNEEDED == set()


def test_the_versions_are_told() -> None:
    lines = CliRunner().invoke(main, ["--version"]).output.splitlines()

    assert lines[0] == f"jug {jug.__version__}"
    names = [line.split()[0] for line in lines]
    assert {"jug-core", "jug-file", "jug-mapreduce", "jug-cli"} <= set(names)


def test_python_m_jug_is_jug(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "jug", "status", "--short", "primes.py"],
        capture_output=True, text=True,
    )  # fmt: skip

    assert run.stdout == "7 tasks waiting to be run, 0 failed, 0 complete, (none active).\n"


def test_jug_execute_is_a_command_of_its_own(folder: Path) -> None:
    program = (
        "import sys; from jug.cli import main_execute; sys.argv[1:] = ['primes.py']; main_execute()"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert run.returncode == 0
    assert run.stdout.startswith("Executed  Loaded  Task name\n")


# From Python


def test_main_comes_back_after_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.argv, sys.path[:]

    jug.jug.main(["jug", "count", "--short", "primes.py"])

    assert capsys.readouterr().out == "7 tasks\n"
    assert (sys.argv, sys.path) == before
    assert "primes" not in sys.modules
    assert not jug.jug.is_jug_running()


def test_main_raises_the_exit_status_otherwise(folder: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        jug.jug.main(["jug", "check", "primes.py"])

    assert caught.value.code == 1


def test_main_can_be_called_for_one_jugfile_after_the_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jug.jug.main(["jug", "count", "--short", "primes.py"])
    jug.jug.main(["jug", "count", "--short", "failing.py"])

    assert capsys.readouterr().out == "7 tasks\n3 tasks\n"


def test_main_comes_back_to_the_folder_that_the_jugfile_left(folder: Path) -> None:
    (folder / "moves.py").write_text("import os\nos.mkdir('out')\nos.chdir('out')\n")

    main(["status", "moves.py"], standalone_mode=False)

    assert Path.cwd() == folder


def test_what_a_jugfile_sets_does_not_outlast_it(folder: Path) -> None:
    (folder / "sets.py").write_text(
        "from jug.options import default_options\ndefault_options.execute_keep_going = True\n"
    )

    jug.jug.main(["jug", "status", "sets.py"])

    assert default_options.execute_keep_going is False


def test_a_script_can_execute_itself(folder: Path) -> None:
    (folder / "self.py").write_text(
        "import sys\n"
        "import jug, jug.jug\n"
        "if __name__ == '__main__' and not jug.is_jug_running():\n"
        "    jug.jug.main(['jug', 'execute', __file__])\n"
        "    jug.init(__file__, 'self.jugdata')\n"
        "    print(jug.value(jug.Task(abs, -3)))\n"
        "else:\n"
        "    jug.Task(abs, -3)\n"
    )

    run = subprocess.run([sys.executable, "self.py"], capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("Total\n3\n")


# Commands of others


def test_a_command_of_another_distribution_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("say-hi", f"{__name__}:hello", "others")
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or ModuleType(__name__))
    monkeypatch.setattr(sys.modules[__name__], "hello", hello, raising=False)
    monkeypatch.setattr(
        "jug.cli.installed_commands.entry_points", lambda group: {entry.name: entry}
    )

    assert CliRunner().invoke(main, ["say-hi"]).output == "hello\n"
    assert "\n  say-hi " in CliRunner().invoke(main, ["--help"]).output


@click.command(short_help="Greet.")
def hello() -> None:
    """Say hello."""
    click.echo("hello")


def test_a_command_of_ones_own_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / ".config" / "jug" / "jug_user_commands.py"
    own.parent.mkdir(parents=True)
    own.write_text("import click\n@click.command()\ndef greet(): click.echo('good day')\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert CliRunner().invoke(main, ["greet"]).output == "good day\n"


def test_reading_output_that_stops_is_no_error(folder: Path) -> None:
    run = subprocess.run(
        f"{sys.executable} -m jug status --json primes.py | head -c 1",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip

    assert (run.stdout, run.stderr) == ("{", "")


# Mistakes in the command line


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["exeucte", "primes.py"], "there is no command 'exeucte': is 'execute' meant?"),
        (["run", "primes.py"], "there is no command 'run': is 'execute' meant?"),
        (["help"], "there is no command 'help': is '--help' meant?"),
        (["version"], "there is no command 'version': is '--version' meant?"),
        (["delete"], "there is no command 'delete': is 'invalidate' meant?"),
        (["primes.py"], "say what to do with the jugfile, such as `jug execute primes.py`"),
        (["xyzzy"], "there is no command 'xyzzy': `jug --help` lists them"),
        (["status", "--jugdirr", "x"], "'--jugdir'?"),
    ],
)
def test_a_wrong_word_is_answered_with_what_may_be_meant(words: list[str], advice: str) -> None:
    result = CliRunner().invoke(main, words, prog_name="jug")

    assert result.exit_code == 2
    assert advice in result.output


def test_a_word_of_other_tools_is_no_command_and_stands_for_one() -> None:
    commands = {*main.list_commands(click.Context(main))}

    assert not commands & {*OTHER_WORDS}
    assert commands >= {*OTHER_WORDS.values()}


def test_a_command_of_a_distribution_that_is_not_there_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from jug.cli import installed_commands

    monkeypatch.setattr(installed_commands, "find_installed_commands", dict)
    result = CliRunner().invoke(main, ["adopt", "primes.py"], prog_name="jug")

    assert result.exit_code == 2
    assert "it comes with jug-adopt, which is not installed: pip install jug-adopt" in result.stderr
