# pyright: reportUnknownMemberType=false
# (matplotlib's annotations stop at **kwargs and paths)
"""The look all figures share: colours, type, thin axes, and how they are saved.

Figures are made with matplotlib's objects, never with `pyplot`: nothing global
is left behind, no window system is asked for, and threads do not meet.
"""

import contextlib
import logging
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from residency.errors import ConfigError
from residency.files import replacing
from residency.report.fonts import Typeface, typeface_for

# Blue and vermillion of Okabe and Ito's palette (https://jfly.uni-koeln.de/color/),
# told apart with every common kind of colour blindness, and in grey.
BLUE = "#0072b2"
VERMILLION = "#d55e00"
RED = "#b3261e"  # wrong predictions
INK = "#26282b"
GREY = "#74787e"
LINE = "#d5d8dc"

FORMATS = (".svg", ".png")

_LOOK: dict[Any, Any] = {
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a class may be called "$5"
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,  # never bold: many fonts with other scripts have no bold
    "axes.titlelocation": "left",
    "axes.unicode_minus": True,  # the base family has U+2212
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "figure.facecolor": "white",
    "svg.fonttype": "path",  # the same everywhere, whatever fonts the reader has
    "svg.hashsalt": "residency",  # the same figure is the same bytes
}


@contextlib.contextmanager
def drawing(texts: Iterable[str] = ()) -> Generator[Typeface]:
    """Sets the look and the fonts while a figure is built and saved.

    Args:
        texts: What the figure says beyond plain Latin: class and file names.

    Yields:
        The typeface; names go through its `drawable` first.
    """
    typeface = typeface_for(texts)
    finder = logging.getLogger("matplotlib.font_manager")
    level = finder.level
    finder.setLevel(logging.ERROR)  # it would tell the weight of each fallback font
    try:
        with mpl.rc_context({**_LOOK, "font.family": list(typeface.families)}):
            yield typeface
    finally:
        finder.setLevel(level)


def new_figure(width: float, height: float, *, dpi: float = 100.0) -> Figure:
    """Returns an empty figure of `width` by `height` inches on its own canvas."""
    figure = Figure(figsize=(width, height), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def require_format(path: Path) -> None:
    """Raises `ConfigError` where no figure of this name can be written."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(
            f"figure {path.name!r}: expected a name ending in .svg or .png."
        )


def save(figure: Figure, path: Path) -> Path:
    """Writes the figure whole or not at all; the suffix tells SVG from PNG.

    Raises:
        ConfigError: The suffix is neither `.svg` nor `.png`.
    """
    require_format(path)
    suffix = path.suffix.lower()
    metadata = {"Date": None} if suffix == ".svg" else {"Software": None}
    with replacing(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=figure.dpi, metadata=metadata)
    return path


def light_grid(axes: Axes) -> None:
    """Draws faint horizontal lines behind the curves."""
    axes.grid(axis="y", color=LINE, linewidth=0.5)
    axes.set_axisbelow(True)
