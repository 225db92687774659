"""A live block is drawn on a terminal that nobody else writes to, and lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from jug.cli.progress import shown_progress
from jug.live import LiveDisplay
from jug.progress.plain import PlainDisplay


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """Return a terminal that can move its cursor."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        monkeypatch.setenv("TERM", "xterm")
        yield stream
        os.close(ours)  # while the other end is open: else some systems wait for who reads it


def kind_of(wish: str | None, stderr: TextIO, stdout: TextIO) -> type | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        patch.setattr(sys, "stdout", stdout)
        with shown_progress(wish) as display:
            return None if display is None else type(display)


def test_a_terminal_has_a_live_block_unless_something_else_is_wished(terminal: TextIO) -> None:
    assert kind_of(None, terminal, terminal) is LiveDisplay
    assert kind_of("plain", terminal, terminal) is PlainDisplay
    assert kind_of("none", terminal, terminal) is None


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_terminal_that_cannot_move_its_cursor_has_lines(
    terminal: TextIO, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)

    assert kind_of(None, terminal, terminal) is PlainDisplay


def test_a_terminal_to_which_a_pipe_may_lead_has_lines(terminal: TextIO) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as pipe:
        assert kind_of(None, terminal, pipe) is PlainDisplay
    os.close(ours)

    assert kind_of(None, terminal, pipe) is LiveDisplay  # it is closed: nothing comes through it
