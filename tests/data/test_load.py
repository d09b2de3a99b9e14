"""From a source to three parts: sizes, quarantine, classes, recorded splits."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
    assert all("a/bad.jpg" not in part.index.names for part in data.parts())


def cut_off(path: Path) -> None:
    """Cuts a photo in the middle: its header says nothing of it."""
    Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    ).save(path)
    path.write_bytes(path.read_bytes()[:-60])


def test_what_can_be_read_does_not_decide_the_split(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 12, "b": 14}, size=9)
    whole = load(tmp_path, image_size=4)
    for name in ("a/001.png", "b/003.png"):
        cut_off(tmp_path / name)
    kept = load(tmp_path, image_size=4, cache="memory")
    streamed = load(tmp_path, image_size=4, cache="stream")
    parts = [
        {name: placed.part for name, placed in data.split.samples.items()}
        for data in (whole, kept, streamed)
    ]
    assert parts[0] == parts[1] == parts[2]
    assert kept.split == streamed.split
    assert (kept.cache, streamed.cache) == ("memory", "stream")
    for part in streamed.parts():
        read = [n for n in part.index.names if n not in ("a/001.png", "b/003.png")]
        assert kept.part(part.name).index.names == tuple(read)


def test_a_ready_part_that_cannot_be_read_is_not_cut_anew(tmp_path, write_photos):
    write_photos(tmp_path / "train", {"a": 12, "b": 12})
    write_photos(tmp_path / "test", {"a": 1, "b": 1})
    for name in "ab":
        cut_off(tmp_path / "test" / name / "000.png")
    with pytest.raises(DataError, match="none of the 2 images of the test part can be"):
        load(tmp_path, image_size=4)


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


def test_a_run_needs_its_split_file_no_more(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 20, "b": 20})
    settings = Data(source=str(tmp_path), image_size=4, split_file="gone.json")
    with pytest.raises(DataError, match=r"gone\.json"):
        settings.build()
    recorded = load(tmp_path, image_size=4, seed=5).split
    assert settings.build(recorded=recorded).split == recorded


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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": "16"}, "Data.image_size: expected int or none, got '16'"),
        ({"image_size": 16.0}, "Data.image_size: expected int or none, got 16.0"),
        ({"first_classes": 1.5}, "Data.first_classes: expected int or none, got 1.5"),
        ({"classes": (0, 1)}, "Data.classes.0: expected str, got 0"),
        ({"classes": "01"}, "Data.classes: expected tuple, got '01'"),
        ({"validation": "0.2"}, "Data.validation: expected float, got '0.2'"),
    ],
)
def test_types_of_settings_are_checked(settings, message):
    with pytest.raises(ConfigError, match=message):
        load("digits", **settings)


def test_numbers_of_numpy_and_paths_are_settings(tmp_path):
    data = load("digits", image_size=np.int64(8), seed=np.int64(3))
    path = tmp_path / "split.json"
    path.write_text(json.dumps(data.split.to_json()))
    again = load("digits", split_file=path, validation=np.float32(0.5))
    assert again.split == data.split


def test_a_path_is_never_a_name(tmp_path, write_photos, monkeypatch):
    write_photos(tmp_path / "digits", {"a": 5, "b": 5})
    monkeypatch.chdir(tmp_path)
    data = load(Path("digits"), image_size=4)
    assert (data.num_classes, data.source) == (2, "./digits")


def test_a_class_that_has_no_image_is_no_mistake():
    x, y = np.zeros((45, 6, 6), np.uint8), np.eye(10)[np.arange(45) % 9 + 1]
    data = load((x, y))
    assert (data.num_classes, len(data.train)) == (10, 27)
    assert set(data.train.labels.tolist()) == set(range(1, 10))


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
