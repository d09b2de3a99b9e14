"""What the user gave: found again from any folder, announced before it is read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import residency as rs
from residency.data import Data
from residency.errors import ConfigError, EngineError
from residency.inputs import (
    build_data,
    data_changes,
    require_model,
    require_same_images,
    statistics_for,
)
from residency.models import Model, OwnModel


@pytest.fixture
def photos(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a", "photos/b"):
        Path(name).mkdir(parents=True)
        for number in range(9):
            pixels = np.full((20, 30, 3), 20 * number, np.uint8)
            Image.fromarray(pixels).save(f"{name}/{number}.png")
    Path("digits").mkdir()
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("data", "changes", "recorded"),
    [
        ("photos", {}, "{photos}"),
        (Path("photos"), {}, "{photos}"),
        ("folder:photos", {}, "folder:{photos}"),
        (None, {"data.source": "photos"}, "{photos}"),
        ("digits", {}, "digits"),  # a name, although there is such a folder
        ("fotos", {}, "fotos"),  # told as it was typed, when it is looked for
    ],
)
def test_paths_are_recorded_so_that_they_lead_there_from_anywhere(
    data, changes, recorded, photos
):
    source = data_changes(data, changes)["data.source"]
    assert source == recorded.format(photos=photos)


def test_a_loaded_data_set_is_recorded_by_its_path_too(photos):
    data = rs.data.load("photos", image_size=8)
    assert data_changes(data, {"seed": 1}) == {
        "data.source": str(photos),
        "data.image_size": 8,
        "data.resize": "crop",
        "data.classes": ("a", "b"),
        "seed": 1,
    }


def test_the_memory_is_told_before_the_images_are_read(photos, capsys):
    settings = Data(source="photos", image_size=8)
    build_data(settings, None, progress=True)
    assert "reading photos: 18 images at 8x8: 0.0 MB" in capsys.readouterr().out
    build_data(settings, None, progress=False)
    assert capsys.readouterr().out == ""


def test_statistics_are_measured_where_they_are_needed(photos):
    data = rs.data.load("photos", image_size=8)
    measured = statistics_for(Model(name="cifar_resnet20"), data)
    assert measured.mean_image is None
    image = Model(name="cifar_resnet20", preprocessing="mean_image")
    assert statistics_for(image, data).mean_image.shape == (8, 8, 3)
    constant = Model(name="cifar_resnet20", preprocessing="torch")
    assert statistics_for(constant, data) is None
    model = constant.build(num_classes=2, image_size=32, statistics=None)
    assert model.output_shape == (None, 2)


def test_processes_that_see_other_images_are_told(photos):
    data = rs.data.load("photos", image_size=8)

    class Others:
        def __init__(self, images):
            self.images = images

        def gather(self, value):
            return [value, (self.images, "12 images, decoded in every epoch")]

    require_same_images(data, Others(len(data.train)))
    with pytest.raises(EngineError, match=r"rank 1: 12 images.* data\.cache=stream"):
        require_same_images(data, Others(len(data.train) + 1))


def test_a_split_file_is_found_from_anywhere(photos):
    Path("split.json").write_text("{}")
    changes = data_changes("photos", {"data.split_file": "split.json"})
    assert changes["data.split_file"] == str(photos.parent / "split.json")


def test_an_own_model_that_is_not_given():
    with pytest.raises(ConfigError, match=r"OwnModel stands for .* --model resnet50"):
        require_model(OwnModel(name="mine"), None)
    require_model(Model(name="resnet50"), None)
