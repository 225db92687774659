"""Encodings of arrow's arrays, tables and scalars.

By the type, what is missing, and the values.  Numbers and times are hashed as memory
and, inside lists and structs, times as numbers: Python's own times are coarser.  How a
column is cut into chunks does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
from pyarrow import compute, types

from jug.errors import HashError
from jug.hash.containers import Encoder
from jug.hash.framing import content
from jug.hash.objects import by_stand_in
from jug.hash.texts import Encoded, texts_in

_IN_TEXTS: Final = frozenset("<>:,")
"""What is between names in the text of a type."""

_FIXED: Final = tuple(getattr(pa, name) for name in ("UuidType", "Bool8Type") if hasattr(pa, name))
"""Extension types of arrow's own that are nothing but their name."""


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of arrow's, None if it has no other."""
    for ancestor, stand_in in _STAND_INS.items():
        if issubclass(cls, ancestor):
            return by_stand_in(f"pyarrow.{ancestor.__name__}", stand_in)
    return None


def column(array: Any) -> Any:
    """Return what an array, whole or in chunks, holds, as plain values and bytes."""
    array = _whole(array)
    missing = array.is_null()
    holes = missing.to_pylist() if array.null_count else None
    return (_describe(array.type), len(array), holes, _values(_in_numbers(array)))


def strings(array: Any) -> Encoded:
    """Return what stands for the strings in an array, in which a missing one is empty."""
    whole = _whole(array).cast(pa.large_string())
    if whole.null_count:
        whole = whole.fill_null("")
    _refuse_broken(whole)
    lengths = compute.utf8_length(whole).cast(pa.uint32())
    return Encoded(texts_in([(_memory(lengths), _characters(whole))]))


def _refuse_broken(whole: Any) -> None:
    """Raise `HashError` if an array of strings is none: arrow does not look at what it reads."""
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid as error:
        raise HashError(f"its strings are not UTF-8: {error}") from error


def _characters(whole: Any) -> memoryview | bytes:
    """Return the characters of an array of strings as they are in memory."""
    _, offsets, characters = whole.buffers()
    if not len(whole) or characters is None:
        return b""
    offsets = memoryview(offsets).cast("q")
    start, stop = offsets[whole.offset], offsets[whole.offset + len(whole)]
    return memoryview(characters)[start:stop]


def _whole(array: Any) -> Any:
    if isinstance(array, pa.ChunkedArray):
        return pa.concat_arrays(array.chunks or [pa.array([], array.type)])
    return array


def _describe(kind: Any) -> Any:
    """Return what a type is: its text, and what it is made of where that does not tell all."""
    return str(kind) if _is_told(kind) else (str(kind), *_parts(kind))


def _is_told(kind: Any) -> bool:
    """Return whether the text of a type can be read in one way only and leaves out nothing."""
    if isinstance(kind, _FIXED):
        return True
    if isinstance(kind, pa.BaseExtensionType):
        return False
    return all(map(_is_told, _inner(kind))) and not any(
        field.metadata or _IN_TEXTS & {*field.name} for field in _fields(kind)
    )


def _parts(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, pa.ExtensionType):
        serialized = kind.__arrow_ext_serialize__()
        return (type(kind), kind.extension_name, serialized, _describe(kind.storage_type))
    if isinstance(kind, pa.BaseExtensionType):
        return (kind.extension_name, _describe(kind.storage_type))
    inner = [_describe(one) for one in _inner(kind)]
    return (inner, [(one.name, one.nullable, one.metadata) for one in _fields(kind)])


def _fields(kind: Any) -> list[Any]:
    return [kind.field(i) for i in range(kind.num_fields)]


def _inner(kind: Any) -> list[Any]:
    """Return the types that a type is made of."""
    if types.is_dictionary(kind):
        return [kind.index_type, kind.value_type]
    return [field.type for field in _fields(kind)]


def _in_numbers(array: Any) -> Any:
    """Return the same with numbers in place of times."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if types.is_run_end_encoded(array.type):
        array = compute.run_end_decode(array)
    numbers = _type_in_numbers(array.type)
    return array if numbers == array.type else array.cast(numbers)


def _type_in_numbers(kind: Any) -> Any:
    if types.is_timestamp(kind) or types.is_time64(kind) or types.is_duration(kind):
        return pa.int64()
    if types.is_date(kind) or types.is_time32(kind):
        return pa.int32() if kind.bit_width == 32 else pa.int64()
    if types.is_dictionary(kind):
        return _type_in_numbers(kind.value_type)
    if types.is_map(kind):
        return pa.map_(_type_in_numbers(kind.key_type), _type_in_numbers(kind.item_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(_type_in_numbers(kind.value_type), kind.list_size)
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.large_list(_type_in_numbers(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([field.with_type(_type_in_numbers(field.type)) for field in kind])
    return _unchanged(kind)


def _unchanged(kind: Any) -> Any:
    """Return a type in which there are no times, as far as arrow can't cast what it holds."""
    if any(_type_in_numbers(field.type) != field.type for field in _fields(kind)):
        raise HashError(f"an arrow array of type {kind} has no hash: pass its parts one by one")
    return kind


def _values(array: Any) -> Any:
    kind = array.type
    if types.is_string(kind) or types.is_large_string(kind) or _is_view(kind):
        return strings(array)
    if not (types.is_integer(kind) or types.is_floating(kind)):
        return array.to_pylist()
    whole = array.fill_null(pa.scalar(0, kind)) if array.null_count else array
    return Encoded(b"b" + content(_memory(whole)))


def _is_view(kind: Any) -> bool:
    return hasattr(types, "is_string_view") and types.is_string_view(kind)


def _memory(numbers: Any) -> memoryview | bytes:
    """Return numbers of which none is missing as they are in memory."""
    width = numbers.type.bit_width // 8
    start = numbers.offset * width
    memory = numbers.buffers()[1]
    return memoryview(memory)[start : start + len(numbers) * width] if memory else b""


def _table(table: Any) -> Any:
    columns = [column(part) for part in table.columns]
    unusual = {
        i: (field.nullable, field.metadata)
        for i, field in enumerate(table.schema)
        if field.metadata or not field.nullable
    }
    whole = (table.num_rows, table.column_names, columns, table.schema.metadata)
    return (*whole, unusual) if unusual else whole


def _scalar(scalar: Any) -> Any:
    return column(pa.array([scalar], scalar.type))


_STAND_INS: Final[dict[type, Callable[[Any], Any]]] = {
    pa.Array: column,
    pa.ChunkedArray: column,
    pa.Table: _table,
    pa.RecordBatch: _table,
    pa.Scalar: _scalar,
    pa.DataType: _describe,
}
