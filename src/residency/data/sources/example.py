"""A `tf.train.Example` read from its bytes: where its features lie, and their values.

It is a protocol buffer of a few levels: Example { Features { map<string, Feature> } },
where a Feature is a list of bytes, of floats or of whole numbers. Nothing is copied
that is not asked for, so that large images cost an index little.
Reference: [example.proto](https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/example.proto)
and [the encoding](https://protobuf.dev/programming-guides/encoding/).
"""

from collections.abc import Iterator

from residency.data.sources.shards import DamagedError

Span = tuple[int, int]
"""Where bytes begin and end in the file."""
Value = int | Span | None
"""A whole number, or where bytes lie; `None` for floats and empty lists."""

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3  # fields of a Feature
_VARINT, _BYTES = 0, 2  # wire types
_FIXED = {1: 8, 5: 4}  # the other two, and their bytes


def features(file: memoryview, begin: int, end: int) -> dict[str, Span]:
    """Returns where the features of an Example lie, for `first_value`.

    Args:
        file: All bytes of the file.
        begin: Where in it the Example begins.
        end: Where it ends.

    Raises:
        DamagedError: It is no such message.
    """
    found: dict[str, Span] = {}
    for field, inner in _fields(file, begin, end):
        if field != 1 or not isinstance(inner, tuple):
            continue
        for number, entry in _fields(file, *inner):
            if number == 1 and isinstance(entry, tuple):
                pair = dict(_fields(file, *entry))
                name, value = pair.get(1, (0, 0)), pair.get(2, (0, 0))
                if not isinstance(name, tuple) or not isinstance(value, tuple):
                    raise DamagedError("no tf.train.Example, or a damaged one")
                text = str(file[slice(*name)], "utf-8", "replace")
                found[text] = value
    return found


def first_value(file: memoryview, begin: int, end: int) -> Value:
    """Returns the first value of the feature that lies between two places of a file.

    Raises:
        DamagedError: It is no such message.
    """
    for kind, values in _fields(file, begin, end):
        if kind == _FLOAT_LIST or not isinstance(values, tuple):
            continue
        for field, value in _fields(file, *values):
            if field == 1 and kind == _BYTES_LIST and isinstance(value, tuple):
                return value
            if field == 1 and kind == _INT64_LIST:
                if isinstance(value, tuple):  # packed
                    if value[0] == value[1]:
                        continue
                    value, _ = _varint(file, *value)
                return value - (1 << 64) if value >> 63 else value
    return None


def _fields(file: memoryview, at: int, end: int) -> Iterator[tuple[int, int | Span]]:
    """Yields the fields of a message: their number, and their value or place."""
    while at < end:
        key, at = file[at], at + 1
        if key > 0x7F:  # seldom
            key, at = _varint(file, at - 1, end)
        field, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(file, at, end)
            yield field, value
            continue
        if wire == _BYTES:
            length, at = _varint(file, at, end)
        elif wire in _FIXED:
            length = _FIXED[wire]
        else:
            raise DamagedError("no tf.train.Example, or a damaged one")
        if length > end - at:
            raise DamagedError("no tf.train.Example, or a damaged one")
        yield field, (at, at + length)
        at += length


def _varint(file: memoryview, at: int, end: int) -> tuple[int, int]:
    """Returns the number that begins at a place, and the place behind it."""
    value = 0
    for place in range(at, min(end, at + 10)):
        byte = file[place]
        value |= (byte & 0x7F) << 7 * (place - at)
        if byte < 0x80:
            return value & (1 << 64) - 1, place + 1
    raise DamagedError("no tf.train.Example, or a damaged one")
