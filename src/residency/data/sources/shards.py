"""Where the records of a TFRecord file lie.

A record is its length (8 bytes), a checksum of the length (4), its bytes, and a
checksum of those (4), all little-endian. The checksum is CRC-32C, rotated and shifted.
Reference: [TFRecord](https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

import struct
from collections.abc import Iterator

_HEAD = struct.Struct("<QI")
_TAIL = 4  # the checksum of the bytes
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected


class DamagedError(ValueError):
    """Not a record, or not a whole one."""


def records(file: memoryview) -> Iterator[tuple[int, int]]:
    """Yields where each record's bytes begin and end.

    The checksums of the lengths are compared, so that a file of another kind is known
    by its first record. Those of the bytes are not: it would take longer than decoding.

    Raises:
        DamagedError: A length is damaged, or the file is cut off.
    """
    at = 0
    while at < len(file):
        if at + _HEAD.size > len(file):
            raise DamagedError(f"cut off at byte {len(file):,}, within a record's head")
        length, checksum = _HEAD.unpack_from(file, at)
        if masked_crc(bytes(file[at : at + 8])) != checksum:
            raise DamagedError(f"no record at byte {at:,}: its checksum is wrong")
        begin = at + _HEAD.size
        at = begin + length + _TAIL
        if at > len(file):
            raise DamagedError(f"cut off at byte {len(file):,}, within a record")
        yield begin, begin + length


def masked_crc(data: bytes) -> int:
    """Returns TFRecord's checksum of some bytes.

    >>> hex(masked_crc(b"123456789"))  # CRC-32C is 0xe3069283
    '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()
