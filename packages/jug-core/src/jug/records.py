"""What runs of tasks leave behind, beside their results, and what their workers say of themselves.

A record travels in the same frame as its result, so it must cost little and be
able to grow.  It is packed: fixed numbers first, then any number of fields,
each a tag, a length and its bytes.  A reader skips tags that it does not know,
so a later version may add fields without a new format.

    start      float64   seconds since the epoch, by the clock of the worker's host
    duration   float64   seconds
    size       uint64    bytes of the encoded result
    memory     uint64    peak memory of the worker so far in bytes, 0 if not measured
    fields     (tag uint8, length uint32, bytes)*

All numbers are little-endian.  A field is UTF-8 text, but for the measures:

    cpu        float64   seconds of processor time
    growth     uint64    bytes by which the worker's peak memory grew
    attempt    uint32    which attempt it was, from 1; 0 if not known

The code is `1:` and twice 12 hexadecimal digits: the scheme, and the fingerprints of the
function and of all that it reaches (`jug.code`).  Records of earlier versions have 16 digits there,
which say nothing that can be compared.

What costs more than a short task can bear is noted for runs of more than 10 ms
and for failures: the measures, and the arguments in short.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from struct import Struct
from struct import error as StructError
from typing import Any, Final

from jug.named_tuple import NamedTuple

Buffer = bytes | bytearray | memoryview
"""Anything that bytes can be read from."""

NUMBERS: Final = Struct("<ddQQ")
"""What a record begins with."""
FIELD: Final = Struct("<BI")
"""The head of a field: its tag and its length."""
MEASURES: Final = Struct("<dQI")
"""The field of the measures."""
FIRST: Final = Struct("<ddQQBI")
"""What a record begins with, and the head of its first field, the name."""

TEXTS: Final = {
    1: "name",
    2: "code",
    3: "exception",
    4: "traceback",
    5: "worker",
    6: "arguments",
    7: "state",
    9: "output",
    10: "source",
}
"""Which fields of a record are texts, by their tags."""
_LAST_TEXT: Final = 7  # of those that stand together in a record
_CODE_TAG: Final = 2
_ARGUMENTS_TAG: Final = 6
STATE_TAG: Final = 7
"""The tag of the field that says what became of a run."""
MEASURES_TAG: Final = 8
"""The tag of the field of the measures."""
_OUTPUT_TAG: Final = 9
_SOURCE_TAG: Final = 10
_LAST: Final = Struct(FIELD.format + MEASURES.format[1:])
_CUT_OFF: Final = "the last field of a record is cut off"


class RunState(StrEnum):
    """What became of a run."""

    FINISHED = "finished"
    """Its result is there, and counts."""
    ADOPTED = "adopted"
    """Its result was brought over from elsewhere, and counts; how long it took is not known."""
    DISCARDED = "discarded"
    """It finished; its result was removed since, or another one counts."""
    FAILED = "failed"
    """Its function raised an exception, or was ended for good."""
    RETRIED = "retried"
    """It failed, and the task had attempts left."""
    GIVEN_BACK = "given back"
    """It was cut short, because its worker was to stop."""
    DIED = "died"
    """Its worker died while it ran."""
    LOST = "lost"
    """Its worker was not heard of any more, and another one took its task over."""
    OUTDATED = "outdated"
    """It was not saved, as what it was made from was removed meanwhile."""
    OTHER = "other"
    """What became of it is said in words of a later version."""

    @classmethod
    def _missing_(cls, value: object) -> RunState:
        return cls.OTHER


class Record(NamedTuple):
    """One run of one task.

    >>> record = Record("primes.is_prime", start=1.5, duration=0.25, size=24)
    >>> unpack(pack(record)) == record
    True
    """

    name: str = ""
    """The task's name, module and function."""
    start: float = 0.0
    """When it began, in seconds since the epoch."""
    duration: float = 0.0
    """How long it took, in seconds."""
    size: int = 0
    """Bytes of the encoded result."""
    memory: int = 0
    """Peak memory of the process in bytes, 0 where it was not measured."""
    code: str = ""
    """The code that ran, as `jug.code` tells it: its scheme and two fingerprints."""
    exception: str = ""
    """For a failure, the exception's type and message."""
    traceback: str = ""
    """For a failure, the traceback of the user's own code."""
    worker: str = ""
    """Who ran it: the worker's id, which the store resolves to host and process."""
    arguments: str = ""
    """Its arguments, each in short, where they were noted."""
    state: str = ""
    """What became of a run that left neither result nor failure, one of `RunState`."""
    cpu: float = 0.0
    """Seconds of processor time, its subprocesses' included; 0 where it was not measured."""
    growth: int = 0
    """Bytes by which the peak memory of the process grew, 0 where it was not measured."""
    attempt: int = 0
    """Which attempt it was, from 1; 0 where it was not noted."""
    output: str = ""
    """The last 64 kB that it and its subprocesses printed, where that was kept."""
    source: str = ""
    """Where `jug adopt` brought the result over from; empty where it was computed."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that say something, for ``--json``."""
        return {name: given for name, given in self._asdict().items() if given not in ("", 0)}

    @property
    def state_of_result(self) -> RunState:
        """What became of the run if its result counts."""
        return RunState.ADOPTED if self.source else RunState.FINISHED

    @property
    def end(self) -> float:
        """When it ended, in seconds since the epoch."""
        return self.start + self.duration


class Run(NamedTuple):
    """One run of one task, as a store remembers it."""

    digest: bytes
    """The task's."""
    state: RunState
    record: Record
    """What was noted of it; its `worker` is the id of the worker."""


def in_order(runs: Iterable[Run]) -> list[Run]:
    """Return runs by the time at which they ended, as their hosts' clocks had it.

    >>> early, late = (Run(b"", RunState.FAILED, Record(start=start)) for start in (1.5, 2.5))
    >>> in_order([late, early]) == [early, late]
    True
    """
    return sorted(runs, key=lambda run: run.record.start + run.record.duration)


def with_state(packed: bytes, state: RunState) -> bytes:
    """Return a packed record that also says what became of the run.

    >>> unpack(with_state(pack(Record("m.f")), RunState.DIED)).state
    'died'
    """
    data = state.encode()
    return packed + FIELD.pack(STATE_TAG, len(data)) + data


def end_of(packed: Buffer) -> float:
    """Return when the run of a packed record ended, in seconds since the epoch."""
    start, duration, *_ = NUMBERS.unpack_from(packed)
    return float(start + duration)


def pack(record: Record) -> bytes:
    """Return the record as bytes."""
    packed, rest = pack_short(*record[:6]), record[6:]
    return packed + _packed_rest(*rest) if any(rest) else packed


def pack_short(
    name: str, start: float, duration: float, size: int, memory: int, code: str
) -> bytes:
    """Return the record of a run of which no more is noted, as bytes.

    >>> unpack(pack_short("primes.is_prime", 1.5, 0.25, 24, 0, "")).duration
    0.25
    """
    return NUMBERS.pack(start, duration, size, memory) + _packed_names(name, code)


@lru_cache(maxsize=4096)
def _packed_names(name: str, code: str) -> bytes:
    """Return the fields that nearly every record has, and nothing else of a short task."""
    data = name.encode("utf-8", "backslashreplace")
    return FIELD.pack(1, len(data)) + data + _packed_text(_CODE_TAG, code)


def _packed_rest(  # what failures and long tasks have beside
    exception: str, traceback: str, worker: str, arguments: str, state: str,
    cpu: float, growth: int, attempt: int, output: str, source: str,
) -> bytes:  # fmt: skip
    texts = enumerate((exception, traceback, worker, arguments, state), start=_CODE_TAG + 1)
    packed = b"".join([_packed_text(tag, text) for tag, text in texts])
    if cpu or growth or attempt:
        packed += FIELD.pack(MEASURES_TAG, MEASURES.size)
        packed += MEASURES.pack(cpu, growth, attempt)
    return packed + _packed_text(_OUTPUT_TAG, output) + _packed_text(_SOURCE_TAG, source)


def _packed_text(tag: int, text: str) -> bytes:
    """Return a field of text, nothing for an empty one."""
    if not text:
        return b""
    data = text.encode("utf-8", "backslashreplace")
    return FIELD.pack(tag, len(data)) + data


def unpack(data: Buffer, worker: str = "") -> Record:
    """Return the record that `pack` was given; `worker` is its worker if it names none.

    Raises ValueError or struct.error for bytes that are none.
    """
    data = bytes(data)
    start, duration, size, memory, _, length = FIRST.unpack_from(data)
    end = FIRST.size + length
    if len(data) > end:  # the code, which nearly every record has
        end += FIELD.size + FIELD.unpack_from(data, end)[1]
    name, rest, used = _known_fields(data[NUMBERS.size : end], worker)
    at = NUMBERS.size + used
    if at != len(data):
        rest = _long_fields(rest, data, at) or _all_fields(name, rest, data, at)
    return _new(Record, (name, start, duration, size, memory) + rest)


def unpack_if_sound(data: Buffer, worker: str = "") -> Record | None:
    """Return the record that `pack` was given, None for bytes that are none.

    >>> unpack_if_sound(b"torn") is None
    True
    """
    try:
        return unpack(data, worker)
    except (StructError, ValueError):
        return None


def run_if_sound(
    digest: bytes, state: RunState | None, packed: bytes, worker: str
) -> Iterator[Run]:
    """Yield the run of a packed record, whose own state counts without one; nothing if damaged.

    >>> [run.state.value for run in run_if_sound(b"", None, pack(Record(state="died")), "")]
    ['died']
    """
    record = unpack_if_sound(packed, worker)
    if record is not None:
        if state is RunState.FINISHED:
            state = record.state_of_result
        yield Run(digest, state or RunState(record.state), record)


_new: Final = tuple.__new__  # a third of the time that the class takes

_Rest = tuple[str, str, str, str, str, str, float, int, int, str, str]
"""The fields of a record from its code on."""


@lru_cache(maxsize=4096)
def _known_fields(packed: bytes, worker: str) -> tuple[str, _Rest, int]:
    """Return the first fields, which runs of one name and worker share, and how far they reach."""
    (name, *rest), end = _fields(["", "", "", "", worker, "", "", 0.0, 0, 0, "", ""], packed, 0)
    return name, tuple(rest), end


def _long_fields(fields: _Rest, data: bytes, at: int) -> _Rest | None:
    """Return the fields with the two that follow in the record of a long run, None for others."""
    tag, length = FIELD.unpack_from(data, at)
    begin = at + FIELD.size
    end = begin + length
    if tag != _ARGUMENTS_TAG or len(data) != end + _LAST.size or data[end] != MEASURES_TAG:
        return None
    _, _, cpu, growth, attempt = _LAST.unpack_from(data, end)
    return (*fields[:4], str(data[begin:end], "utf-8"), fields[5], cpu, growth, attempt, "", "")


def _all_fields(name: str, rest: _Rest, data: bytes, at: int) -> _Rest:
    found, end = _fields([name, *rest], data, at)
    if end != len(data):
        raise ValueError(_CUT_OFF)
    return tuple(found[1:])


def _fields(found: list[Any], data: bytes, at: int) -> tuple[list[Any], int]:
    """Return the fields with those that follow as a whole, and how far these reach."""
    while at + FIELD.size <= len(data):
        tag, length = FIELD.unpack_from(data, at)
        begin = at + FIELD.size
        end = begin + length
        if end > len(data):
            break
        if 0 < tag <= _LAST_TEXT:
            found[tag - 1] = str(data[begin:end], "utf-8")
        elif tag == MEASURES_TAG:
            found[_LAST_TEXT:-2] = MEASURES.unpack_from(data, begin)
        elif tag == _OUTPUT_TAG:
            found[-2] = str(data[begin:end], "utf-8")
        elif tag == _SOURCE_TAG:
            found[-1] = str(data[begin:end], "utf-8")
        at = end
    return found, at
