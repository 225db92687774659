"""Texts of tasks, which must not become arguments of other tasks.

While a jugfile is read a task has no value, so an f-string with a task in it says
nothing of the result.  The text of a task ends with a mark of its hash.  Once a task
was turned into text, each text that is hashed, also as bytes or in an array, is looked
through for such marks; until then it costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from jug.errors import HashError
from jug.hash.containers import atoms, leaves
from jug.hash.framing import memory, text
from jug.hash.texts import watchers

_MARK: Final = "#"
_DIGITS: Final = 16

_told: dict[str, str] = {}
"""The names of tasks that were turned into text, by the digits in the text."""


def mark_of(hexdigest: str, name: str) -> str:
    """Return what the text of a task ends with, to be found again in other texts."""
    if not _told:
        atoms[str] = leaves[str] = _text
        atoms[bytes] = leaves[bytes] = _bytes
        watchers.append(lambda joined: look_through((joined,)))
    digits = hexdigest[:_DIGITS]
    _told[digits] = name
    return _MARK + digits


def look_through(texts: Iterable[str | bytes]) -> None:
    """Raise `HashError` if one of the texts has the mark of a task in it."""
    if _told:
        for one in texts:
            _refuse_mark(one if isinstance(one, str) else one.decode("latin-1"))


def _refuse_mark(value: str) -> None:
    at = value.find(_MARK)
    while at >= 0:
        name = _told.get(value[at + 1 : at + 1 + _DIGITS].lower())
        if name is not None:
            raise HashError(
                f"it holds the text of task {name!r}, which has no value yet: pass the task itself,"
                " and make the text of its value inside the function"
            )
        at = value.find(_MARK, at + 1)


def _text(value: str) -> bytes:
    _refuse_mark(value)
    return text(value)


def _bytes(value: bytes) -> bytes:
    look_through((value,))
    return memory(value)
