"""From a source to three parts: sizes, quarantine, classes, recorded splits."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from residency.config import from_json, to_json
from residency.data import Data, RandomFlip, RandomResizedCrop, load
from residency.errors import ConfigError, DataError


def sizes(data) -> dict[str, int]:
    return {part.name: len(part) for part in data.parts()}


def test_photos(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 20, "b": 20}, size=10)
    data = load(tmp_path, image_size=8, seed=3)
    assert sizes(data) == {"train": 28, "validation": 6, "test": 6}
    assert (data.class_names, data.image_size, data.resize) == (("a", "b"), 8, "crop")
    for part in data.parts():
        for i, name in enumerate(part.index.names):
            label, number = name.removesuffix(".png").split("/")
            expected = ["ab".index(label), int(number), 7]
            assert part.frames[i].shape == (8, 8, 3)
            assert part.frames[i][4, 4].tolist() == expected
            assert part.labels[i] == "ab".index(label)
    assert data.split.seed == 3
    assert data.split.counts() == sizes(data)


def test_the_size_is_the_arrays_own_or_224(tmp_path, write_photos):
    x, y = np.zeros((40, 6, 9), np.uint8), np.arange(40) % 2
    assert load((x, y)).image_size == 9
    assert load("digits").image_size == 8
    assert load(write_photos(tmp_path, {"a": 4, "b": 4})).image_size == 224


def test_arrays_in_parts_keep_them():
    x, y = np.zeros((40, 6, 6), np.uint8), np.arange(40) % 2
    data = load(((x, y), (x, y)), validation=0.25)
    assert sizes(data) == {"train": 30, "validation": 10, "test": 40}


@pytest.mark.parametrize("cache", ["memory", "stream"])
def test_broken_images_are_left_out_and_counted(tmp_path, write_photos, caplog, cache):
    write_photos(tmp_path, {"a": 10, "b": 10})
    (tmp_path / "a" / "bad.jpg").write_bytes(b"no image")
    (tmp_path / "b" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    with caplog.at_level(logging.WARNING):
        data = load(tmp_path, image_size=4, cache=cache)
    assert [q.name for q in data.quarantined] == ["a/bad.jpg", "b/gone.jpg"]
    assert len(caplog.records) == 1
    assert "2 of 22 images cannot be read" in caplog.text
    assert sum(sizes(data).values()) == 20
    assert "a/bad.jpg" not in data.split.samples


def test_a_class_of_broken_images_is_named(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 10, "b": 10, "c": 0})
    (tmp_path / "c" / "bad.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match="class 'c' has no image to train on"):
        load(tmp_path, image_size=4)


def test_only_broken_images(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "bad.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match="none of its images can be read"):
        load(tmp_path)


def test_classes_can_be_chosen(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 5, "b": 5, "c": 5})
    data = load(tmp_path, image_size=4, classes=("c", "a"))
    assert data.class_names == ("a", "c")
    assert sum(sizes(data).values()) == 10


def test_nothing_cut_means_no_part(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 5, "b": 5})
    data = load(tmp_path, image_size=4, validation=0, test=0)
    assert (data.validation, data.test) == (None, None)


def test_a_recorded_split_is_obeyed(tmp_path, write_photos, caplog):
    write_photos(tmp_path / "set", {"a": 20, "b": 20})
    old = load(tmp_path / "set", image_size=4, seed=5).split
    path = tmp_path / "split.json"
    path.write_text(json.dumps(old.to_json()))
    write_photos(tmp_path / "set", {"a": 30, "b": 20})
    new = load(tmp_path / "set", image_size=4, split_file=str(path)).split
    assert {n: p.part for n, p in new.samples.items() if n in old.samples} == {
        n: p.part for n, p in old.samples.items()
    }
    assert new.counts() == {"train": 35, "validation": 8, "test": 7}
    assert "10 images added" in caplog.text


def test_full_photos_are_kept_for_a_random_crop(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 5, "b": 5}, size=12)
    plain = load(tmp_path, image_size=8, transforms=(RandomFlip(),))
    full = load(tmp_path, image_size=8, transforms=(RandomResizedCrop(),))
    assert plain.train.frames[0].shape == (8, 8, 3)
    assert plain.train.photos is None
    assert full.train.photos[0].shape == (12, 12, 3)
    assert full.train.frames[0].shape == (8, 8, 3)
    assert full.validation.photos is None


@pytest.mark.parametrize("cache", ["auto", "memory", "stream"])
def test_full_arrays_are_kept_for_a_random_crop(cache):
    x, y = np.zeros((40, 6, 9), np.uint8), np.arange(40) % 2
    data = load((x, y), transforms=(RandomResizedCrop(),), cache=cache)
    assert data.quarantined == ()
    assert data.train.photos[0].shape == (6, 9, 3)
    assert data.train.frames[0].shape == (9, 9, 3)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match=r"no setting 'batchsize'.*'batch_size'"):
        load("digits", batchsize=8)
    with pytest.raises(ConfigError, match=r"Data\.image_size"):
        load("digits", image_size=0)
    with pytest.raises(ConfigError, match="less than 1 together"):
        Data(validation=0.5, test=0.5)
    with pytest.raises(ConfigError, match="no data set is given"):
        Data().build()


def test_the_config_survives_json():
    config = Data(source="digits", classes=("1", "2"), transforms=(RandomFlip(),))
    assert from_json(Data, to_json(config)) == config


def test_progress_is_told(tmp_path, write_photos):
    calls = []
    write_photos(tmp_path, {"a": 5, "b": 5})
    load(tmp_path, image_size=4, progress=lambda *call: calls.append(call))
    assert calls[-1] == (10, 10)


def test_importing_the_data_needs_no_framework():
    code = (
        "import sys, residency.data;"
        "print([m for m in ('keras', 'torch', 'sklearn') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert out.stdout.strip() == b"[]"


@pytest.mark.real_data
def test_real_photos(real_photos: Path):
    data = load(real_photos / "ants-bees", image_size=64)
    assert sizes(data) == {"train": 245, "validation": 153}
    assert data.quarantined == ()


def test_the_first_classes_in_one_argument():
    data = load("digits", first_classes=3)
    assert data.class_names == ("0", "1", "2")
