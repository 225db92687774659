"""Records of one layout are read as columns just as they are read one by one."""

import re
from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.record_layout import layout_of
from jug.records import Record, pack, unpack, unpack_if_sound

TEXT = st.text(max_size=20)
RECORDS = st.builds(
    Record,
    name=TEXT,
    start=st.floats(allow_nan=False),
    duration=st.floats(allow_nan=False),
    size=st.integers(0, 2**64 - 1),
    memory=st.integers(0, 2**64 - 1),
    code=TEXT,
    exception=TEXT,
    traceback=st.just(""),
    worker=st.just(""),
    arguments=TEXT,
    state=st.just(""),
    cpu=st.floats(0.5, 9.0) | st.just(0.0),
    growth=st.integers(0, 2**64 - 1),
    attempt=st.integers(0, 9),
    output=TEXT,
    source=st.just(""),
)
FIELD = Struct("<BI")


def rows(packed):
    """Return the columns of packed records of one layout, read one by one."""
    layout = layout_of(packed[0])
    read = Struct("<" + layout.format(layout.fields))
    return layout, list(zip(*[read.unpack(record) for record in packed], strict=True))


@given(RECORDS, st.lists(st.floats(0.0, 9.0), min_size=1, max_size=3))
def test_columns_tell_the_same_as_each_record(record, starts):
    packed = [pack(record._replace(start=start)) for start in starts]
    layout, columns = rows(packed)

    assert list(layout.records(columns, "w")) == [unpack(one, "w") for one in packed]
    assert layout.name == record.name


@given(RECORDS, st.sets(st.sampled_from(["start", "duration", "memory", "cpu", "code"])))
def test_some_fields_are_read_alone(record, wanted):
    layout = layout_of(pack(record))
    known = [field for field in layout.fields if field in wanted]
    read = Struct("<" + layout.format(known)).unpack(pack(record))

    found = [str(one, "utf-8") if isinstance(one, bytes) else one for one in read]
    assert found == [getattr(record, field) for field in known]
    assert all(not getattr(record, field) for field in wanted - {*known})


@given(RECORDS, RECORDS)
def test_records_that_agree_where_it_is_told_have_one_layout(first, second):
    one, other = pack(first), pack(second)
    layout = layout_of(one)
    assert re.fullmatch(b"(?s)" + layout.pattern, one)
    agree = len(one) == len(other) and bool(re.fullmatch(b"(?s)" + layout.pattern, other))
    assert agree == (layout_of(other) == layout)


@given(RECORDS, st.integers(1, 40))
def test_a_record_that_is_cut_off_has_no_layout(record, missing):
    torn = pack(record)[:-missing]
    if unpack_if_sound(torn) is None:
        assert layout_of(torn) is None


def test_texts_that_differ_are_told_apart():
    packed = [pack(Record("m.f", arguments=f"n={number}")) for number in (1, 2)]
    layout, columns = rows(packed)
    assert [one.arguments for one in layout.records(columns, "")] == ["n=1", "n=2"]


def test_a_damaged_text_is_told():
    packed = pack(Record("m.f", arguments="abc")).replace(b"abc", b"a\xffc")
    layout, columns = rows([packed])
    with pytest.raises(ValueError, match="utf-8"):
        list(layout.records(columns, ""))


@pytest.mark.parametrize("field", ["worker", "state", "source"])
def test_a_record_that_says_more_has_no_layout(field):
    assert layout_of(pack(Record("m.f", **{field: "said"}))) is None


def test_measures_of_a_later_version_have_no_layout():
    assert layout_of(pack(Record("m.f")) + FIELD.pack(8, 4) + b"more") is None


def test_a_field_that_is_there_twice_has_no_layout():
    twice = pack(Record("m.f", code="c")) + FIELD.pack(2, 1) + b"d"
    assert unpack(twice).code == "d"
    assert layout_of(twice) is None


def test_a_tag_that_is_not_known_is_skipped():
    packed = pack(Record("m.f", 2.5)) + FIELD.pack(200, 3) + b"new"
    layout, columns = rows([packed])
    assert list(layout.records(columns, "")) == [unpack(packed)]
