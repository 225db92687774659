"""A value to bytes and back: the one format of results in every store.

The idea is to never copy what is large, and to never believe what was not
checked.  The value is pickled (protocol 5) with its large arrays *out of band*:
the pickle says where an array belongs, the array's own memory is written after
it as it is.  Reading maps that memory back, so an array of gigabytes deep inside
a dict is there in constant time.

    offset 0   magic "jug", uint8 version        what every version begins with
           4   uint8[4]                          the same four bytes inverted
           8   uint32 checksum of the next 16 bytes
          12   uint64 length of the pickle
          20   uint32 number of buffers
          24   uint32 checksum of table and pickle
          28   table: (uint64 length, uint32 checksum) for each buffer
               the pickle
               the buffers, each after zeros up to a multiple of 64

All numbers are little-endian and all checksums CRC-32.  The order of the checks
is what makes them certain: the first eight bytes guard each other, so a later
version is not taken for a damaged byte; the first checksum is at a fixed place and
guards the numbers that say what the second covers; both together say how long
the whole must be.  So one wrong byte, or one too few or too many, is never
overlooked by chance.  Buffers under 16 MB are checked when they are read;
larger ones only by `verify`, as that takes time in proportion to their size.

What numpy itself keeps in band (strided, masked, datetime64 arrays) is
brought out of band by `jug._arrays`.  An exact `bytes` or `bytearray` can't be:
pickle writes those itself, so they are copied once on the way.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from io import BytesIO
from struct import Struct
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final
from zlib import crc32

from jug import _arrays
from jug.errors import DamagedResult, DecodeError, EncodeError, JugError, StoreFormatError
from jug.named_tuple import NamedTuple
from jug.records import Buffer
from jug.tracebacks import describe_exception

__all__ = ["Buffer", "decode", "encode", "verify"]

_VERSION: Final = 1
_MAGIC: Final = b"jug"

_ALIGNMENT: Final = 64
_ZEROS: Final = bytes(_ALIGNMENT)

# What is smaller than this is cheaper to copy into the pickle than to align.
_OUT_OF_BAND: Final = 4096

# Joining header and pickle up to here costs less than writing one more piece.
_JOINED: Final = 1 << 16

# A pickle up to here is read back in less than a millisecond.
_CHEAP: Final = 1 << 16

# 16 MB take 8 ms to check: from here on a buffer is left to `verify`.
_LARGE: Final = 1 << 24

_GUARDED: Final = Struct("<QII")
_HEADER: Final = Struct("<8sIQII")
_HEAD_SIZE: Final = _HEADER.size
_GUARDED_FROM: Final = _HEADER.size - _GUARDED.size
_ENTRY: Final = Struct("<QI")
_CHECKSUM: Final = Struct("<I")

# pickle knows how to write these without asking anybody.
_ATOMS: Final = frozenset({type(None), bool, int, float, complex, str, bytes})


def _preamble(version: int) -> bytes:
    plain = _MAGIC + bytes([version])
    return plain + bytes(byte ^ 0xFF for byte in plain)


_PREAMBLE: Final = _preamble(_VERSION)


# Writing


def encode(value: Any) -> list[Buffer]:
    """Return the pieces that, written one after another, are the value.

    A small value is a single piece.  Large arrays are not copied: their pieces
    are views of their memory, to be written before the array changes.

    >>> sum(map(len, encode(True)))
    32
    >>> decode(b"".join(encode({"a": [1, 2]})))
    {'a': [1, 2]}
    """
    if type(value) in _ATOMS:
        return _pieces(pickle.dumps(value, 5), b"", 0)
    buffers: list[memoryview] = []
    try:
        pickled, classes = _pickled(value, buffers)
    except MemoryError:
        raise
    except Exception as error:
        from jug.codec import blame  # needed after a failure alone

        raise blame.explain(value, error, lambda part: _pickled(part, [])) from error
    if not classes <= _restored:
        fresh = classes - _restored
        if len(pickled) < _CHEAP or not fresh <= _met:
            _check_restored(pickled, buffers, fresh)
    table = b"".join([_ENTRY.pack(buffer.nbytes, crc32(buffer)) for buffer in buffers])
    pieces = _pieces(pickled, table, len(buffers))
    return [*pieces, *_aligned(buffers, sum(map(len, pieces)))] if buffers else pieces


def _check_restored(pickled: bytes, buffers: list[memoryview], classes: set[type]) -> None:
    """See that objects of these classes can be read back."""
    try:
        _unpickled(memoryview(pickled), buffers)
    except DecodeError as error:
        names = ", ".join(sorted(repr(cls.__qualname__) for cls in classes))
        raise EncodeError(
            f"it can be pickled and not unpickled ({error.__cause__!r}): return something else, or "
            f"let its class ({names}) say by __reduce__ how it is made"
        ) from error
    new = {cls for cls in classes - _met if not issubclass(cls, BaseException)}
    _met.update(new)
    _restored.update(cls for cls in new if not _says_how(cls))


def _says_how(cls: type) -> bool:
    """Return whether the user's own code pickles and unpickles objects of a class."""
    methods = [getattr(cls, name, None) for name in _PICKLED_BY]
    return any(isinstance(m, FunctionType) and not _is_of_library(m) for m in methods)


def _is_of_library(f: FunctionType) -> bool:
    file = f.__code__.co_filename
    return file.startswith(_OF_PYTHON) or not _PACKAGES.isdisjoint(file.split(os.sep))


class _Pickler(pickle.Pickler):
    """Takes arrays out of band, refuses tasks, and notes the classes of all objects."""

    classes: set[type]

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        # Only arrays have it, so numpy need not be looked for.
        if hasattr(kind, "__array_finalize__"):
            reduced = _arrays.reduce(obj)
            if reduced is NotImplemented:
                self.classes.add(kind)
            return reduced
        if hasattr(kind, "__jug_dependencies__"):
            raise EncodeError(
                "it is a task, not a value: pass it as an argument and return what arrives"
            )
        self.classes.add(kind)
        return NotImplemented


_restored: Final[set[type]] = {type, FunctionType, BuiltinFunctionType}
"""Classes of which an object was read back in this process, and so any other can be."""

_met: Final[set[type]] = set()
"""Classes of which one object was read back.  Where the user's own code does that, it may
fail for the next: such objects are looked at each time, as long as that costs little.
Exceptions are looked at each time: whether one can be read back depends on its arguments."""

_OF_PYTHON: Final = (os.path.dirname(os.__file__) + os.sep, "<")
_PACKAGES: Final = {"site-packages", "dist-packages"}
_PICKLED_BY: Final = ("__reduce__", "__reduce_ex__", "__setstate__", "__getnewargs__")


def _pickled(value: Any, buffers: list[memoryview]) -> tuple[bytes, set[type]]:
    """Return the pickle and the classes in it, and add to `buffers` what belongs to it."""

    def is_in_band(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _OUT_OF_BAND:
            return True
        buffers.append(raw)
        return False

    file = BytesIO()
    pickler = _Pickler(file, 5, buffer_callback=is_in_band)
    pickler.classes = set()
    pickler.dump(value)
    return file.getvalue(), pickler.classes


def _pieces(pickled: bytes, table: bytes, count: int) -> list[Buffer]:
    """Return the header, the table and the pickle."""
    guarded = _GUARDED.pack(len(pickled), count, crc32(pickled, crc32(table)))
    head = _PREAMBLE + _CHECKSUM.pack(crc32(guarded)) + guarded + table
    return [head + pickled] if len(pickled) < _JOINED else [head, pickled]


def _aligned(buffers: list[memoryview], end: int) -> Iterator[Buffer]:
    """Yield the buffers that follow `end` bytes, with the padding before them."""
    for buffer in buffers:
        padding = _ZEROS[: -end % _ALIGNMENT]
        if padding:
            yield padding
        yield buffer
        end += len(padding) + len(buffer)


# Reading


def decode(buffer: Buffer) -> Any:
    """Return the value that was encoded.

    Large arrays refer to the given memory and keep it alive: over a private
    mapping or a bytearray they can be written to.  Memory that is read-only is
    copied once, so that they can be written to all the same.

    Raises `DamagedResult` for bytes that are not what was encoded; a buffer of
    16 MB or more is left to `verify`.
    """
    data = memoryview(buffer)
    end, buffers = _open(data)
    if not buffers:
        return _unpickled(data[_HEAD_SIZE:end], ())
    _check_buffers(data, end, buffers, below=_LARGE)
    if data.readonly:
        data = memoryview(bytearray(data))
    start = _HEAD_SIZE + len(buffers) * _ENTRY.size
    return _unpickled(data[start:end], [data[place] for place, _ in buffers])


def verify(buffer: Buffer) -> None:
    """Return if every byte is what was encoded, else raise `DamagedResult`."""
    data = memoryview(buffer)
    _check_buffers(data, *_open(data), below=len(data))


_MOVED: Final = {
    "jug._arguments": "jug.task",
    "jug._describe": "jug.task",
    "jug._generator": "jug.task",
    "jug._run": "jug",
    "jug._task": "jug.task",
    "jug._tasklet": "jug.task",
}
"""Where to find what a stored result has from a module that is not there any more."""


class _MovedUnpickler(pickle.Unpickler):
    """Finds what a result names by the former name of its module."""

    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(_MOVED.get(module, module), name)


def _unpickled(pickled: memoryview, buffers: Sequence[memoryview]) -> Any:
    try:
        try:
            return pickle.loads(pickled, buffers=buffers)
        except ModuleNotFoundError as error:
            if error.name not in _MOVED:
                raise
            return _MovedUnpickler(BytesIO(pickled), buffers=buffers).load()
    except MemoryError:
        raise
    except Exception as error:
        raise DecodeError(
            "the result is whole but cannot be made into a value again "
            f"({describe_exception(error)}): bring back the module or class that it needs, "
            "or invalidate its task"
        ) from error


def _open(data: memoryview) -> tuple[int, Sequence[_Placed]]:
    """Return where the pickle ends, and the buffers, which alone are unchecked yet."""
    if len(data) < _HEAD_SIZE:
        raise _too_short(data, _HEAD_SIZE)
    preamble, guard, length, count, checksum = _HEADER.unpack_from(data)
    if preamble != _PREAMBLE:
        raise _not_ours(preamble)
    if crc32(data[_GUARDED_FROM:_HEAD_SIZE]) != guard:
        raise _damaged("its header does not match its checksum")
    start = _HEAD_SIZE + count * _ENTRY.size
    end = start + length
    if len(data) < end:
        raise _too_short(data, end)
    if crc32(data[_HEAD_SIZE:end]) != checksum:
        raise _damaged("its pickle does not match its checksum")
    buffers = list(_places(data[_HEAD_SIZE:start], end)) if count else ()
    last = buffers[-1].place.stop if buffers else end
    if len(data) != last:
        raise _damaged(f"it has {len(data)} bytes, not {last}")
    return end, buffers


class _Placed(NamedTuple):
    """Where a buffer lies and what its checksum is."""

    place: slice
    checksum: int


def _places(table: memoryview, end: int) -> Iterator[_Placed]:
    """Yield the buffers of a table that follow `end` bytes."""
    for length, checksum in _ENTRY.iter_unpack(table):
        start = end + -end % _ALIGNMENT
        end = start + length
        yield _Placed(slice(start, end), checksum)


def _check_buffers(data: memoryview, end: int, buffers: Sequence[_Placed], below: int) -> None:
    """Check the padding before each buffer, and the content of those shorter than `below`."""
    for number, (place, checksum) in enumerate(buffers):
        if data[end : place.start] != _ZEROS[: place.start - end]:
            raise _damaged(f"the padding before its buffer {number} is not zero")
        end = place.stop
        if end - place.start < below and crc32(data[place]) != checksum:
            raise _damaged(f"its buffer {number} does not match its checksum")


def _not_ours(preamble: bytes) -> JugError:
    """Return the error for what does not begin as results of this version do."""
    version = preamble[len(_MAGIC)]
    if version > _VERSION and preamble == _preamble(version):
        return StoreFormatError(
            f"the result is in format {version}, and the newest known here is {_VERSION}: "
            "upgrade jug-core",
            version=version,
        )
    return _damaged(f"it begins with {preamble!r}, not with {_PREAMBLE!r}")


def _too_short(data: memoryview, least: int) -> DamagedResult:
    return _damaged(f"it has {len(data)} bytes, and at least {least} are needed")


def _damaged(reason: str) -> DamagedResult:
    return DamagedResult(f"the result is damaged: {reason}")
