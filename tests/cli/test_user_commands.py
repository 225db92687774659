"""Commands of a user's own, from ~/.config/jug/jug_user_commands.py."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from jug.cli import main
from jug.cli.user_commands import find_user_commands

GREET = """
import click

@click.command()
@click.argument("name")
def greet(name):
    "Greet somebody."
    click.echo(f"hello {name}")

@click.command("sum-up")
def _whatever_it_is_called_here():
    click.echo("summed up")

not_a_command = 3
"""


@pytest.fixture
def commands_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a user writes commands, in a home of this test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".config" / "jug" / "jug_user_commands.py"
    path.parent.mkdir(parents=True)
    return path


def test_each_click_command_in_the_file_is_found_by_its_own_name(commands_file: Path) -> None:
    commands_file.write_text(GREET)

    found = find_user_commands()

    assert sorted(found) == ["greet", "sum-up"]
    assert CliRunner().invoke(found["greet"], ["you"]).output == "hello you\n"


def test_without_the_file_there_are_none() -> None:
    assert find_user_commands() == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import click\n\nclick.nothing()", "nothing, line 3"),
        ("def broken(:\n", "SyntaxError: invalid syntax, line 1"),
        ("import no_such_module", "No module named 'no_such_module', line 1"),
        ("raise SystemExit(3)", "SystemExit: 3, line 1"),
        ("raise GeneratorExit", "GeneratorExit, line 1"),
        ("def fail():\n    1 / 0\n\nfail()", "division by zero, line 2"),
        ("import json\njson.loads('{')", ", line 2"),
        ("import click\ntold = click.Command('told', help=3)", "'int' object has no attribute"),
        ("from jug.subcommands import SubCommand", "are click commands, line 1"),
    ],
)
def test_an_error_in_the_file_is_named_with_its_line_and_goes_no_further(
    text: str, told: str, commands_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands_file.write_text(text)

    assert find_user_commands() == {}

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"jug: {commands_file} gives no commands: ")
    assert told in lines[0]


def test_an_error_in_the_file_is_told_once_where_commands_are_looked_for_twice(
    commands_file: Path,
) -> None:
    commands_file.write_text("1 / 0")

    missing = CliRunner().invoke(main, ["nonsense"])

    assert missing.exit_code == 2
    assert missing.stderr.count("ZeroDivisionError") == 1


def test_the_file_is_a_module_like_others_and_may_have_commands_without_a_name(
    commands_file: Path,
) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Row:\n    name: str\n\n"  # looks into its module
    )
    commands_file.write_text(text + GREET + "\nnameless = click.Command(None)\n")

    assert sorted(find_user_commands()) == ["greet", "sum-up"]


def test_they_are_commands_of_jug_and_stand_in_its_help(commands_file: Path) -> None:
    commands_file.write_text(GREET)

    assert CliRunner().invoke(main, ["greet", "you"]).output == "hello you\n"
    listed = CliRunner().invoke(main, ["--help"]).output
    assert "greet " in listed and "Greet somebody." in listed


def test_a_name_that_jug_has_itself_stays_jugs_own(commands_file: Path) -> None:
    commands_file.write_text(GREET.replace("sum-up", "demo"))

    assert "Make jug-demo/primes.py" in CliRunner().invoke(main, ["demo", "--help"]).output


def test_a_broken_file_is_told_once_and_breaks_no_command_of_jug(commands_file: Path) -> None:
    commands_file.write_text("1 / 0")

    listed = CliRunner().invoke(main, ["--help"])
    used = CliRunner().invoke(main, ["demo", "--help"])
    missing = CliRunner().invoke(main, ["greet", "you"])

    assert (listed.exit_code, used.exit_code, missing.exit_code) == (0, 0, 2)
    assert listed.stderr.count("ZeroDivisionError: division by zero, line 1") == 1
    assert used.stderr == ""


def test_the_example_of_the_documentation_works(
    commands_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs" / "own-commands.md"
    commands_file.write_text(page.read_text().split("```python\n")[1].split("```")[0])
    (tmp_path / "biggest.py").write_text("from jug import Task\nbiggest = Task(max, 2, 3)\n")
    monkeypatch.chdir(tmp_path)

    for arguments in (["execute", "biggest.py"], ["slowest", "biggest.py"]):
        done = subprocess.run(
            [sys.executable, "-m", "jug", *arguments], capture_output=True, text=True, check=True
        )

    assert done.stdout == "    0.00 s  builtins.max\n"


def test_the_example_with_the_common_options_has_them(
    commands_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs" / "own-commands.md"
    commands_file.write_text(page.read_text().split("```python\n")[2].split("```")[0])
    (tmp_path / "jugfile.py").write_text(
        "import sys\nfrom jug import Task\n"
        "for text in sys.argv[1:]:\n    Task(int, text)\nTask(max, 2, 3)\n"
    )
    monkeypatch.chdir(tmp_path)

    def jug(*arguments: str) -> str:
        command = [sys.executable, "-m", "jug", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    jug("execute", "--jugdir", "elsewhere", "jugfile.py")

    listed = "builtins.int\nbuiltins.max\n"
    assert jug("to-do", "--jugdir", "elsewhere", "jugfile.py", "7") == "builtins.int\n"
    assert jug("to-do", "jugfile.py", "7") == listed
    assert jug("to-do", "--top", "1", "jugfile.py", "7") == "builtins.int\n"
    assert "--jugdir" in jug("to-do", "--help") and "List tasks that" in jug("--help")


BROKEN = {
    "raises": "raise RuntimeError('no licence')",
    "ends": "raise SystemExit('ended')",
    "interrupts": "raise KeyboardInterrupt",
    "raises_its_own": "class Odd(BaseException): ...\nraise Odd",
    "lacks": "",
    "no_command": "command = print",
    "no_help": "import click\ncommand = click.Command('no-help', help=3)",
    "other_help": (
        "import click\nclass Other(click.Command):\n"
        "    def get_short_help_str(self): return 'help'\ncommand = Other('other-help')"
    ),
    "void_help": (
        "import click\nclass Void(click.Command):\n"
        "    def get_short_help_str(self, limit=45): pass\ncommand = Void('void-help')"
    ),
}


@pytest.fixture
def broken_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a distribution whose commands can't be loaded."""
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    lines = [f"{name} = broken_{name}:command" for name in BROKEN]
    (info / "entry_points.txt").write_text("\n".join(["[jug.commands]", *lines]))
    for name, text in BROKEN.items():
        (tmp_path / f"broken_{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("broken_distribution")
def test_a_broken_command_of_a_distribution_stops_no_other() -> None:
    listed = CliRunner().invoke(main, ["--help"])
    used = CliRunner().invoke(main, ["demo", "--help"])
    missing = CliRunner().invoke(main, ["nonsense"])

    assert (listed.exit_code, used.exit_code, missing.exit_code) == (0, 0, 2)
    assert "(can't be loaded: RuntimeError: no licence)" in listed.stdout
    assert "TypeError: broken_no_command:command is no click" in " ".join(listed.stdout.split())
    assert all(f"  {name} " in listed.stdout for name in BROKEN)


@pytest.mark.usefixtures("broken_distribution")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_command_says_whose_it_is_and_why_it_cannot_be_used(name: str) -> None:
    result = CliRunner().invoke(main, [name, "x.py", "--help"])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: the command {name!r} of broken can't be loaded: ")


def bring(folder: Path, owner: str, name: str, module: str) -> None:
    """Put a distribution into a folder, with one command, whose module is given as text."""
    info = folder / f"{owner}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[jug.commands]\n{name} = of_{owner}:command\n")
    (folder / f"of_{owner}.py").write_text(module)


def test_who_interrupts_a_command_that_is_being_loaded_is_told_which_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    bring(tmp_path, "slow", "wait", "import signal\nsignal.raise_signal(signal.SIGINT)")

    listed = CliRunner().invoke(main, ["--help"])
    used = CliRunner().invoke(main, ["wait"])

    told = "jug: interrupted while the command 'wait' of slow was loaded\n"
    assert listed.exit_code == 1 and told in listed.stderr
    assert used.exit_code == 130 and told in used.stderr
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_command_that_makes_another_exception_of_an_interruption_is_interrupted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = """
import signal
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    raise ImportError("not loaded")
"""
    bring(tmp_path, "wrapping", "wrapped", module)

    assert CliRunner().invoke(main, ["--help"]).exit_code == 1


@pytest.mark.parametrize("ending", ["KeyboardInterrupt", "SystemExit"])
def test_a_file_of_commands_that_raises_what_ends_programs_stops_no_command(
    commands_file: Path, ending: str
) -> None:
    commands_file.write_text(f"raise {ending}\n")

    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    assert f"gives no commands: {ending}, line 1\n" in result.stderr


def test_who_interrupts_the_file_of_commands_ends_the_command(commands_file: Path) -> None:
    commands_file.write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")

    assert CliRunner().invoke(main, ["--help"]).exit_code == 1


def test_a_command_that_is_hidden_is_used_and_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    bring(
        tmp_path,
        "shy",
        "hide",
        "import click\ncommand = click.Command('hide', hidden=True, callback=lambda: print('hid'))",
    )

    assert "hide" not in CliRunner().invoke(main, ["--help"]).stdout
    assert CliRunner().invoke(main, ["hide"]).stdout == "hid\n"


@pytest.fixture
def rivals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have two distributions with a command of one name, and one with a name of jug's."""
    for owner, name in (("zebra", "greet"), ("ape", "greet"), ("newt", "status")):
        say = f"import click\ncommand = click.Command('x', callback=lambda: click.echo('{owner}'))"
        bring(tmp_path, owner, name, say)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("rivals")
def test_of_commands_of_one_name_one_is_used_and_the_others_are_told() -> None:
    listed = CliRunner().invoke(main, ["--help"])

    assert listed.exit_code == 0
    assert listed.stderr.splitlines() == [
        "jug: the command 'greet' of zebra isn't used: ape has one of that name",
        "jug: the command 'status' of newt isn't used: jug has one of that name",
    ]
    assert CliRunner().invoke(main, ["greet"]).output == "ape\n"
    assert "Show how far the tasks are" in CliRunner().invoke(main, ["status", "--help"]).output


def test_a_file_of_commands_that_cannot_be_looked_for_stops_no_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/" + 300 * "x")

    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    assert "File name too long" in result.stderr
