# pyright: reportUnknownMemberType=false
# (matplotlib's annotations stop at **kwargs)
"""The course of a run: accuracy, loss and learning rate over the epochs."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from residency.errors import ConfigError
from residency.records import EpochRecord, best_epoch
from residency.report.figures.limits import robust_top
from residency.report.figures.style import (
    BLUE,
    GREY,
    VERMILLION,
    drawing,
    light_grid,
    new_figure,
    save,
)


def curves(history: Sequence[EpochRecord], path: Path | str) -> Path:
    """Draws accuracy, loss and learning rate over the epochs.

    The accuracy of the validation part has its 95 % interval as a band, and the
    best epoch is marked and named. A loss that spikes or is no number is told
    in words and does not stretch the axis.

    Args:
        history: One record an epoch, in order; at least one.
        path: Where to write; ends in `.svg` or `.png`.

    Returns:
        `path`.

    Raises:
        ConfigError: There is no epoch yet.
    """
    if not history:
        raise ConfigError("curves: expected at least one finished epoch, got none.")
    with drawing():
        figure = new_figure(10.0, 4.3)
        grid = figure.add_gridspec(
            2, 2, height_ratios=(4.2, 1), hspace=0.16, wspace=0.36,
            left=0.055, right=0.895, top=0.92, bottom=0.11,
        )  # fmt: skip
        accuracy = figure.add_subplot(grid[:, 0])
        loss = figure.add_subplot(grid[0, 1])
        rate = figure.add_subplot(grid[1, 1], sharex=loss)
        draw_accuracy(accuracy, history)
        draw_loss(loss, history)
        _draw_learning_rate(rate, history)
        for axes in (accuracy, loss, rate):
            _epoch_axis(axes, history)
        loss.tick_params(labelbottom=False)
        loss.set_xlabel("")
        return save(figure, Path(path))


def draw_accuracy(axes: Axes, history: Sequence[EpochRecord]) -> None:
    """Draws the accuracies in percent, the validation's interval as a band."""
    axes.set_title("Accuracy, %")
    light_grid(axes)
    train = [(r.epoch, 100 * r.train_accuracy.rate) for r in history]
    held = [(r.epoch, r.validation_accuracy) for r in history if r.validation_accuracy]
    _line(axes, train, VERMILLION)
    ends = [("train sample", train[-1][1], VERMILLION)]
    if held:
        shares = [(epoch, 100 * share.rate) for epoch, share in held]
        _band(axes, [(e, *(100 * x for x in s.interval)) for e, s in held])
        _line(axes, shares, BLUE)
        ends.append(("validation", shares[-1][1], BLUE))
    low, high = axes.get_ylim()
    low, high = max(0.0, low), min(100.0, high)
    axes.set_ylim(low - 0.02 * (high - low), high + 0.05 * (high - low))
    _label_ends(axes, ends)
    _mark_best(axes, history)


def _mark_best(axes: Axes, history: Sequence[EpochRecord]) -> None:
    best = best_epoch(history)
    if best is None or best.validation_accuracy is None:
        _remark(axes, "nothing was held out:\nno validation curve", low=True)
        return
    share = best.validation_accuracy
    low, high = (100 * bound for bound in share.interval)
    axes.plot([best.epoch], [100 * share.rate], "o", color=BLUE, markersize=5, zorder=4)
    axes.axvline(best.epoch, color=BLUE, linewidth=0.6, linestyle=(0, (2, 3)))
    _remark(
        axes,
        f"best epoch {best.epoch}: {100 * share.rate:.2f} %\n"
        f"({low:.1f} to {high:.1f}, n = {share.total:,})",
        low=True,
    )


def draw_loss(axes: Axes, history: Sequence[EpochRecord]) -> None:
    """Draws the losses; what the axis leaves out is marked and told."""
    axes.set_title("Loss, nats")
    light_grid(axes)
    running = [(r.epoch, r.loss) for r in history]
    train = [(r.epoch, r.train_loss) for r in history]
    held = [
        (r.epoch, r.validation_loss) for r in history if r.validation_loss is not None
    ]
    lines = [("while training", running, GREY), ("train sample", train, VERMILLION)]
    if held:
        lines.append(("validation", held, BLUE))
    values = [[y for _, y in points if math.isfinite(y)] for _, points, _ in lines]
    start = min((line[0] for line in values if line), default=0.0)
    top = robust_top([y for line in values for y in line], start=start)
    ends: list[tuple[str, float, str]] = []
    for name, points, color in lines:
        _line(axes, points, color, width=0.9 if color == GREY else 1.5)
        last = [value for _, value in points if math.isfinite(value)][-1:]
        ends += [(name, min(value, top), color) for value in last]
        above = [epoch for epoch, value in points if value > top]
        axes.plot(
            above, [top] * len(above), "^", color=color, markersize=5, clip_on=False
        )
    axes.set_ylim(0, top)
    _label_ends(axes, ends)
    told = [_wild(lines, top), _no_number(lines)]
    _remark(axes, "\n".join(text for text in told if text))


def _wild(lines: Sequence[tuple[str, list[tuple[int, float]], str]], top: float) -> str:
    """Returns what the axis leaves out, in words."""
    above = [(v, e, name) for name, points, _ in lines for e, v in points if v > top]
    if not above:
        return ""
    value, epoch, name = max(above)
    count = f"{len(above)} values" if len(above) > 1 else "1 value"
    return f"{count} above the axis:\nup to {value:.3g} ({name}, epoch {epoch})"


def _no_number(lines: Sequence[tuple[str, list[tuple[int, float]], str]]) -> str:
    """Returns where the loss stopped being a number, in words."""
    broken = [e for _, points, _ in lines for e, v in points if not math.isfinite(v)]
    return f"not a number, first in epoch {min(broken)}" if broken else ""


def _draw_learning_rate(axes: Axes, history: Sequence[EpochRecord]) -> None:
    rates = [r.learning_rate for r in history]
    axes.set_title("Learning rate", fontsize=9)
    axes.step([r.epoch for r in history], rates, where="mid", color=GREY, linewidth=1.2)
    if len(history) == 1:
        axes.plot([history[0].epoch], rates, "o", color=GREY, markersize=4)
    if min(rates) > 0 and max(rates) > 20 * min(rates):
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
        low, high = min(rates), max(rates)
        axes.set_ylim(low / 1.6, high * 1.6)
    else:
        low, high = 0.0, max(rates)
        axes.set_ylim(0, max(rates) * 1.15 or 1.0)
    axes.set_yticks(sorted({low, high}))
    axes.yaxis.set_major_formatter(FuncFormatter(_short_number))


def _short_number(value: float, _position: int | None = None) -> str:
    return f"{value:.3g}"


def _epoch_axis(axes: Axes, history: Sequence[EpochRecord]) -> None:
    first, last = history[0].epoch, history[-1].epoch
    room = 0.5 if first == last else 0.01 * (last - first)
    axes.set_xlim(first - room, last + room)
    if first == last:
        axes.set_xticks([first])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.set_xlabel("epoch", color=GREY)


def _line(
    axes: Axes,
    points: Sequence[tuple[int, float]],
    color: str,
    *,
    width: float = 1.5,
) -> None:
    """Draws a curve, and its points where there are few of them."""
    finite = [(x, y if math.isfinite(y) else math.nan) for x, y in points]
    marker = "o" if len(points) <= 12 else None
    axes.plot(
        [x for x, _ in finite],
        [y for _, y in finite],
        color=color,
        linewidth=width,
        marker=marker,
        markersize=3,
    )


def _band(axes: Axes, bounds: Sequence[tuple[float, ...]]) -> None:
    """Draws the interval; a single epoch has a bar instead of a band."""
    epochs, low, high = zip(*bounds, strict=True)
    if len(epochs) == 1:
        axes.vlines(epochs, low, high, color=BLUE, alpha=0.4, linewidth=2)
    else:
        axes.fill_between(epochs, low, high, color=BLUE, alpha=0.14, linewidth=0)


def _label_ends(axes: Axes, ends: Sequence[tuple[str, float, str]]) -> None:
    """Names each curve at its right end; names that would touch move apart."""
    low, high = axes.get_ylim()
    apart = 0.055 if axes.get_position().height > 0.7 else 0.075
    wanted = sorted(((y - low) / (high - low), name, c) for name, y, c in ends)
    placed: list[float] = []
    for height, _, _ in wanted:
        placed.append(max(height, placed[-1] + apart if placed else 0.0))
    excess = max(0.0, placed[-1] - 1.0) if placed else 0.0
    for at, (_, name, color) in zip(placed, wanted, strict=True):
        axes.text(
            1.015,
            at - excess,
            name,
            color=color,
            transform=axes.transAxes,
            va="center",
            fontsize=8.5,
        )


def _remark(axes: Axes, text: str, *, low: bool = False) -> None:
    """Writes inside the panel at the right, where the curves leave room."""
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2.0}
    axes.text(
        0.985,
        0.04 if low else 0.94,
        text,
        transform=axes.transAxes,
        ha="right",
        va="bottom" if low else "top",
        fontsize=8.5,
        bbox=box if text else None,
        zorder=5,
    )
