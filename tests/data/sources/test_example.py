"""Features of examples, against TensorFlow's own bytes and any that are damaged."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residency.data.sources.example import features, first_value
from residency.data.sources.shards import DamagedError, records

from .tfrecords import example

TENSORFLOW = Path(__file__).parent / "tensorflow"


def values_of(file: memoryview, begin: int, end: int) -> dict:
    return {
        name: first_value(file, *span)
        for name, span in features(file, begin, end).items()
    }


NAMES = st.text(max_size=9)
VALUES = st.one_of(
    st.binary(max_size=300),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    st.lists(st.floats(width=32), min_size=1, max_size=3),
)


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=9))
def test_the_first_value_of_each_feature_is_found(values, before):
    file = memoryview(before + example(values))
    found = values_of(file, len(before), len(file))
    assert found.keys() == values.keys()
    for name, value in values.items():
        if isinstance(value, bytes):
            assert bytes(file[slice(*found[name])]) == value
        elif value and isinstance(value[0], int):
            assert found[name] == value[0]
        else:
            assert found[name] is None


@given(st.data())
def test_damage_is_told_and_nothing_else_happens(data):
    whole = example({"image": b"1234", "label": 7, "box": [0.5], "text": b"cat"})
    file = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3)) if file else 0):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DamagedError):
        for found in values_of(memoryview(file), 0, len(file)).values():
            if isinstance(found, tuple):
                assert 0 <= found[0] <= found[1] <= len(file)


def test_numbers_one_by_one_are_read_as_packed_ones():
    unpacked = b"\x0a\x0c\x0a\x0a\x0a\x01n\x12\x05\x1a\x03\x08\xac\x02"
    assert values_of(memoryview(unpacked), 0, len(unpacked))["n"] == 300


def test_what_tensorflow_wrote():
    file = memoryview((TENSORFLOW / "encoded.tfrecord").read_bytes())
    spans = list(records(file))
    found = [values_of(file, *span) for span in spans]
    assert [f["image/class/label"] for f in found] == [1, 1000, 7, 1]
    assert [f["image/object/bbox/label"] for f in found] == [-1] * 4
    assert [f["image/object/bbox/xmin"] for f in found] == [None] * 4
    texts = [bytes(file[slice(*f["image/class/text"])]) for f in found]
    assert texts == [b"tench", b"toilet tissue", b"cock", b"tench"]


def test_what_is_no_example():
    with pytest.raises(DamagedError, match=r"no tf\.train\.Example"):
        features(memoryview(b"\x0f\x01"), 0, 2)
