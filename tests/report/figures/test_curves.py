"""The curves say the right numbers for every kind of run."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from residency.errors import ConfigError
from residency.report import curves
from residency.report.figures.curves import draw_accuracy, draw_loss
from residency.report.figures.style import drawing, new_figure


def _texts(path):
    """Returns what an SVG says: matplotlib puts each text into a comment."""
    return re.findall(r"<!-- (.*?) -->", path.read_text("utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("epochs", [1, 2, 20, 200])
def test_names_and_best_epoch(tmp_path, make_history, epochs):
    history = make_history(epochs)
    texts = _texts(curves(history, tmp_path / "c.svg"))
    best = max(history, key=lambda r: (r.validation_accuracy.rate, -r.validation_loss))
    assert any(f"best epoch {best.epoch}: " in text for text in texts)
    assert {"train sample", "validation", "while training"} <= set(texts)


def test_band_is_the_interval(make_history):
    history = make_history(5)
    with drawing():
        axes = new_figure(4, 3).add_subplot()
        draw_accuracy(axes, history)
        corners = axes.collections[0].get_paths()[0].vertices
    for record in history:
        low, high = record.validation_accuracy.interval
        at = corners[np.isclose(corners[:, 0], record.epoch), 1]
        assert at.min() == pytest.approx(100 * low)
        assert at.max() == pytest.approx(100 * high)


def test_without_validation(tmp_path, make_history):
    texts = _texts(curves(make_history(4, validation=False), tmp_path / "c.svg"))
    assert "validation" not in texts
    assert any("nothing was held out" in text for text in texts)


def test_spike_is_told_and_left_out(make_history):
    history = make_history(60)
    history[30] = replace(history[30], validation_loss=1e6)
    with drawing():
        axes = new_figure(4, 3).add_subplot()
        draw_loss(axes, history)
        assert axes.get_ylim()[1] < 3
        said = "\n".join(text.get_text() for text in axes.texts)
    assert "1 value above the axis" in said
    assert "1e+06 (validation, epoch 31)" in said


def test_diverged(tmp_path, make_history):
    nan = math.nan
    history = [
        replace(r, loss=nan, train_loss=nan, validation_loss=math.inf)
        for r in make_history(3)
    ]
    texts = _texts(curves(history, tmp_path / "c.svg"))
    assert any("not a number, first in epoch 1" in text for text in texts)


def test_learning_rate_of_zero(tmp_path, make_history):
    history = [replace(r, learning_rate=0.0) for r in make_history(3)]
    assert curves(history, tmp_path / "c.svg").exists()


def test_same_history_same_bytes(tmp_path, make_history):
    first = curves(make_history(3), tmp_path / "a.svg").read_bytes()
    assert curves(make_history(3), tmp_path / "b.svg").read_bytes() == first


def test_png_and_no_epochs(tmp_path, make_history):
    assert curves(make_history(2), tmp_path / "c.png").read_bytes()[1:4] == b"PNG"
    with pytest.raises(ConfigError, match="at least one finished epoch"):
        curves([], tmp_path / "none.svg")
