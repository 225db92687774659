"""The hashes that jug 2.x gave to values.

jug 2.x fed pairs of a label and an element into a SHA-1: of each pair the pickled label,
and then

    what has __jug_hash__     what that returns
    list, tuple               its type, and a pair of number and item for each item
    set, frozenset            the same, of the sorted hashes of its items
    dict                      a pair of the key's hash and the value, sorted by that hash
    numpy.ndarray             type, shape and memory; of objects, pairs as of a list
    anything else             its pickle

The frames have no ends: `[[1], 2]` and `[[1, 2]]` are not told apart everywhere.  So two
tasks may have had one hash, and one result.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final

from jug.adopt.own_hashes import asked_by
from jug.adopt.pickling import PROTOCOL, pickled
from jug.adopt.versions import NEWEST, Dialect, Way
from jug.task.arguments import ATOMS

if TYPE_CHECKING:
    from hashlib import _Hash

    Feeder = Callable[[_Hash, Any], None]

Pairs = Iterable[tuple[Any, Any]]


class Unknown(Exception):
    """Raised for what jug 2.x could not hash."""


class ElementHashes:
    """The hashes of values, in one dialect."""

    def __init__(self, dialect: Dialect = NEWEST) -> None:
        self.dialect = dialect
        self._met: set[Way] = set()
        """The ways that concerned what was hashed."""
        self._feeders: dict[type, Feeder] = {}

    def of_value(self, value: Any) -> bytes:
        """Return what `hash_one` of jug 2.x gave.

        >>> ElementHashes().of_value([1])
        b'4e8b1050576a2f47d890edc1ffb61f7caa7e2835'
        """
        return self._digest(sha1(), [("hash1", value)])

    def update(self, state: _Hash, pairs: Pairs) -> None:
        """Feed labels and elements into a SHA-1, as `hash_update` of jug 2.x did."""
        for label, element in pairs:
            state.update(_label(label) if type(label) in _LABELS else _pickled(label))
            self._feed(state, element)

    def _digest(self, state: _Hash, pairs: Pairs) -> bytes:
        self.update(state, pairs)
        return state.hexdigest().encode()

    def _feed(self, state: _Hash, element: Any) -> None:
        kind = type(element)
        if kind in ATOMS:
            state.update(pickle.dumps(element, PROTOCOL))
            return
        feeder = self._feeders.get(kind)
        if feeder is None:
            feeder = self._feeders[kind] = self._feeder(kind)
        feeder(state, element)

    def _feeder(self, kind: type) -> Feeder:
        for base, feeder in self._own().items():
            if issubclass(kind, base):
                return feeder
        if hasattr(kind, "__jug_hash__") and not issubclass(kind, type):
            return self._feed_own_hash
        numpy = sys.modules.get("numpy")
        if numpy is not None and kind is numpy.ndarray:
            return self._feed_array
        return self._plain().get(kind, self._feed_pickle)

    def _own(self) -> dict[type, Feeder]:
        """Return what feeds objects of classes with an encoding of their own."""
        return {}

    def _plain(self) -> dict[type, Feeder]:
        return {
            list: self._feed_items,
            tuple: self._feed_items,
            dict: self._feed_dict,
            set: self._feed_set,
            frozenset: self._feed_frozenset,
        }

    def _feed_items(self, state: _Hash, items: Any) -> None:
        state.update(b"<class '%s'>" % type(items).__name__.encode())
        self.update(state, enumerate(items))

    def _feed_dict(self, state: _Hash, mapping: dict[Any, Any]) -> None:
        state.update(b"dict")
        pairs = [(self.of_value(key), item) for key, item in mapping.items()]
        self.update(state, sorted(pairs, key=_first))

    def _feed_set(self, state: _Hash, items: Any) -> None:
        state.update(type(items).__name__.encode())
        self.update(state, enumerate(sorted(map(self.of_value, items))))

    def _feed_frozenset(self, state: _Hash, items: frozenset[Any]) -> None:
        self._met.add(Way.PICKLED_FROZENSETS)
        if Way.PICKLED_FROZENSETS in self.dialect:
            self._feed_pickle(state, items)
        else:
            self._feed_set(state, items)

    def _feed_array(self, state: _Hash, array: Any) -> None:
        state.update(b"np.ndarray")
        state.update(pickle.dumps(array.dtype, PROTOCOL))
        state.update(pickle.dumps(array.shape, PROTOCOL))
        if array.dtype.hasobject:
            self.update(state, enumerate(array.flatten().tolist()))
            return
        try:
            memoryview(array)
        except ValueError:  # dates: numpy shows nobody their memory
            raise Unknown from None
        state.update(array.flatten())

    def _feed_own_hash(self, state: _Hash, element: Any) -> None:
        try:
            with asked_by(self):
                state.update(element.__jug_hash__())
        except Exception:
            raise Unknown from None

    def _feed_pickle(self, state: _Hash, element: Any) -> None:
        try:
            state.update(pickled(element, self.dialect, self._met))
        except Exception:
            raise Unknown from None


def _first(pair: tuple[bytes, Any]) -> bytes:
    return pair[0]


def _pickled(label: Any) -> bytes:
    return pickle.dumps(label, PROTOCOL)


_LABELS: Final = frozenset({int, str, bytes})
_label = lru_cache(maxsize=10_000)(_pickled)
"""The same for labels of these types, of which there are many again and again."""
