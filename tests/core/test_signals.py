import signal
from collections.abc import Iterator

import pytest

from jug.execution.signals import handle_signals, restore_signals


def ring(signum: int, frame: object) -> None:
    """Handle a signal, which none of these tests sends."""


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Have the signal heeded, which whoever started the tests may have ignored."""
    former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, former)


def test_the_handler_of_before_is_put_back() -> None:
    former = signal.getsignal(signal.SIGHUP)

    before = handle_signals(ring, [signal.SIGHUP])

    assert before == {signal.SIGHUP: former} and signal.getsignal(signal.SIGHUP) is ring
    restore_signals(before)
    assert signal.getsignal(signal.SIGHUP) is former


def test_what_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    assert handle_signals(ring, [signal.SIGHUP]) == {}
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_what_is_handled_in_c_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda signum: None)  # as inside of R

    before = handle_signals(ring, [signal.SIGHUP])

    monkeypatch.undo()
    assert before == {} and signal.getsignal(signal.SIGHUP) is not ring
