"""What a command says that waits for long."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from jug.cli import long_wait
from jug.status import State, Status


class NobodyAtWork:
    """A store in which nobody holds a task."""

    def holders(self) -> dict[bytes, Any]:
        return {}


@pytest.mark.parametrize(
    ("ready", "told"),
    [
        ({"main.f": 0, "main.g": 2}, ["waiting for tasks that nobody has begun: 2 of main.g; "]),
        ({"main.f": 0}, []),
    ],
)
def test_names_of_which_nothing_is_left_are_not_told(
    ready: dict[str, int],
    told: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(long_wait, "time", SimpleNamespace(monotonic=lambda: clock.now))
    status, store, wait = Status(), NobodyAtWork(), long_wait.LongWait()
    status.counts[State.READY].update(ready)

    clock.now = 60.0
    wait.tell_if_time(store, [], status)  # type: ignore[arg-type]

    assert [message.partition("`")[0] for message in caplog.messages] == told
