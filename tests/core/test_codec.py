"""What the codec promises, case by case."""

from __future__ import annotations

import mmap
import pickle
import subprocess
import sys
import threading
import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jug.codec import decode, encode, verify
from jug.errors import DamagedResult, DecodeError, EncodeError, StoreFormatError


def encoded(value: Any) -> bytes:
    return b"".join(encode(value))


def back(value: Any) -> Any:
    return decode(encoded(value))


def mapped(path: Path, value: Any) -> memoryview:
    path.write_bytes(encoded(value))
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def address(array: np.ndarray[Any, Any]) -> int:
    return array.__array_interface__["data"][0]


@dataclass
class Model:
    weights: Any
    callback: Any = None


class Slotted:
    __slots__ = ("callback",)


class LooksLikeATask:
    def __jug_dependencies__(self) -> tuple[()]:
        return ()


# Size and layout


def test_a_small_value_is_one_piece_of_tens_of_bytes():
    for value in (True, None, 7, "seven"):
        assert len(encode(value)) == 1
        assert len(encoded(value)) < 50


def test_the_bytes_of_a_bool_never_change():
    expected = "6a756701958a98fe0aaafdf104000000000000000000000040b45ae58005882e"

    assert encoded(True).hex() == expected


def test_large_buffers_lie_on_64_bytes_behind_zeros():
    arrays = [np.full(5001, 7, "u1"), np.full(6001, 9, "u1")]

    data = encoded(arrays)

    first, second = data.index(b"\7" * 5001), data.index(b"\t" * 6001)
    assert first % 64 == second % 64 == 0
    assert data[first + 5001 : second] == bytes(second - first - 5001)
    assert data.endswith(b"\t" * 6001)


def test_a_large_array_deep_in_a_value_is_not_copied_when_written():
    array = np.arange(100_000.0)

    pieces = encode({"deep": [Model(array)]})

    assert any(address(np.frombuffer(piece, "u1")) == address(array) for piece in pieces[1:])
    assert sum(map(len, pieces[:-1])) < 1000


def test_a_slice_stores_what_it_shows_and_not_its_base():
    base = np.zeros((1000, 1000))

    assert len(encoded(base[:10])) < 10 * 1000 * 8 + 1000
    assert len(encoded(base[:, :10])) < 10 * 1000 * 8 + 1000
    assert len(encoded(np.broadcast_to(1.0, (10, 1000)))) < 10 * 1000 * 8 + 1000


def test_a_large_pickle_is_not_joined_to_the_header():
    text = "x" * 1_000_000

    pieces = encode(text)

    assert len(pieces) == 2
    assert decode(b"".join(pieces)) == text


# Arrays


def arrays() -> dict[str, np.ndarray[Any, Any]]:
    cube = np.arange(4 * 6 * 50.0).reshape(4, 6, 50)
    return {
        "plain": cube,
        "fortran": np.asfortranarray(cube),
        "transposed": cube.T,
        "permuted": cube.transpose(1, 0, 2),
        "strided": cube[:, ::2, 1:],
        "strided in one dimension": np.arange(9000)[::3],
        "reversed": cube[::-1],
        "broadcast": np.broadcast_to(np.arange(50), (60, 50)),
        "small": np.arange(3),
        "no dimensions": np.array(2.5),
        "empty": np.empty((0, 3), "f4"),
        "empty items": np.empty(3, "V0"),
        "datetime64": np.arange("1980-01-01", "2020-01-01", dtype="M8[D]"),
        "timedelta64": np.arange(1000).astype("m8[ns]"),
        "big-endian": np.arange(1000, dtype=">i4"),
        "half": np.arange(1000, dtype="f2"),
        "complex": np.arange(1000) * 1j,
        "text": np.array(["a", "longer"] * 500),
        "bytes": np.array([b"a", b"longer"] * 500),
        "variable text": np.array(["a", "longer"] * 500, np.dtypes.StringDType()),
        "structured": np.ones(500, [("a", "i1"), ("b", ">f8"), ("c", "M8[s]", 2)]),
        "aligned": np.ones(500, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        "objects": np.array([None, "x", (1, 2)], dtype=object),
        "records": np.ones(500, [("a", "i1"), ("b", "f8")]).view(np.recarray),
        "matrix": np.ones((30, 40)).view(np.matrix),
    }


@pytest.mark.parametrize("name", arrays())
def test_an_array_comes_back_with_its_type_dtype_shape_order_and_content(name):
    array = arrays()[name]

    loaded = back({"array": array})["array"]

    assert type(loaded) is type(array)
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape
    assert loaded.flags.fnc == array.flags.fnc
    assert loaded.flags.writeable
    if array.dtype.hasobject:
        assert loaded.tolist() == array.tolist()
    else:
        assert loaded.tobytes() == array.tobytes()


@pytest.mark.parametrize("name", ["fortran", "strided", "broadcast", "datetime64", "structured"])
def test_whatever_its_layout_an_array_is_kept_out_of_the_pickle(name):
    array = arrays()[name]

    assert len(encode(array)[0]) < 1000
    assert sum(map(len, encode(array)[1:])) >= array.nbytes


@pytest.mark.parametrize("mask", [np.ma.nomask, True, np.arange(5000) % 7 == 0])
def test_a_masked_array_comes_back_with_mask_fill_value_and_hardness(mask):
    array = np.ma.MaskedArray(np.arange(5000.0), mask, fill_value=-1, hard_mask=True)

    pieces = encode(array)
    loaded = decode(b"".join(pieces))

    assert type(loaded) is np.ma.MaskedArray
    assert len(pieces[0]) < 1000
    assert (loaded.mask is np.ma.nomask) == (array.mask is np.ma.nomask)
    assert loaded.data.tolist() == array.data.tolist()
    assert np.ma.getmaskarray(loaded).tolist() == np.ma.getmaskarray(array).tolist()
    assert loaded.fill_value == -1
    assert loaded.hardmask


def test_the_masked_constant_stays_itself():
    assert back([np.ma.masked])[0] is np.ma.masked


class Labelled(np.ndarray):
    """A subclass with a state of its own, which only its own pickling knows."""

    label = ""

    def __reduce__(self) -> Any:
        made, arguments, state = super().__reduce__()
        return made, arguments, (self.label, state)

    def __setstate__(self, state: Any) -> None:
        self.label, own = state
        super().__setstate__(own)


def test_other_subclasses_of_arrays_are_left_to_their_own_pickling():
    array = np.arange(3000).view(Labelled)
    array.label = "depth"

    loaded = back(array)

    assert type(loaded) is Labelled
    assert loaded.label == "depth"
    assert loaded.tolist() == array.tolist()


def test_an_array_that_stands_twice_in_a_value_is_one_array_again():
    array = np.arange(3000)

    first, second = back([array, array])

    assert first is second


def test_a_read_only_array_stays_read_only():
    for length in (3, 3000):
        array = np.arange(length)
        array.flags.writeable = False

        assert not back(array).flags.writeable


def test_a_data_frame_is_kept_out_of_the_pickle():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.arange(5000), "b": np.arange(5000.0), "c": ["x"] * 5000})

    loaded = back(frame)
    loaded.loc[0, "a"] = 12

    assert len(encode(frame[["a", "b"]])[0]) < 2000
    assert loaded.loc[1:].equals(frame.loc[1:])


# Memory


def test_over_a_private_mapping_an_array_is_the_mapping_and_can_be_written_to(tmp_path):
    memory = mapped(tmp_path / "result", {"array": np.arange(100_000)})

    array = decode(memory)["array"]
    array[0] = 12

    start = address(np.frombuffer(memory, "u1"))
    assert start < address(array) < start + len(memory)
    assert address(array) % 64 == 0
    assert decode((tmp_path / "result").read_bytes())["array"][0] == 0


def test_over_a_bytearray_an_array_is_its_memory():
    memory = bytearray(encoded(np.zeros(5000, "u1")))

    decode(memory)[-1] = 12

    assert memory[-1] == 12


def test_over_read_only_memory_an_array_can_be_written_to_and_the_memory_stays():
    for memory in (data := encoded(np.zeros(5000, "u1")), memoryview(data)):
        decode(memory)[-1] = 12

        assert memory[-1] == 0


def test_memory_at_an_odd_address_gives_an_aligned_array():
    shifted = memoryview(bytearray(b"x" + encoded(np.arange(3000))))[1:]

    array = decode(shifted)

    assert array.flags.aligned
    assert array.flags.writeable
    assert array.tolist() == list(range(3000))


def test_a_value_without_large_arrays_does_not_hold_on_to_the_memory(tmp_path):
    memory = mapped(tmp_path / "result", ["x" * 1000, np.arange(5)])

    value = decode(memory)
    mapping = memory.obj
    memory.release()

    mapping.close()
    assert value[1].tolist() == [0, 1, 2, 3, 4]


def test_numpy_is_not_imported_for_values_without_arrays():
    program = (
        "import sys; from jug.codec import decode, encode; from decimal import Decimal;"
        "decode(b''.join(encode([Decimal(1), {2}]))); sys.exit('numpy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


# What cannot be stored


def slotted(callback: Any) -> Slotted:
    made = Slotted()
    made.callback = callback
    return made


@pytest.mark.parametrize(
    ("value", "path", "kind"),
    [
        (lambda: 0, "result", "function <lambda>"),
        ({"model": Model(1, lambda: 0)}, "result['model'].callback", "function <lambda>"),
        ([1, (2, threading.Lock())], "result[1][1]", "lock"),
        ([slotted(sys)], "result[0].callback", "module"),
        ({1, len, Path.cwd, (lambda: 0)}, "result<element>", "function <lambda>"),
        ({(lambda: 0): 1}, None, "function <lambda>"),
        (defaultdict(lambda: 0), "result<argument 0>", "function <lambda>"),
        (partial(print, end=(lambda: 0)), "result<state>[2]['end']", "function <lambda>"),
        ((number for number in ()), "result", "generator"),
        ([type("Local", (), {})()], "result[0]", "Local"),
        ([type("Local", (), {})], "result[0]", "class Local"),
    ],
)
def test_what_cannot_be_pickled_is_named_by_its_place_and_type(value, path, kind):
    with pytest.raises(EncodeError) as caught:
        encode(value)

    assert path in (caught.value.path, None)
    assert str(caught.value).startswith(f"{caught.value.path} of type '{kind}' cannot be pickled (")
    assert "return plain data in its place" in str(caught.value)


def test_the_fault_is_found_in_a_value_that_contains_itself():
    value: dict[str, Any] = {"number": 1}
    value["self"] = [value]
    value["lock"] = threading.Lock()

    with pytest.raises(EncodeError, match=r"^result\['lock'\] of type 'lock' cannot be pickled"):
        encode(value)


def test_where_only_the_whole_is_at_fault_the_whole_is_named():
    node = type("Local", (), {})()
    node.neighbours = [node]

    with pytest.raises(EncodeError, match="^result of type 'Local' cannot be pickled"):
        encode(node)


class Refuses:
    def __reduce__(self) -> Any:
        raise KeyError("no state")


def test_an_error_in_the_pickling_of_a_users_class_is_told():
    with pytest.raises(EncodeError, match=r"^result\[0\] of type 'Refuses' .*KeyError: 'no state'"):
        encode([Refuses()])


class Positive:
    def __init__(self, number):
        self.number = number

    def __setstate__(self, state):
        if state["number"] < 0:
            raise ValueError("negative")
        self.__dict__.update(state)


class Optional:
    def __init__(self, one, other=None):
        self.given = (one, other) if other is not None else (one,)

    def __reduce__(self):
        return Optional, (*self.given, *("x" for _ in self.given[1:]))


class Unmade(np.ndarray):
    def __reduce__(self):
        return Unmade.made_of, (self.tolist(),)

    @staticmethod
    def made_of(values):
        raise TypeError("can't be made")


@pytest.mark.parametrize(
    ("good", "bad"), [(Positive(1), Positive(-1)), (Optional(1), Optional(1, 2))]
)
def test_an_object_that_cannot_be_read_back_is_refused_after_others_that_can(good, bad):
    encode(good)

    with pytest.raises(EncodeError, match="can be pickled and not unpickled"):
        encode([good, bad])


def test_an_array_of_a_subclass_that_cannot_be_read_back_is_refused():
    for array in (np.ones(2), np.array([None, 1], object)):
        with pytest.raises(EncodeError, match="can be pickled and not unpickled.*'Unmade'"):
            encode(array.view(Unmade))


def test_a_value_nested_too_deeply_says_so():
    deep: list[Any] = []
    for _ in range(200_000):
        deep = [deep]

    with pytest.raises(EncodeError, match="^result of type 'list' .* nested too deeply"):
        encode(deep)

    while deep:  # Freeing it at once would itself be too deep for some Pythons.
        deep = deep.pop()


@pytest.mark.parametrize("where", [lambda t: t, lambda t: [1, t], lambda t: {"a": {t}}, Model])
def test_a_task_in_a_result_is_refused_with_the_way_out(where):
    with pytest.raises(
        EncodeError, match="'LooksLikeATask' cannot be stored: it is a task"
    ) as caught:
        encode(where(LooksLikeATask()))

    assert "return what arrives" in str(caught.value)


def test_the_class_of_tasks_is_a_value_like_any_other():
    assert back([LooksLikeATask]) == [LooksLikeATask]


def test_the_errors_of_the_codec_cross_processes():
    with pytest.raises(EncodeError) as caught:
        encode([threading.Lock()])

    again = pickle.loads(pickle.dumps(caught.value))

    assert str(again) == str(caught.value)
    assert again.path == "result[0]"


# Damage


def test_every_byte_of_an_encoding_counts():
    small = encoded({"a": [1, 2.5, "three"]})
    with_buffers = encoded([np.arange(600), np.arange(5001, dtype="u1")])

    for data in (small, with_buffers):
        for at in range(len(data)):
            damaged = bytearray(data)
            damaged[at] ^= 0x40
            with pytest.raises(DamagedResult):
                decode(damaged)


def test_a_result_cut_anywhere_is_noticed():
    data = encoded([np.arange(600), np.arange(5001, dtype="u1")])

    for length in range(len(data)):
        with pytest.raises(DamagedResult, match="it has .* bytes"):
            decode(data[:length])
        with pytest.raises(DamagedResult):
            decode(data[length + 1 :])


def test_a_byte_too_many_is_noticed():
    for value in (True, np.arange(600)):
        with pytest.raises(DamagedResult, match="it has .* bytes, not "):
            decode(encoded(value) + b"\0")


@pytest.mark.parametrize(
    ("at", "complaint"),
    [
        (1, "it begins with"),
        (14, "its header does not match"),
        (30, "its pickle does not match"),
        (60, "its pickle does not match"),
        (-5001 - 1, "the padding before its buffer 0 is not zero"),
        (-1, "its buffer 0 does not match"),
    ],
)
def test_damage_is_told_by_what_is_wrong(at, complaint):
    damaged = bytearray(encoded(np.arange(5001, dtype="u1")))
    damaged[at] ^= 1

    with pytest.raises(DamagedResult, match=complaint):
        decode(damaged)


def test_a_buffer_of_16_mb_is_checked_by_verify_and_its_length_at_once():
    data = bytearray(encoded({"array": np.zeros(1 << 24, "u1")}))
    verify(data)

    data[-8_000_000] ^= 1

    assert decode(data)["array"].any()
    with pytest.raises(DamagedResult, match="buffer 0"):
        verify(data)
    with pytest.raises(DamagedResult, match="bytes, not"):
        decode(memoryview(data)[:-1])


def test_a_newer_format_is_told_from_damage():
    data = bytearray(encoded(1))
    data[3], data[7] = 2, 2 ^ 0xFF

    with pytest.raises(StoreFormatError, match="in format 2.*upgrade jug-core") as caught:
        decode(data)
    assert caught.value.version == 2

    data[7] = 0
    with pytest.raises(DamagedResult):
        decode(data)


def test_a_result_whose_class_is_gone_is_not_called_damaged():
    pickled = b"cjug\nNoSuchThing\n."
    numbers = b"".join(
        number.to_bytes(size, "little")
        for number, size in ((len(pickled), 8), (0, 4), (zlib.crc32(pickled), 4))
    )
    data = encoded(1)[:8] + zlib.crc32(numbers).to_bytes(4, "little") + numbers + pickled

    verify(data)
    with pytest.raises(DecodeError, match="NoSuchThing.*bring back the module or class"):
        decode(data)


def run_out_of_memory() -> None:
    raise MemoryError


class NeedsMemory:
    def __init__(self, writing: bool) -> None:
        self.writing = writing

    def __reduce__(self) -> Any:
        return run_out_of_memory() if self.writing else (run_out_of_memory, ())


def test_a_lack_of_memory_is_not_taken_for_a_fault_of_the_value():
    with pytest.raises(MemoryError):
        encode([NeedsMemory(writing=True)])
    with pytest.raises(MemoryError):
        decode(encoded([NeedsMemory(writing=False)]))
