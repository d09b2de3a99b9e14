"""The grid holds the images as they are, and is written whole."""

import numpy as np
import pytest
from PIL import Image

from residency.errors import ConfigError
from residency.report import image_grid
from residency.report.figures.style import RED


def _solid(color, size=(32, 32)):
    return np.full((*size, 3), color, dtype=np.uint8)


def test_pixels_of_tiny_images_are_in_the_picture(tmp_path):
    colors = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]
    path = image_grid([_solid(c) for c in colors], ["r", "g", "b"], tmp_path / "g.png")
    with Image.open(path) as picture:
        counts = {c: n for n, c in picture.convert("RGB").getcolors(1 << 20)}
    side = 32 * (330 // 32)
    assert [counts[c] for c in colors] == [side * side] * 3


def test_columns_set_the_rows(tmp_path):
    images = [_solid((0, 0, 0))] * 10
    wide = image_grid(images, ["x"] * 10, tmp_path / "w.png", columns=5)
    tall = image_grid(images, ["x"] * 10, tmp_path / "t.png", columns=1)
    with Image.open(wide) as a, Image.open(tall) as b:
        assert a.width > a.height
        assert b.height > 5 * b.width


def test_mixed_sizes_long_and_hostile_titles(tmp_path):
    images = [
        np.zeros((10, 300, 3), np.uint8),
        np.zeros((300, 10)),
        np.ones((70, 90, 4)),
    ]
    titles = ["$x^", "a_very_long_file_name_" * 9 + ".jpg", "tab\there\n\n\udce9"]
    path = image_grid(images, titles, tmp_path / "g.png", title="T" * 500)
    assert path.stat().st_size > 1000


def test_title_colors_are_used(tmp_path):
    image = [_solid((255, 255, 255))]
    path = image_grid(image, ["MMMM"], tmp_path / "g.png", title_colors=[RED])
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=int)
    red = (pixels[:, :, 0] > 150) & (pixels[:, :, 1] < 90)
    assert red.sum() > 20


@pytest.mark.parametrize(
    ("images", "titles", "options"),
    [
        ([], [], {}),
        ([_solid((0, 0, 0))], [], {}),
        ([_solid((0, 0, 0))], ["a"], {"title_colors": ["red", "red"]}),
        ([_solid((0, 0, 0))], ["a"], {"columns": 0}),
    ],
)
def test_wrong_arguments(tmp_path, images, titles, options):
    with pytest.raises(ConfigError, match="image_grid: expected"):
        image_grid(images, titles, tmp_path / "g.png", **options)


def test_other_formats_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ConfigError, match=r"\.svg or \.png"):
        image_grid([_solid((0, 0, 0))], ["a"], tmp_path / "g.gif")
    assert list(tmp_path.iterdir()) == []
