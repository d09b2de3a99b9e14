"""Predictions beside the images they are about."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from residency.records import Prediction
from residency.report.figures.grid import image_grid
from residency.report.figures.style import INK, RED

NO_BREAK = "\u00a0"  # a space at which no line ends


def prediction_grid(
    predictions: Sequence[Prediction],
    images: Sequence[npt.NDArray[Any]] | npt.NDArray[Any],
    path: Path | str,
    *,
    columns: int = 8,
    title: str | None = None,
) -> Path:
    """Draws each image under its predicted class and confidence.

    Where the true class is known and another, it is written below and both
    lines are red.

    Args:
        predictions: One for each image.
        images: As `image_grid` takes them.
        path: Where to write; ends in `.png`.
        columns: Images in a row.
        title: Stands above the grid.

    Returns:
        `path`.

    Raises:
        ConfigError: There are no images, or the lengths differ.
        DataError: An array is not an image.
    """
    return image_grid(
        images,
        [caption(prediction) for prediction in predictions],
        path,
        columns=columns,
        title=title,
        title_colors=[RED if is_wrong(p) else INK for p in predictions],
    )


def caption(prediction: Prediction) -> str:
    r"""Returns what stands above one image.

    Example:

    >>> caption(Prediction("a.jpg", "Cockatoo", 0.913, (), truth="Skimmer"))
    'Cockatoo 91\xa0%\ntrue: Skimmer'
    """
    share = f"{100 * prediction.confidence:.0f}{NO_BREAK}%"
    said = f"{prediction.label} {share}"
    return f"{said}\ntrue: {prediction.truth}" if is_wrong(prediction) else said


def is_wrong(prediction: Prediction) -> bool:
    """Returns whether the true class is known and is another one."""
    return prediction.truth is not None and prediction.truth != prediction.label
