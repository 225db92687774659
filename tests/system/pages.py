"""Pages of the documentation as programs, which the tests run.

Blocks of Python in a page are sessions (`>>>`), which pytest runs as doctests, or files,
which begin with their name as a comment.  Blocks called `console` are commands with what they
print.  The files and commands of one page, in their order, are one shell script, run in a folder
of its own; what each command prints is compared, where ``...`` stands for anything.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./~-]+\.\w+)\n")
NO_PROGRESS = {"JUG_PROGRESS": "none"}
"""On a busy machine it would be told how far the tasks are, as in a terminal."""
_MARK = "=-=-= next =-=-="


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [
        Block(language, textwrap.dedent(text))
        for _, language, text in BLOCK.findall(page.read_text())
    ]


class Step(NamedTuple):
    """A command, and what it prints."""

    command: str
    output: str


def steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Step(command, output)


def script(page: Path) -> tuple[str, list[Step]]:
    """Return a page as a shell script, and the steps that it marks."""
    lines, told = ["mark() { local s=$?; echo; echo '" + _MARK + "'; return $s; }"], []
    for block in blocks(page):
        file = FILE.match(block.text)
        if file and block.language != "console":
            lines.append(f"mkdir -p $(dirname {file[1]})")
            lines.append(f"cat > {file[1]} <<'END OF FILE'\n{block.text}END OF FILE")
        elif block.language == "console":
            for step in steps(block.text):
                lines += ["mark", _quiet(step.command)]
                told.append(step)
    return "\n".join(lines), told


def _quiet(command: str) -> str:
    """Keep the output of what runs in the background out of that of other commands."""
    return f"{command[:-1]} > /dev/null 2>&1 &" if command.endswith("&") else command


def check_page(page: Path, folder: Path, environment: Mapping[str, str], timeout: float) -> None:
    """Run a page in a folder, and compare what each of its commands prints."""
    commands, told = script(page)
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{commands}\nwait"],
        cwd=folder, env={**environment, **NO_PROGRESS}, timeout=timeout,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    printed = done.stdout.split(f"\n{_MARK}\n")[1:]
    for step, got in zip(told, printed, strict=True):
        got = got.removesuffix("\n") + "\n" if got else ""
        assert fits(step.output, got), (
            f"$ {step.command}\nprints\n{got}\nwhere {page.name} says\n{step.output}"
        )


def fits(wanted: str, got: str) -> bool:
    """Return whether the output is the one wanted, in which three dots stand for anything.

    A line of them stands for any lines, or none.

    >>> fits("one...\\n", "one 2\\n"), fits("...\\nend\\n", "end\\n"), fits("...\\n", "")
    (True, True, True)
    """
    pieces = re.split(r"^\.{3}\n", wanted, flags=re.MULTILINE)
    return re.fullmatch(r"(?:.*\n)?".join(map(_pattern, pieces)), got, re.DOTALL) is not None


def _pattern(wanted: str) -> str:
    parts = re.split(r"(?<!\.)\.{3}(?!\.)", wanted)  # the rule of a table has more dots
    return ".*".join(map(re.escape, parts))
