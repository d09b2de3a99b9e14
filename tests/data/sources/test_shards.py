"""Records found in a file, against files of TensorFlow and damaged ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residency.data.sources.shards import DamagedError, masked_crc, records

from .tfrecords import record

TENSORFLOW = Path(__file__).parent / "tensorflow"


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_records_are_found_where_they_lie(contents):
    file = memoryview(b"".join(map(record, contents)))
    assert [bytes(file[a:b]) for a, b in records(file)] == contents


@pytest.mark.parametrize("name", ["encoded", "pixels"])
def test_checksums_are_tensorflows(name):
    file = (TENSORFLOW / f"{name}.tfrecord").read_bytes()
    spans = list(records(memoryview(file)))
    assert len(spans) == {"encoded": 4, "pixels": 3}[name]
    for begin, end in spans:
        stored = int.from_bytes(file[end : end + 4], "little")
        assert masked_crc(file[begin:end]) == stored


@given(st.integers(1, 67), st.data())
def test_a_file_that_is_cut_off_is_damaged(end, data):
    whole = record(b"x" * 20) + record(b"y" * 16)
    cut = memoryview(whole)[:end]
    if end == 36:
        assert len(list(records(cut))) == 1
        return
    with pytest.raises(DamagedError, match="cut off at byte"):
        list(records(cut))


def test_another_kind_of_file_is_told_by_its_first_bytes():
    with pytest.raises(DamagedError, match="no record at byte 0"):
        list(records(memoryview(b"\xff\xd8\xff\xe0 a photo and no record")))
