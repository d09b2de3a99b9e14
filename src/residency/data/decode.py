"""Any image file to uint8 RGB, or one plain reason why not.

Pillow does the decoding. What is decided here: which formats are opened at all
(none that runs a program or follows a link), how every colour mode becomes 8-bit
RGB, how large an image may be, and that damaged bytes end in `BrokenImageError`
and in nothing else.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from residency.errors import BrokenImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""Pillow's names of the formats opened; its EPS reader, for one, runs Ghostscript."""

PIXEL_LIMIT = 178_956_970  # where Pillow itself refuses: 2 GiB / 4 / 3 pixels

_HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1")

_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


class Header(NamedTuple):
    """What the first bytes of an image file say."""

    format: str
    """Pillow's name, one of `FORMATS`."""
    width: int
    """Pixels, upright: after EXIF orientation."""
    height: int
    mode: str
    """Pillow's colour mode, such as `"RGB"`, `"P"`, `"CMYK"` or `"I;16"`."""


def probe(source: Path | bytes) -> Header:
    """Reads the header of an image; no pixel is decoded.

    Args:
        source: Path of a file, or its bytes.

    Returns:
        `(format, width, height, mode)`.

    Raises:
        BrokenImageError: The file is missing, empty, not an image or too large.
    """
    with _opened(source) as image:
        width, height = image.size
        # Pillow gives a TIFF's upright size, and would decode a PNG to find late EXIF.
        stored = image.format == "JPEG" or "exif" in image.info
        if stored and image.format != "TIFF" and _orientation(image) in _SIDEWAYS:
            width, height = height, width
        return Header(str(image.format), width, height, image.mode)


def decode(source: Path | bytes) -> np.ndarray:
    """Decodes one image file to upright 8-bit RGB.

    - Grey, palette, CMYK, YCbCr and 1-bit images become RGB.
    - Transparency is laid over white; animations give their first frame.
    - 16-bit images keep their upper 8 bits, so 65535 becomes 255 and the range of
      one image never stretches it; 32-bit integers are read as 16-bit values.
    - Floating-point images run from 0 (black) to 1 (white).
    - EXIF orientation is applied.

    Args:
        source: Path of a file, or its bytes. Never a URL.

    Returns:
        uint8 pixels of shape `(height, width, 3)`, writable.

    Raises:
        BrokenImageError: The image cannot be decoded; the message is the reason.

    Example:

    >>> decode(b"GIF89a")
    Traceback (most recent call last):
        ...
    residency.errors.BrokenImageError: not an image
    """
    with _opened(source) as image:
        image.load()
        return np.array(_rgb(_upright(image)))


@contextmanager
def _opened(source: Path | bytes) -> Iterator[Image.Image]:
    """Opens an image within the size limit; turns every failure into a reason."""
    _silence_pillow()
    try:
        with Image.open(_stream(source), formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > PIXEL_LIMIT:
                raise BrokenImageError(
                    f"decompression bomb: {image.width} x {image.height} pixels, "
                    f"limit {PIXEL_LIMIT:,}"
                )
            yield image
    except BrokenImageError:
        raise
    # Pillow's readers raise over a dozen types on damaged bytes: OSError, SyntaxError,
    # struct.error, IndexError, EOFError, zlib.error, MemoryError, OverflowError, ...
    except Exception as error:
        raise BrokenImageError(_reason(error, source)) from error


def _stream(source: Path | bytes) -> Path | io.BytesIO:
    if isinstance(source, bytes):
        if not source:
            raise BrokenImageError("empty file")
        return io.BytesIO(source)
    require_file(source)
    if source.stat().st_size == 0:
        raise BrokenImageError("empty file")
    return source


def require_file(path: Path) -> None:
    """Raises `BrokenImageError` for anything else: a pipe would block for ever."""
    if not path.is_file():
        raise BrokenImageError("not a file" if path.exists() else "missing file")


def _reason(error: Exception, source: Path | bytes) -> str:
    """Returns a few plain words for what Pillow raised."""
    text = str(error)
    if isinstance(error, UnidentifiedImageError):
        heic = _first_bytes(source)[4:12] in _HEIC
        return "HEIC is not supported: save it as JPEG" if heic else "not an image"
    if isinstance(error, Image.DecompressionBombError):
        pixels = re.search(r"\d+", text)
        size = f"{int(pixels.group()):,} pixels" if pixels else "too many pixels"
        return f"decompression bomb: {size}, limit {PIXEL_LIMIT:,}"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    cut_off = re.search("truncated|only got|not enough", text, re.IGNORECASE)
    if isinstance(error, EOFError) or cut_off:
        return "truncated"
    return f"damaged: {text.splitlines()[0] if text else type(error).__name__}"


def _first_bytes(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:12]
    with source.open("rb") as file:
        return file.read(12)


def _silence_pillow() -> None:
    """Ignores warnings raised inside Pillow; what matters becomes a reason.

    `warnings.catch_warnings` is not safe with threads that decode, so the filter
    stays. It is added again where a caller has replaced the list of filters.
    """
    module = re.compile(r"PIL\.")
    if ("ignore", None, Warning, module, 0) not in warnings.filters:
        warnings.filterwarnings("ignore", module=module.pattern)


def _upright(image: Image.Image) -> Image.Image:
    orientation = _orientation(image)
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _orientation(image: Image.Image) -> int | None:
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:  # damaged EXIF says nothing about the pixels
        return None


def _rgb(image: Image.Image) -> Image.Image:
    """Returns an 8-bit RGB image by the rules that `decode` states."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return _grey(np.asarray(image).astype(np.int64), 65535, "32-bit pixels")
    if image.mode == "F":
        return _grey(np.asarray(image), 1, "floating-point pixels")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _grey(values: np.ndarray, white: int, what: str) -> Image.Image:
    """Scales grey values in `[0, white]` to RGB; refuses others, NaN included."""
    if not ((values >= 0) & (values <= white)).all():
        raise BrokenImageError(f"{what} outside 0 to {white}")
    scaled = values >> 8 if white == 65535 else np.rint(values * 255)
    return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
