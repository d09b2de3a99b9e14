# pyright: reportUnknownMemberType=false
# (matplotlib's annotations stop at **kwargs and paths)
"""Photos side by side, each with a title."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from residency.errors import ConfigError
from residency.report.figures.lettering import Measure, shorten, wrap
from residency.report.figures.pixels import Bytes, as_bytes, fitted
from residency.report.figures.style import INK, drawing, new_figure, save

# Pixels at 160 per inch: a row of eight fills a page 1,500 pixels wide, which a
# report shows at about 1,050.
DPI = 160.0
FULL_WIDTH = 1500
LARGEST_CELL = 330
SMALLEST_CELL = 120  # narrower and no title fits
GAP = 12
TITLE_POINTS = 8.0
LINE_HEIGHT = 23  # pixels of one line of title


def image_grid(
    images: Sequence[npt.NDArray[Any]] | npt.NDArray[Any],
    titles: Sequence[str],
    path: Path | str,
    *,
    columns: int = 8,
    title: str | None = None,
    title_colors: Sequence[str] | None = None,
) -> Path:
    """Draws images in rows, each under its title, into a PNG file.

    Args:
        images: uint8 or any other numbers in any range (see `as_bytes`), each
            `(height, width)` or `(height, width, channels)`; sizes may differ.
            Images below 64 pixels are enlarged in whole pixels.
        titles: One for each image; long ones are wrapped and shortened. A line
            break starts a new line.
        path: Where to write; ends in `.png`.
        columns: Images in a row, at least 1.
        title: Stands above the grid.
        title_colors: One matplotlib colour for each title; dark grey if `None`.

    Returns:
        `path`.

    Raises:
        ConfigError: There are no images, or the lengths differ.
        DataError: An array is not an image.

    Example:

    >>> import tempfile
    >>> images = np.zeros((3, 32, 32, 3), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     image_grid(images, ["cat", "dog", "ship"], f"{folder}/grid.png").name
    'grid.png'
    """
    _check(len(images), len(titles), columns, title_colors)
    columns = min(columns, len(images))
    cell = min(LARGEST_CELL, (FULL_WIDTH - GAP) // columns - GAP)
    with drawing([*titles, title or ""]) as typeface:
        measure = _measure_in_pixels(TITLE_POINTS)
        thumbnails = [fitted(image, cell) for image in as_bytes(images)]
        cell = max(SMALLEST_CELL, *(t.shape[1] for t in thumbnails))
        lines = [wrap(typeface.drawable(t), cell, measure) for t in titles]
        figure = _figure(
            thumbnails,
            lines,
            list(title_colors or [INK] * len(lines)),
            columns,
            cell,
            typeface.drawable(title) if title else None,
        )
        return save(figure, Path(path))


def _check(
    images: int, titles: int, columns: int, colors: Sequence[str] | None
) -> None:
    if images == 0:
        raise ConfigError("image_grid: expected at least one image, got none.")
    if titles != images or (colors is not None and len(colors) != images):
        raise ConfigError(
            f"image_grid: expected one title and one colour for each of {images} "
            f"images, got {titles} titles"
            + (f" and {len(colors)} colours." if colors is not None else ".")
        )
    if columns < 1:
        raise ConfigError(f"image_grid: expected columns of at least 1, got {columns}.")


def _figure(
    thumbnails: Sequence[Bytes],
    titles: Sequence[str],
    colors: Sequence[str],
    columns: int,
    cell: int,
    title: str | None,
) -> Figure:
    rows = [
        range(i, min(i + columns, len(titles))) for i in range(0, len(titles), columns)
    ]
    lettering = [LINE_HEIGHT * max(titles[i].count("\n") + 1 for i in r) for r in rows]
    heights = [max(thumbnails[i].shape[0] for i in row) for row in rows]
    head = 46 if title else 0
    width = columns * (cell + GAP) + GAP
    height = head + GAP + sum(lettering) + sum(heights) + 2 * GAP * len(rows)
    canvas: Bytes = np.full((height, width, 3), 255, dtype=np.uint8)
    figure = new_figure(width / DPI, height / DPI, dpi=DPI)
    if title:
        short = shorten(title, width - 2 * GAP, _measure_in_pixels(TITLE_POINTS + 2))
        figure.text(
            GAP / width, 1 - 14 / height, short, size=TITLE_POINTS + 2, va="top"
        )
    top = head + GAP
    for row, text_height, row_height in zip(rows, lettering, heights, strict=True):
        for place, i in enumerate(row):
            left = GAP + place * (cell + GAP)
            baseline = top + text_height
            figure.text(
                left / width,
                1 - (baseline - 4) / height,
                titles[i],
                color=colors[i],
                size=TITLE_POINTS,
                va="bottom",
                linespacing=1.15,
            )
            h, w = thumbnails[i].shape[:2]
            canvas[baseline : baseline + h, left : left + w] = thumbnails[i]
        top += text_height + row_height + 2 * GAP
    figure.figimage(canvas, origin="upper")
    return figure


def _measure_in_pixels(points: float) -> Measure:
    """Returns a function that measures a line as `_figure` will draw it."""
    renderer = FigureCanvasAgg(new_figure(1, 1, dpi=DPI)).get_renderer()
    font = FontProperties(size=points)

    def measure(text: str) -> float:
        width, _, _ = renderer.get_text_width_height_descent(text, font, ismath=False)
        return math.ceil(width)

    return measure
