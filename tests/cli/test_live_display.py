"""The display by itself: what others print above it, and a terminal that stands still."""

from __future__ import annotations

import os
import pty
import select
import tty
from collections.abc import Iterator, Sequence

import pyte
import pytest
from tests.cli.terminal import set_size

from jug.live import LiveDisplay
from jug.live.block import Block, Line
from jug.live.layout import block
from jug.progress import Activity, NameProgress, Snapshot

SNAPSHOT = Snapshot([NameProgress("m.f", 4, 2)], (), 5.0, 1.0, 2.0)

BLOCK = """\
━━━━━━━━━━━━────────────  2 of 4 tasks
1.0 tasks/s, 2 s left, 5 s elapsed
  2/4  m.f"""


class Screen:
    """The far end of a terminal, and a display on it that draws whenever it is asked to."""

    def __init__(self, columns: int = 38, lines: int = 12) -> None:
        self.far, near = pty.openpty()
        tty.setraw(near)
        set_size(near, columns, lines)
        self.stream = os.fdopen(near, "w", encoding="utf-8")
        self.display = LiveDisplay(self.stream)
        self.display.interval = 0.0
        self.screen = pyte.Screen(columns, lines)
        self.screen.set_mode(pyte.modes.LNM)  # a raw terminal turns no newlines into two
        self._feed = pyte.ByteStream(self.screen).feed

    @property
    def near(self) -> int:
        return self.stream.fileno()

    def text(self) -> str:
        while select.select([self.far], [], [], 0)[0]:
            self._feed(os.read(self.far, 1 << 16))
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    os.close(screen.far)  # first: else some systems wait for who reads it
    screen.stream.close()


def test_a_prompt_or_a_bar_is_shown_above_as_a_terminal_would_have_it(screen: Screen) -> None:
    screen.display.write(screen.near, b"name? ")
    screen.display.show(SNAPSHOT)
    assert screen.text() == "name?\n" + BLOCK

    screen.display.write(screen.near, b"\n\r10 %\r\x1b[32m20 %\x1b[0m\x07\r")
    screen.display.show(SNAPSHOT)
    assert screen.text() == "name?\n20 %\n" + BLOCK

    screen.display.write(screen.near, b"\r" + "好".encode() * 50)
    screen.display.show(SNAPSHOT)
    assert screen.text().splitlines()[1].replace(" ", "") == "好" * 18
    assert screen.text().endswith(BLOCK)


def test_lines_are_printed_above(screen: Screen) -> None:
    screen.display.show(SNAPSHOT)
    screen.display.write(screen.near, b"first\nsec")
    assert screen.text() == "first\nsec\n" + BLOCK

    screen.display.write(screen.near, b"ond\n")
    assert screen.text() == "first\nsecond\n" + BLOCK

    screen.display.write(screen.near, b"the last")
    screen.display.close()
    assert screen.text() == "first\nsecond\nthe last\n" + "\n".join(BLOCK.splitlines()[:2])


def test_lines_of_two_descriptors_are_not_mixed(screen: Screen) -> None:
    other = os.dup(screen.near)
    screen.display.show(SNAPSHOT)
    screen.display.write(screen.near, b"to the output, ")
    screen.display.write(other, b"to the errors\n")
    screen.display.write(screen.near, b"later\n")
    os.close(other)

    assert screen.text() == "to the errors\nto the output, later\n" + BLOCK


def test_lines_that_several_have_begun_are_not_joined(screen: Screen) -> None:
    screen.display.show(SNAPSHOT)
    for worker in ("one", "other"):
        screen.display.write(screen.near, f"{worker} ".encode(), worker)
    for worker in ("one", "other"):
        screen.display.write(screen.near, b"waits", worker)
    screen.display.write(screen.near, b"jug: told meanwhile\n")
    screen.display.show(SNAPSHOT)
    assert screen.text() == "jug: told meanwhile\none waits\nother waits\n" + BLOCK

    for worker in ("one", "other"):
        screen.display.write(screen.near, b" no more\n", worker)
    assert screen.text() == (
        "jug: told meanwhile\none waits no more\nother waits no more\n" + BLOCK
    )


def test_of_very_many_lines_that_were_begun_the_oldest_go_above() -> None:
    screen = Screen(lines=40)
    for worker in range(20):
        screen.display.write(screen.near, f"of {worker}".encode(), worker)
    screen.display.write(screen.near, b" ends\n", 19)
    screen.display.write(screen.near, b" goes on\n", 0)
    screen.display.show(SNAPSHOT)

    above = [*(f"of {worker}" for worker in range(12)), "of 19 ends", " goes on"]
    begun = [f"of {worker}" for worker in range(12, 19)]
    assert screen.text() == "\n".join([*above, *begun, BLOCK])
    screen.stream.close()
    os.close(screen.far)


def test_colours_end_with_the_line(screen: Screen) -> None:
    screen.display.show(SNAPSHOT)
    screen.display.write(screen.near, b"\x1b[31mred\nplain\x1b[1m\nnext\n")

    assert screen.text() == "red\nplain\nnext\n" + BLOCK
    characters = screen.screen.buffer
    assert characters[0][0].fg == "red"
    assert {characters[line][0].fg for line in range(1, 5)} == {"default", "cyan"}
    assert not characters[2][0].bold


def test_what_goes_elsewhere_goes_there(screen: Screen) -> None:
    reader, writer = os.pipe()
    screen.display.show(SNAPSHOT)
    screen.display.write(writer, b"into a fi")

    assert os.read(reader, 100) == b"into a fi"
    assert screen.text() == BLOCK
    os.close(reader)
    os.close(writer)


def test_after_a_pause_it_is_drawn_below(screen: Screen) -> None:
    screen.display.show(SNAPSHOT)
    screen.display.pause()
    os.write(screen.near, b"another program\n")
    screen.display.show(SNAPSHOT)

    assert screen.text() == f"{BLOCK}\nanother program\n{BLOCK}"


def test_in_the_background_only_what_others_print_is_written(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.display.show(SNAPSHOT)
    screen.display.pause()
    monkeypatch.setattr("jug.live.display.is_in_background", lambda descriptor: True)
    os.write(screen.near, b"another program\n")
    screen.display.show(SNAPSHOT)
    screen.display.write(screen.near, b"printed by a task\n")
    assert screen.text() == f"{BLOCK}\nanother program\nprinted by a task"

    monkeypatch.undo()
    screen.display.show(SNAPSHOT)
    assert screen.text().endswith(f"another program\nprinted by a task\n{BLOCK}")


def test_a_terminal_that_stands_still_stops_nobody(screen: Screen) -> None:
    screen.display.show(SNAPSHOT)
    written = 0
    while select.select([], [screen.near], [], 0)[1]:
        written += os.write(screen.near, b"x" * 100)
    for _ in range(1000):
        screen.display.show(SNAPSHOT)
        screen.display.write(screen.near, b"told meanwhile\n")
    for _ in range(50):
        screen.text()  # it goes on
        screen.display.show(SNAPSHOT)

    assert written
    assert screen.text().endswith("told meanwhile\n" + BLOCK)


def test_a_shrunken_terminal_is_filled_at_most(screen: Screen) -> None:
    many = Snapshot(
        [NameProgress(f"module.of_a_long_name_{n}", 10, n, 1) for n in range(9)],
        [Activity(f"worker {n}", "module.of_a_long_name_1", float(n)) for n in range(30)],
    )
    for columns in (5, 20, 40, 80, 300):
        for lines in (1, 2, 3, 5, 10, 24, 100):
            drawn = block(many, columns, lines)

            assert len(drawn) <= max(lines - 1, 0)
            assert all(line.cell_len <= columns for line in drawn)


def test_of_many_workers_those_are_shown_that_run_for_longest() -> None:
    ages = [5.0, 1.0, 9.0, 3.0]
    activities = [Activity(f"worker {n}", "m.f", age) for n, age in enumerate(ages, start=1)]
    shown = [str(line) for line in block(SNAPSHOT._replace(activities=activities), 40, 7)]

    assert shown[3:] == ["  worker 1  5.0 s  m.f", "  worker 3  9.0 s  m.f", "… and 2 more workers"]


def test_the_end_of_a_long_name_is_shown() -> None:
    one = NameProgress("a_package.of_many.modules.segmented", 10, 3)
    shown = block(Snapshot([one]), 30, 24)

    assert str(shown[-1]) == "  3/10  …any.modules.segmented"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (60, "  worker 1  5.0 s  a_package.simulate('a text', key=[1, 2])"),
        (45, "  worker 1  5.0 s  …simulate('a text', key=[…"),
        (30, "  worker 1  5.0 s  …e.simulate"),
    ],
)
def test_a_call_is_cut_to_the_width_its_module_first(columns: int, expected: str) -> None:
    running = Activity("worker 1", "a_package.simulate", 5.0, "'a text', key=[1, 2]")
    shown = block(Snapshot([], [running]), columns, 24)

    assert str(shown[-1]) == expected


@pytest.mark.parametrize("name", ["m.a\nb", "m.a\u2028b", "m.a\x1cb", "m.a\udc80b", "m.a\x1b[Jb"])
def test_a_name_takes_one_line_whatever_is_in_it(screen: Screen, name: str) -> None:
    screen.display.show(Snapshot([NameProgress(name, 4, 2)], [Activity("worker 1", name)], 5.0))

    lines = screen.text().splitlines()
    assert len(lines) == 4
    assert all("m.a?" in line for line in lines[2:])


def test_what_a_signal_has_to_tell_while_the_block_is_drawn_comes_with_the_next(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Block.draw

    def interrupted(block: Block, lines: Sequence[Line], above: bytes = b"") -> bool:
        is_drawn = draw(block, lines, above)
        if b"stopping" not in above:
            screen.display.write(screen.near, b"stopping\n")
        return is_drawn

    monkeypatch.setattr(Block, "draw", interrupted)
    screen.display.write(screen.near, b"above\n")
    screen.display.show(SNAPSHOT)

    assert screen.text() == f"above\nstopping\n{BLOCK}"
