"""Writes TFRecord files of examples, by the formats' descriptions."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from residency.data.sources.shards import masked_crc

Value = bytes | int | Sequence[int] | Sequence[float]


def example(values: Mapping[str, Value]) -> bytes:
    """Returns a `tf.train.Example` of features: bytes, whole numbers or floats."""
    entries = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, _feature(value)))
        for name, value in values.items()
    )
    return _field(1, entries)


def record(data: bytes) -> bytes:
    """Returns a record of some bytes."""
    length = struct.pack("<Q", len(data))
    sums = (struct.pack("<I", masked_crc(part)) for part in (length, data))
    return length + next(sums) + data + next(sums)


def write_shard(path: Path, examples: Sequence[Mapping[str, Value]]) -> Path:
    """Writes a shard; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(record(example(values)) for values in examples))
    return path


def _feature(value: Value) -> bytes:
    if isinstance(value, bytes):
        return _field(1, _field(1, value))
    values = [value] if isinstance(value, int) else list(value)
    if values and isinstance(values[0], float):
        return _field(2, _field(1, struct.pack(f"<{len(values)}f", *values)))
    return _field(3, _field(1, b"".join(_varint(v % 2**64) for v in values)))


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])
