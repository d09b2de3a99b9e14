# pyright: reportUnknownMemberType=false
# (matplotlib's annotations stop at **kwargs)
"""Which class is taken for which: a matrix, or the worst pairs of many classes."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties

from residency.records import Evaluation
from residency.report.confusions import Confusion, confusions
from residency.report.figures.lettering import Measure, shorten
from residency.report.figures.style import (
    BLUE,
    GREY,
    INK,
    LINE,
    VERMILLION,
    drawing,
    new_figure,
    save,
)

MOST_WITH_NUMBERS = 30
MOST_AS_MATRIX = 100
MOST_PAIRS = 30
NAME_INCHES = 1.7  # the widest a class name gets

Floats = npt.NDArray[np.float64]


def confusion_matrix(evaluation: Evaluation, path: Path | str) -> Path:
    """Draws how often each true class was given each predicted one.

    Each row is one true class: right answers in blue, wrong ones in orange, the
    deeper the larger their share of the row. Up to 30 classes the counts are
    written; beyond 100 the pairs most often confused are drawn as bars instead.

    Args:
        evaluation: Its `confusion` has as many rows as `classes`.
        path: Where to write; ends in `.svg` or `.png`.

    Returns:
        `path`.
    """
    names = [score.name for score in evaluation.classes]
    with drawing(names) as typeface:
        names = [typeface.drawable(name).replace("\n", " ") for name in names]
        if len(names) > MOST_AS_MATRIX:
            return _draw_pairs(confusions(evaluation), names, Path(path))
        counts = np.asarray(evaluation.confusion, dtype=np.float64)
        return _draw_matrix(counts.reshape(len(names), len(names)), names, Path(path))


def colored(counts: Floats) -> Floats:
    """Returns RGB in `[0, 1]`, `(classes, classes, 3)`; rows without images grey.

    The depth is the square root of the share: one error in a hundred, which is
    what one looks for, is then a tenth as deep as a row that is all wrong.
    """
    totals = counts.sum(axis=1, keepdims=True)
    depth = np.sqrt(counts / np.maximum(totals, 1))[:, :, None]
    right = np.eye(len(counts), dtype=bool)[:, :, None]
    ink = np.where(right, np.array(to_rgb(BLUE)), np.array(to_rgb(VERMILLION)))
    image = 1 - depth * (1 - ink)
    return np.where(totals[:, :, None] > 0, image, np.array(to_rgb(LINE)))


def _draw_matrix(counts: Floats, names: list[str], path: Path) -> Path:
    number = len(names)
    size = 8.0 if number <= MOST_WITH_NUMBERS else 6.5
    measure = _inches(size)
    labels = [shorten(name, NAME_INCHES, measure) for name in names]
    margin = max(map(measure, labels)) + 0.4
    side = min(8.6 - margin, max(2.4, 0.42 * number))
    width, height = side + margin + 0.1, side + margin + 0.1
    figure = new_figure(width, height)
    axes = figure.add_axes((margin / width, 0.08 / height, side / width, side / height))
    axes.imshow(colored(counts), interpolation="none", aspect="equal")
    axes.spines[:].set_visible(False)
    _draw_names(axes, labels, size)
    axes.set_ylabel("true class", color=GREY)
    axes.set_xlabel("predicted class", color=GREY)
    axes.xaxis.set_label_position("top")
    if number <= MOST_WITH_NUMBERS:
        _draw_counts(axes, counts, side / number)
    return save(figure, path)


def _draw_names(axes: Axes, labels: list[str], size: float) -> None:
    number = len(labels)
    every = 1 if number <= 50 else 2
    ticks = range(0, number, every)
    shown = [labels[i] for i in ticks]
    axes.xaxis.tick_top()
    axes.set_xticks(ticks, shown, rotation=90, fontsize=size)
    axes.set_yticks(ticks, shown, fontsize=size)
    axes.tick_params(length=0, pad=3)
    edges = np.arange(number + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="minor", color=LINE, linewidth=0.5 if number <= 30 else 0.2)


def _draw_counts(axes: Axes, counts: Floats, cell_inches: float) -> None:
    totals = np.maximum(counts.sum(axis=1), 1)
    widest = len(f"{int(counts.max()):,}")
    size = min(9.0, 72 * cell_inches / (0.7 * max(widest, 2)))
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if count:
                share = count / totals[i]
                color = "white" if share > (0.3 if i == j else 0.45) else INK
                text = f"{int(count):,}"
                axes.text(j, i, text, ha="center", va="center", color=color, size=size)


def _draw_pairs(pairs: list[Confusion], names: list[str], path: Path) -> Path:
    shown = pairs[:MOST_PAIRS]
    measure = _inches(8.5)
    labels = [
        f"{shorten(names[pair.true], NAME_INCHES, measure)} → "
        f"{shorten(names[pair.predicted], NAME_INCHES, measure)}"
        for pair in shown
    ]
    margin = max(map(measure, labels), default=0.2) + 0.3
    width, height = 9.5, 0.75 + 0.22 * max(1, len(shown))
    figure = new_figure(width, height)
    axes = figure.add_axes(
        (margin / width, 0.08 / height, 0.88 - margin / width, 1 - 0.6 / height)
    )
    figure.text(
        0.01, 1 - 0.1 / height,
        f"The {len(shown)} pairs most often confused of {len(pairs):,} "
        f"({len(names):,} classes): true → predicted, share of the true class's images",
        va="top", color=GREY, fontsize=8.5,
    )  # fmt: skip
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks(range(len(shown)), labels, fontsize=8.5)
    axes.tick_params(length=0)
    axes.set_ylim(max(1, len(shown)) - 0.4, -0.6)
    axes.barh(
        range(len(shown)), [p.count / p.support for p in shown], 0.68, color=VERMILLION
    )
    for place, pair in enumerate(shown):
        text = f" {pair.count:,} of {pair.support:,}"
        axes.text(pair.count / pair.support, place, text, va="center", fontsize=8.5)
    if not shown:
        axes.text(0, 0, "No mistakes.", va="center")
    return save(figure, path)


def _inches(points: float) -> Measure:
    renderer = FigureCanvasAgg(new_figure(1, 1)).get_renderer()
    font = FontProperties(size=points)

    def measure(text: str) -> float:
        width: Any = renderer.get_text_width_height_descent(text, font, ismath=False)[0]
        return float(width) / 100.0

    return measure
