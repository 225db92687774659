"""`jug completion`, in the shells themselves where they are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest
from click.testing import CliRunner, Result

from jug.cli import main

BIN = Path(sys.executable).parent


def completion(*arguments: str, shell: str | None = None) -> Result:
    return CliRunner(env={"SHELL": shell}).invoke(main, ["completion", *arguments])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_asks_jug_what_comes_next(shell: str) -> None:
    result = completion(shell)

    assert result.exit_code == 0
    assert f"_JUG_COMPLETE={shell}_complete" in result.output


@pytest.mark.parametrize("path", ["/bin/zsh", "/usr/local/bin/fish"])
def test_without_a_name_it_is_the_shell_in_use(path: str) -> None:
    assert completion(shell=path).output == completion(Path(path).name).output


def test_a_shell_in_use_that_is_not_known_is_named() -> None:
    result = completion(shell="/bin/tcsh")

    assert result.exit_code == 2
    assert "$SHELL names 'tcsh': say for which of bash, zsh, fish" in result.output


def test_another_shell_is_wrong_usage() -> None:
    result = completion("tcsh")

    assert result.exit_code == 2
    assert "there is no completion for 'tcsh', only for bash, zsh, fish" in result.output


def test_the_option_of_the_former_release_does_the_same() -> None:
    former = CliRunner().invoke(main, ["--print-completion", "zsh"])
    unknown = CliRunner().invoke(main, ["--print-completion", "tcsh"])

    assert (former.exit_code, former.output) == (0, completion("zsh").output)
    assert unknown.exit_code == 2 and "there is no completion for 'tcsh'" in unknown.output


BASH = """
eval "$(jug completion bash)"
COMP_WORDS=(jug %s) COMP_CWORD=%d
compopt() { echo "$@"; }
_jug_completion jug
echo "${COMPREPLY[@]}"
"""

ZSH = """
compdef() { :; }; _describe() { :; }; compadd() { :; }
eval "$(jug completion zsh)"
typeset -f _jug_completion > /dev/null && echo defined
"""

FISH = """
jug completion fish | source
complete --do-complete 'jug de'
"""


def run(shell: str, script: str) -> list[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [shell, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


FILES = ["-o default", ""]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("de", ["demo"]),
        ("copy --js", ["--json"]),
        ("copy pri", FILES),
        ("status pri", FILES),
        ("status --jugdir pri", FILES),
    ],
)
def test_bash_completes_commands_options_and_files(
    words: str, expected: list[str], program: Callable[[str], str]
) -> None:
    assert run(program("bash"), BASH % (words, len(words.split()))) == expected


@pytest.mark.skipif(which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_the_script() -> None:
    assert run("zsh", ZSH) == ["defined"]


@pytest.mark.skipif(which("fish") is None, reason="fish is not installed")
def test_fish_completes_commands() -> None:
    assert [line.split("\t")[0] for line in run("fish", FISH)] == ["demo"]
