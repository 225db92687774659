"""Records: packed, and readable by older and newer versions."""

from struct import Struct

from hypothesis import given
from hypothesis import strategies as st

from jug.records import Record, pack, unpack, unpack_if_sound
from jug.run_times import brief_if_sound

TEXT = st.text(max_size=50)
BIG = st.integers(0, 2**64 - 1)
TIMES = st.floats(allow_nan=False)


RECORDS = st.builds(
    Record,
    name=TEXT,
    start=TIMES,
    duration=TIMES,
    size=BIG,
    memory=BIG,
    code=TEXT,
    exception=TEXT,
    traceback=TEXT,
    worker=TEXT,
    arguments=TEXT,
    state=TEXT,
    cpu=TIMES,
    growth=BIG,
    attempt=st.integers(0, 2**32 - 1),
    output=TEXT,
    source=TEXT,
)


@given(RECORDS)
def test_every_record_comes_back_as_it_went_in(record):
    assert unpack(pack(record)) == record
    assert unpack(memoryview(pack(record))) == record


@given(RECORDS)
def test_what_is_brief_of_a_record_is_all_or_nothing(record):
    expected = None
    if not (record.worker or record.state or record.source):
        expected = record.name, record.start, record.duration, record.cpu, record.memory
    assert brief_if_sound(pack(record)) == expected


@given(RECORDS, st.integers(1, 40))
def test_of_a_record_that_is_cut_off_nothing_is_told(record, missing):
    torn = pack(record)[:-missing]
    if unpack_if_sound(torn) is None:
        assert brief_if_sound(torn) is None


def test_a_worker_whose_name_is_as_long_as_the_code_is_not_overlooked():
    assert brief_if_sound(pack(Record("m.f", worker="w" * 16))) is None


def test_a_tag_that_is_not_known_is_skipped():
    field = Struct("<BI")
    unknown = field.pack(200, 3) + b"new" + field.pack(0, 3) + b"old"
    data = pack(Record("m.f", code="c")) + unknown + field.pack(5, 1) + b"w"

    assert unpack(data) == Record("m.f", code="c", worker="w")


def test_text_that_is_not_unicode_is_kept_readable():
    assert unpack(pack(Record(exception="bad \udcff byte"))).exception == "bad \\udcff byte"


def test_a_record_of_a_short_task_is_small():
    assert len(pack(Record("primes.is_prime", 1.0, 0.1, 32, code="0123456789abcdef"))) < 80


def test_as_dict_leaves_out_what_says_nothing():
    assert Record("m.f", start=1.5).as_dict() == {"name": "m.f", "start": 1.5}
