"""Exceptions are code of the user's too: whatever they do, what is said of them is made."""

import pytest

from jug.tracebacks import describe_exception, own_traceback


class Bare(BaseException):
    pass


class Ends(Exception):
    def __str__(self):
        raise SystemExit(3)


class Interrupts(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class Counts(Exception):
    def __str__(self):
        return 5


class Nowhere(Exception):
    pass


Nowhere.__module__ = None


class Closed(Exception):
    def __getattribute__(self, name):
        raise RuntimeError(f"nothing to see: {name}")


class Untraced(Exception):
    __traceback__ = 5


class BadNote:
    def __str__(self):
        raise SystemExit(9)

    __repr__ = __str__


def noted(*notes):
    error = ValueError("noted")
    error.__notes__ = list(notes)
    return error


LONG = type("X" * 3_000_000, (Exception,), {})

KINDS = {
    "bare": (Bare("b"), "Bare: b"),
    "ends": (Ends(), "Ends: <its text can't be made: SystemExit>"),
    "interrupts": (Interrupts(), "Interrupts: <its text can't be made: KeyboardInterrupt>"),
    "counts": (Counts(), "Counts: <its text can't be made: TypeError>"),
    "nowhere": (Nowhere("n"), "Nowhere: n"),
    "closed": (Closed("c"), "Closed: c"),
    "untraced": (Untraced("u"), "Untraced: u"),
    "bad note": (noted(BadNote()), "ValueError: noted"),
    "long note": (noted("x" * 5_000_000), "ValueError: noted"),
    "bad text": (SyntaxError("x", ("f", "a", "b", 3)), "SyntaxError: x (f)"),
    "long name": (LONG("l"), "XXX"),
    "group": (ExceptionGroup("g", [ValueError(1)]), "ExceptionGroup: g (1 sub-exception)"),
}


def raise_it(error):
    raise error


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_of_any_exception_is_short_and_shows_where_it_was_raised(kind):
    error, expected = KINDS[kind]
    try:
        raise_it(error)
    except BaseException as caught:
        said, trace = describe_exception(caught), own_traceback(caught)

    assert expected in said
    assert len(said) < 3000
    assert "in raise_it" in trace
    assert len(trace) < 101_000
