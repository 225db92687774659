"""The progress of commands, as it stands on the screen of a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal, timeless

MIXED = """
import time
from pathlib import Path
from jug import TaskGenerator

def wait_for(*names):
    while not any(Path(name).exists() for name in names):
        time.sleep(0.01)

@TaskGenerator
def quick(n):
    wait_for("drawn", "go")
    return n

@TaskGenerator
def bad(n):
    raise ValueError("no such luck")

@TaskGenerator
def slow(n):
    wait_for("go")

[quick(n) for n in range(4)]
bad(7)
[slow(n) for n in range(3)]
"""

FAILURE = """\
jug: mixed.bad(7) failed:
Traceback (most recent call last):
  File "mixed.py", line 17, in bad
    raise ValueError("no such luck")
ValueError: no such luck
"""

BLOCK = (
    FAILURE
    + "━" * 28
    + "─" * 28
    + """  4 of 8 tasks, 1 failed
R tasks/s, time left unknown, T elapsed
  0/3  2 running            mixed.slow
  0/1             1 failed  mixed.bad
  worker 1 T  mixed.slow(N)
  worker 2 T  mixed.slow(N)"""
)

NARROW = (
    FAILURE
    + "━" * 8
    + "─" * 8
    + """  4 of 8 tasks, 1 failed
R tasks/s, time left unknown
 T elapsed
  0/3  2 running            mixed.slow
  0/1             1 failed  mixed.bad
  worker 1 T  mixed.slow(N)
  worker 2 T  mixed.slow(N)"""
)

LAST = (
    FAILURE
    + "━" * 49
    + "─" * 7
    + """  7 of 8 tasks, 1 failed
R tasks/s, T elapsed
Executed  Loaded  Task name
-----------------------------
       4       0  mixed.quick
       3       0  mixed.slow
.............................
       7       0  Total
jug: mixed.bad(7) failed: ValueError: no such luck
jug: a task failed; 1 task is not done (exit status 1)"""
)

EXECUTE = ("execute", "-j", "2", "--keep-going", "mixed.py")


@pytest.fixture(autouse=True)
def mixed(folder: Path) -> None:
    (folder / "mixed.py").write_text(MIXED)


def steady(text: str) -> str:
    """Return a text with what differs from run to run replaced: times, and who took which."""
    return re.sub(r"slow\([0-2]\)", "slow(N)", timeless(text))


def wait_for_block(terminal: Terminal, expected: Callable[[str], object]) -> None:
    """Wait until this stands on the screen, on which something stood before a task had ended."""
    terminal.wait_for(lambda text: " of 8 tasks" in text)
    Path("drawn").touch()
    terminal.wait_for(expected)


def shows(expected: str) -> Callable[[str], bool]:
    """Return what looks for this on a screen, which may show the beginning of it at first."""
    return lambda text: steady(text) == expected


def test_the_block_stands_below_what_failed_and_leaves_its_head() -> None:
    with Terminal(*EXECUTE) as terminal:
        wait_for_block(terminal, shows(BLOCK))
        Path("go").touch()
        assert steady(terminal.end()) == LAST
        assert terminal.status == 1


def test_the_block_follows_the_size_of_the_terminal() -> None:
    with Terminal(*EXECUTE) as terminal:
        wait_for_block(terminal, shows(BLOCK))
        for columns, expected in ((40, NARROW), (80, BLOCK)):
            terminal.resize(columns, 24)
            drawn = terminal.draws()
            terminal.wait_for(lambda text, drawn=drawn: terminal.draws() > drawn + 1)
            terminal.wait_for(shows(expected))
        Path("go").touch()
        assert steady(terminal.end()) == LAST


def test_a_low_terminal_shows_what_it_has_room_for() -> None:
    low = re.compile(
        r"\S+  4 of 8 tasks, 1 failed\n.*\n  0/3  2 running  mixed.slow\n"
        r"  worker [12] T  mixed.slow\(N\)"
    )
    with Terminal(*EXECUTE, lines=5) as terminal:
        wait_for_block(terminal, lambda text: low.fullmatch(steady(text)))
        Path("go").touch()
        terminal.end()


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        (["--progress=none"], {}),
        (["--progress=plain"], {}),
        ([], {"TERM": "dumb"}),
        ([], {"JUG_PROGRESS": "none"}),
    ],
    ids=str,
)
def test_without_a_block_a_short_run_says_nothing_but_what_failed(
    options: list[str], environ: dict[str, str]
) -> None:
    Path("go").touch()
    with Terminal(*EXECUTE, *options, **environ) as terminal:
        text = terminal.end()

    assert "\x1b" not in terminal.received.decode()
    assert text.startswith(FAILURE + "Executed  Loaded")


def test_what_goes_through_a_pipe_has_no_block() -> None:
    Path("go").touch()
    jug = f"{sys.executable} -m jug"

    with Terminal(shell=f"{jug} {' '.join(EXECUTE)} | cat") as terminal:
        text = terminal.end()

    assert b"\x1b" not in terminal.received
    assert text.startswith(FAILURE) and "Executed  Loaded" in text  # by two ways


def test_a_command_in_the_background_leaves_the_screen_to_others() -> None:
    Path("go").touch()
    jug = f"{sys.executable} -m jug"

    with Terminal(shell=f"set -m; {jug} {' '.join(EXECUTE)} & wait") as terminal:
        text = terminal.end()

    assert b"\x1b" not in terminal.received
    assert FAILURE in text and "Executed  Loaded" in text


def test_where_no_colour_is_wanted_there_is_none() -> None:
    Path("go").touch()
    with Terminal(*EXECUTE, NO_COLOR="1") as terminal:
        terminal.end()

    assert not re.search(rb"\x1b\[[0-9;]*3[0-9]m", terminal.received)
    assert b"\x1b[K" in terminal.received


def test_a_terminal_without_the_bars_characters_has_a_bar_of_others() -> None:
    Path("go").touch()
    with Terminal(*EXECUTE, PYTHONIOENCODING="latin-1") as terminal:
        text = terminal.end()

    assert re.search(r"^=+ +7 of 8 tasks, 1 failed$", text, re.MULTILINE)


def test_nothing_heavy_is_imported_where_nothing_is_drawn() -> None:
    code = (
        "import sys; from jug.cli import main; main(['execute', 'primes.py'], 'jug', "
        "standalone_mode=False); print('rich' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)

    assert result.stdout.endswith("Total\nFalse\n"), result.stderr


def test_a_word_for_another_display_is_refused() -> None:
    command = [sys.executable, "-m", "jug", "execute", "--progress=loud", "mixed.py"]
    result = subprocess.run(command, text=True, capture_output=True)

    assert result.returncode == 2
    assert "'loud' is not one of 'live', 'plain', 'none'" in result.stderr


def test_what_others_do_is_watched_to_its_end() -> None:
    Path("drawn").touch()
    command = [sys.executable, "-m", "jug", *EXECUTE]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        with Terminal("status", "--watch", "mixed.py") as terminal:
            terminal.wait_for(
                lambda text: (
                    "1 failed" in text
                    and re.search(r"0/3 +2 running +mixed.slow", text)
                    and len(re.findall(r":\d+ .*mixed.slow\([012]\)$", text, re.MULTILINE)) == 2
                )
            )
            Path("go").touch()
            last = terminal.end()
            assert terminal.status == 1

    assert "  7 of 8 tasks, 1 failed" in last
    assert re.search(r"^     1        0      0         0        0  mixed.bad$", last, re.MULTILINE)


def test_whoever_sleeps_until_all_is_done_sees_how_far_it_is() -> None:
    command = [sys.executable, "-m", "jug", "execute", "primes.py"]
    subprocess.run(command, check=True, capture_output=True)

    with Terminal("sleep-until", "primes.py") as terminal:
        text = terminal.end()

    assert steady(text).endswith("  7 of 7 tasks\n T elapsed")
    assert terminal.status == 0


def test_a_copy_shows_how_far_it_is() -> None:
    command = [sys.executable, "-m", "jug", "execute", "primes.py"]
    subprocess.run(command, check=True, capture_output=True)

    with Terminal("copy", "primes.jugdata", "copy.jugdata") as terminal:
        text = terminal.end()

    assert "  7 of 7 results" in text and "Copied 7 results" in text


@pytest.mark.slow
def test_20_000_short_tasks_are_drawn_at_most_300_times() -> None:
    Path("many.py").write_text(
        "from jug import TaskGenerator\n@TaskGenerator\ndef f(n): return n\n"
        "[f(n) for n in range(20_000)]\n"
    )

    with Terminal("execute", "many.py") as terminal:
        text = terminal.end()

    assert "20000 of 20000 tasks" in text
    assert 1 <= terminal.draws() <= 300
