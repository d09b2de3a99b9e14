"""Every format and colour mode, and what damaged bytes end in."""

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from residency.data.decode import decode, probe
from residency.errors import BrokenImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
RED = (255, 0, 0)


def encoded(image: Image.Image, file_format: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def photo(width: int = 24, height: int = 16) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    channels = np.stack([x * 10, y * 15, 255 - x * 10], axis=-1)
    return Image.fromarray(channels.astype(np.uint8))


def png(color_type: int, bits: int, rows: list[bytes], width: int) -> bytes:
    """Writes a PNG of any bit depth, which Pillow cannot."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, len(rows), bits, color_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiff16(pixels: np.ndarray) -> bytes:
    """Writes an uncompressed 16-bit RGB TIFF, which Pillow cannot."""
    height, width, _ = pixels.shape
    data = pixels.astype("<u2").tobytes()
    tags = [
        (256, width), (257, height), (258, 0), (259, 1), (262, 2),
        (273, 8), (277, 3), (278, height), (279, len(data)),
    ]  # fmt: skip
    end = 8 + len(data) + 2 + 12 * len(tags) + 4
    entries = b"".join(
        struct.pack("<HHII", tag, 3, 3, end)
        if tag == 258
        else struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in tags
    )
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return head + data + directory + struct.pack("<HHH", 16, 16, 16)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_gives_rgb(file_format, tmp_path):
    data = encoded(photo(), file_format)
    pixels = decode(data)
    assert pixels.shape == (16, 24, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert np.abs(pixels.astype(int) - np.asarray(photo())).mean() < 12
    path = tmp_path / "name without a meaning"
    path.write_bytes(data)
    assert (decode(path) == pixels).all()
    assert probe(path) == probe(data)
    assert probe(data)[:3] == (file_format, 24, 16)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP", "PPM"])
def test_lossless_formats_are_exact(file_format):
    assert (decode(encoded(photo(), file_format)) == np.asarray(photo())).all()


@pytest.mark.parametrize(
    ("mode", "color", "file_format", "expected"),
    [
        ("1", 1, "PNG", (255, 255, 255)),
        ("1", 0, "TIFF", (0, 0, 0)),
        ("L", 77, "PNG", (77, 77, 77)),
        ("L", 77, "JPEG", (77, 77, 77)),
        ("RGB", RED, "PNG", RED),
        ("RGBA", (255, 0, 0, 255), "PNG", RED),
        ("RGBA", (255, 0, 0, 0), "PNG", (255, 255, 255)),
        ("RGBA", (255, 0, 0, 51), "PNG", (255, 204, 204)),
        ("RGBA", (0, 0, 0, 0), "WEBP", (255, 255, 255)),
        ("RGBA", (255, 0, 0, 51), "TIFF", (255, 204, 204)),
        ("LA", (0, 51), "PNG", (204, 204, 204)),
        ("CMYK", (0, 255, 255, 0), "TIFF", RED),
        ("I;16", 65535, "PNG", (255, 255, 255)),
        ("I;16", 0x1234, "PNG", (0x12, 0x12, 0x12)),
        ("I;16", 0x1234, "TIFF", (0x12, 0x12, 0x12)),
        ("I", 65535, "TIFF", (255, 255, 255)),
        ("F", 1.0, "TIFF", (255, 255, 255)),
        ("F", 0.5, "TIFF", (128, 128, 128)),
    ],
)
def test_every_colour_mode_becomes_rgb(mode, color, file_format, expected):
    data = encoded(Image.new(mode, (3, 2), color), file_format)
    assert decode(data).reshape(-1, 3).tolist() == [list(expected)] * 6


def test_adobe_cmyk_jpeg_is_not_inverted():
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = encoded(ink, "JPEG", quality=95)
    assert b"Adobe" in data
    assert np.abs(decode(data).astype(int) - RED).max() < 8


def test_palette_with_transparent_colour_lies_over_white():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    for file_format in ("PNG", "GIF"):
        assert decode(encoded(image, file_format)).tolist() == [[[*RED], [0, 0, 255]]]
        seen_through = encoded(image, file_format, transparency=1)
        assert decode(seen_through).tolist() == [[[*RED], [255, 255, 255]]]


def test_palette_with_alpha_lies_over_white():
    image = Image.new("PA", (2, 2))
    image.putpalette([255, 0, 0])
    image.putalpha(51)
    data = encoded(image, "TIFF")
    assert probe(data).mode == "PA"
    assert decode(data)[0, 0].tolist() == [255, 204, 204]


def test_transparent_colour_of_rgb_png():
    data = encoded(photo(2, 1), "PNG", transparency=(0, 0, 255))
    assert decode(data)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3)])
def test_16_bit_png_keeps_the_upper_byte(color_type, channels):
    values = np.arange(5 * 4 * channels).reshape(4, 5 * channels) * 1000
    rows = [row.astype(">u2").tobytes() for row in values]
    pixels = decode(png(color_type, 16, rows, width=5))
    expected = (values >> 8).reshape(4, 5, channels)
    assert (pixels == expected).all()


def test_16_bit_rgb_tiff_keeps_the_upper_byte():
    values = np.arange(4 * 5 * 3).reshape(4, 5, 3) * 1000
    assert (decode(tiff16(values)) == values >> 8).all()


def test_a_dark_16_bit_image_stays_dark():
    dark = Image.fromarray(np.full((4, 4), 300, np.uint16))
    assert decode(encoded(dark, "PNG")).max() == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_once(orientation, file_format):
    corner = np.zeros((16, 24, 3), np.uint8)
    corner[:8, :8] = 255  # upper left as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(corner), file_format, exif=exif)
    pixels = decode(data)
    assert pixels.shape[:2] == ((24, 16) if orientation >= 5 else (16, 24))
    header = probe(data)
    assert (header.height, header.width) == pixels.shape[:2]
    bright = {
        1: (2, 2), 2: (2, -3), 3: (-3, -3), 4: (-3, 2),
        5: (2, 2), 6: (2, -3), 7: (-3, -3), 8: (-3, 2),
    }  # fmt: skip
    assert pixels[bright[orientation]].min() > 240
    assert (pixels[..., 0] > 128).sum() == 64


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data)[0, 0].tolist() == [*RED]


def test_reasons(tmp_path: Path):
    (tmp_path / "empty").touch()
    jpeg = encoded(photo(200, 200), "JPEG")
    bomb = encoded(Image.new("1", (30_000, 10_000)), "PNG")
    cases = [
        (tmp_path / "none", "missing file"),
        (Path("https://example.org/cat.jpg"), "missing file"),
        (tmp_path, "not a file"),
        (tmp_path / "empty", "empty file"),
        (b"", "empty file"),
        (b"<html>404</html>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (jpeg[: len(jpeg) // 2], "truncated"),
        (bomb, "decompression bomb: 300,000,000 pixels, limit 178,956,970"),
        (encoded(Image.new("I", (1, 1), 70_000), "TIFF"), "outside 0 to 65535"),
        (encoded(Image.new("F", (1, 1), 255.0), "TIFF"), "outside 0 to 1"),
    ]
    for source, reason in cases:
        with pytest.raises(BrokenImageError, match=reason):
            decode(source)


def test_a_large_photo_is_not_a_bomb():
    large = encoded(Image.new("1", (10_000, 9_500)), "PNG")  # where Pillow warns
    assert probe(large).width == 10_000


@pytest.mark.real_data
def test_real_photos(real_photos):
    paths = sorted(p for p in real_photos.rglob("*") if p.is_file())
    chosen = [*paths[::50], *(p for p in paths if probe(p).mode != "RGB")]
    assert "P" in {probe(path).mode for path in chosen}
    for path in chosen:
        pixels = decode(path)
        assert sorted(pixels.shape[:2]) == sorted(probe(path)[1:3])
        assert pixels.std() > 1


VALID = [encoded(photo(), file_format) for file_format in FORMATS]
VALID += [
    encoded(photo().convert("P"), "PNG"),
    encoded(photo().convert("RGBA"), "TIFF", compression="tiff_lzw"),
    encoded(photo().convert("CMYK"), "JPEG"),
    encoded(photo(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03"),
]


def decodes_or_is_broken(data: bytes) -> None:
    for read in (decode, probe):
        with contextlib.suppress(BrokenImageError):
            read(data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_broken(data):
    decodes_or_is_broken(data)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(VALID), st.floats(0, 1))
def test_every_prefix_is_broken_or_fine(data, share):
    decodes_or_is_broken(data[: int(share * len(data))])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4),
)
def test_flipped_bits_are_broken_or_fine(data, flips):
    damaged = bytearray(data)
    for position, bits in flips:
        damaged[position % len(damaged)] ^= bits
    decodes_or_is_broken(bytes(damaged))


@pytest.mark.parametrize("as_file", [False, True])
def test_heic_is_called_by_its_name(tmp_path, as_file):
    content = b"\0\0\0\x24ftypheic" + bytes(100)
    path = tmp_path / "a.heic"
    path.write_bytes(content)
    with pytest.raises(BrokenImageError, match="HEIC is not supported: save it as JP"):
        decode(path if as_file else content)
