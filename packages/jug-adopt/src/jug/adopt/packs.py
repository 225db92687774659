"""Many results in one pickle: packs, and the files of dict_stores.

Such a pickle is read in two ways.  For the hashes, which are plain bytes, nothing runs:
no name in it means anything.  For the values of a pack all of it runs; what fails then
spoils only the values that it is in.
"""

from __future__ import annotations

import os
import pickle
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

from jug.adopt.contents import HASH_LENGTH, RAISED, Unreadable, inflated, module_today
from jug.tracebacks import describe_exception

Names = dict[tuple[str, str], Any]
"""What a pickle names, by module and name; None for what is not there."""


class Lost:
    """Stands for an object that can't be made, in a pickle that holds others as well."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __reduce__(self) -> NoReturn:
        """Tell what is wrong with the value that it is in."""
        raise Unreadable(f"it can't be made into a value: {self.why}")

    def __setstate__(self, state: Any) -> None:
        """Ignore what the object was made of."""


class Pack:
    """The small results of a jugdir, in one file; it may not be there.

    The values are made when one is first asked for, which runs what is pickled in them, and
    again once what they name is another thing: the jugfile that has their classes was read
    further.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content, self.written = _read(path)
        """The time of the file is the latest at which any of it was computed."""
        self.hashes, is_whole = keys_in_pack(self._content) if self._content else (set(), True)
        self.damage = "" if is_whole else self._damaged("what was in the rest of it is not known")
        self._names: Names = {}
        self._values: dict[bytes, Any] | None = None
        self._has_lost = False

    def value(self, hash: bytes) -> Any:
        """Return a value; raise `Unreadable` if not all of it can be made."""
        if self.damage:
            raise Unreadable("the pack that it is in is cut short or damaged")
        if self._values is None or not _are_still(self._names):
            self._values = self._made()
        value = self._values[hash]
        if self._has_lost:
            _look_for_lost(value)
        return value

    def _made(self) -> dict[bytes, Any]:
        try:
            pickled = inflated(self._content)[1:]
            self._has_lost = False
            with suppress(*RAISED):
                return self._unpickled(_Unpickler, pickled)
            self._has_lost = True
            return self._unpickled(_ForgivingUnpickler, pickled)  # slow, so tried last
        except Exception as error:
            self.damage = self._damaged(describe_exception(error))
            raise Unreadable("the pack that it is in is cut short or damaged") from error

    def _unpickled(
        self, unpickler: type[_Unpickler | _ForgivingUnpickler], pickled: bytes
    ) -> dict[bytes, Any]:
        self._names = {}
        values = unpickler(BytesIO(pickled), self._names).load()
        if not isinstance(values, dict):
            raise TypeError("it is no dict of results")
        return values

    def _damaged(self, how: str) -> str:
        return f"the pack {str(self._path)!r} is cut short or damaged: {how}"


def _look_for_lost(value: Any) -> None:
    """Raise `Unreadable` if there is a `Lost` in a value, which tells it when it is pickled."""
    try:
        pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Unreadable:
        raise
    except Exception:  # what can't be pickled for another reason is told when it is saved
        return


def _read(path: Path) -> tuple[bytes, float]:
    """Return the content of a file and its time; nothing of one that is not there."""
    try:
        with open(path, "rb") as file:
            return file.read(), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return b"", 0.0


def _are_still(names: Names) -> bool:
    return all(_named(*name) is found for name, found in names.items())


def _named(module: str, name: str) -> Any:
    """Return what has a name now, None if nothing; no module is imported for that."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


class _Unpickler(pickle.Unpickler):
    """Notes what it finds by name."""

    def __init__(self, file: BytesIO, names: Names) -> None:
        super().__init__(file)
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        module = module_today(module)
        found = super().find_class(module, name)
        _note(self._names, module, name, found)
        return found


def _note(names: Names, module: str, name: str, found: Any) -> None:
    if _named(module, name) is found:  # else it can't be seen whether it changes
        names[module, name] = found


# What fails as it is read


class _ForgivingUnpickler(pickle._Unpickler):
    """Reads what it can, and has a `Lost` in place of what can't be made."""

    stack: list[Any]
    memo: dict[int, Any]
    append: Callable[[Any], None]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {**pickle._Unpickler.dispatch}

    def __init__(self, file: BytesIO, names: Names) -> None:
        super().__init__(file)
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        module = module_today(module)
        try:
            found = super().find_class(module, name)
        except RAISED as error:
            _note(self._names, module, name, None)
            return Lost(describe_exception(error))
        _note(self._names, module, name, found)
        return found

    def load_reduce(self) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        self.append(_called(function, *args))

    def load_newobj(self) -> None:
        args, cls = self.stack.pop(), self.stack.pop()
        self.append(_called(_new, cls, *args))

    def load_newobj_ex(self) -> None:
        kwargs, args, cls = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.append(_called(_new, cls, *args, **kwargs))

    def lose(self, why: str) -> None:
        """Replace the object on top, here and where it is kept to be used again."""
        broken = self.stack[-1]
        if not isinstance(broken, Lost):
            lost = self.stack[-1] = Lost(why)
            kept = [number for number, one in self.memo.items() if one is broken]
            self.memo.update(dict.fromkeys(kept, lost))

    dispatch |= {
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.NEWOBJ_EX[0]: load_newobj_ex,
    }


def _called(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Return what a function makes of arguments, or `Lost`, also if it is given one."""
    for one in (function, *args, *kwargs.values()):
        if isinstance(one, Lost):
            return one
    try:
        return function(*args, **kwargs)
    except RAISED as error:
        return Lost(describe_exception(error))


def _new(cls: Any, *args: Any, **kwargs: Any) -> Any:
    return cls.__new__(cls, *args, **kwargs)


def _forgiving(step: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a step that fills the object on top, and loses it if that fails."""

    def fill(reader: _ForgivingUnpickler) -> None:
        try:
            step(reader)
        except RAISED as error:
            reader.lose(describe_exception(error))

    return fill


_FILLING: Final = (
    pickle.APPEND, pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS, pickle.ADDITEMS, pickle.BUILD
)  # fmt: skip

for _opcode in _FILLING:
    _ForgivingUnpickler.dispatch[_opcode[0]] = _forgiving(pickle._Unpickler.dispatch[_opcode[0]])


# Hashes


class _Inert:
    """Stands for anything that a pickle names, and does nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> _Inert:
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None: ...
    def __setitem__(self, key: Any, item: Any) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> _Inert:
        return self

    def append(self, item: Any) -> None: ...
    def extend(self, items: Any) -> None: ...
    def add(self, item: Any) -> None: ...
    def __hash__(self) -> int:
        return 0


class _InertUnpickler(pickle._Unpickler):
    """Reads a pickle without calling anything that it names."""

    stack: list[Any]
    metastack: list[list[Any]]

    def find_class(self, module: str, name: str) -> Any:
        return _Inert

    def get_extension(self, code: int) -> None:
        self.append(_Inert)  # type: ignore[attr-defined]

    def keys(self) -> set[bytes]:
        """Return the hashes in what was read, however far that went."""
        found: set[bytes] = set()
        for level in (*getattr(self, "metastack", ()), getattr(self, "stack", [])):
            for one in level:
                found.update(_hashes(one if isinstance(one, dict) else [one]))
        return found


def _hashes(keys: Any) -> list[bytes]:
    return [key for key in keys if isinstance(key, bytes) and len(key) == HASH_LENGTH]


def keys_in_pack(content: bytes) -> tuple[set[bytes], bool]:
    """Return the hashes of the results in a pack, and whether all of it was there to read.

    Nothing that is pickled in it runs.  Of one that is cut short, those in what is left.
    """
    stream = zlib.decompressobj()
    try:
        pickled = stream.decompress(content)
    except zlib.error:
        return set(), False
    unpickler = _InertUnpickler(BytesIO(pickled[1:]))
    try:
        return set(_hashes(unpickler.load())), stream.eof
    except Exception:
        return unpickler.keys(), False


def plain_dict(pickled: bytes) -> dict[bytes, bytes]:
    """Return a pickled dict of bytes, as the file of a dict_store is one; nothing in it runs."""
    try:
        found = _InertUnpickler(BytesIO(pickled)).load()
    except Exception as error:
        raise Unreadable(f"it is cut short or damaged: {describe_exception(error)}") from None
    return {k: v for k, v in found.items() if isinstance(k, bytes) and isinstance(v, bytes)}
