"""What stands above a predicted image."""

import numpy as np

from residency.records import Prediction
from residency.report import prediction_grid
from residency.report.figures import predictions
from residency.report.figures.style import INK, RED


def test_right_wrong_and_unknown(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(
        predictions,
        "image_grid",
        lambda images, titles, path, **options: given.update(titles=titles, **options),
    )
    some = [
        Prediction("a.jpg", "heron", 0.912, (), truth="heron"),
        Prediction("b.jpg", "heron", 0.5, (), truth="crane"),
        Prediction("c.jpg", "heron", 1.0, ()),
    ]
    prediction_grid(some, [np.zeros((4, 4))] * 3, tmp_path / "p.png")
    plain = [title.replace("\u00a0", " ") for title in given["titles"]]
    assert plain == ["heron 91 %", "heron 50 %\ntrue: crane", "heron 100 %"]
    assert given["title_colors"] == [INK, RED, INK]


def test_it_draws(tmp_path):
    one = [Prediction("a.jpg", "灰鹭", 0.9, (), truth="<b>")]
    assert prediction_grid(one, np.zeros((1, 8, 8, 3)), tmp_path / "p.png").exists()
