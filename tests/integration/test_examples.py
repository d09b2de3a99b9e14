"""The examples of texts 1 and 2, on photos drawn here."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import residency as rs

import keras  # isort: skip  the backend is chosen by residency

EXAMPLES = Path(__file__).parents[2] / "examples"
BIRDS = {
    "Bananaquit": 0,
    "Black Skimmer": 1,
    "Black Throated Bushtiti": 2,
    "Cockatoo": 3,
}


def photo(kind: int, rng: np.random.Generator) -> Image.Image:
    """Returns a disc with stripes, whose direction is the kind, before a blurred wall.

    Colours, phase and place are drawn, so a kind is no colour and no place.
    """
    wall = rng.integers(60, 200, (4, 5, 3), dtype=np.uint8)
    scene = np.asarray(Image.fromarray(wall).resize((120, 100)), dtype=float)
    rows, columns = np.mgrid[:100, :120]
    angle = kind * np.pi / 4
    along = columns * np.cos(angle) + rows * np.sin(angle)
    wave = np.sin(2 * np.pi * along / rng.uniform(9, 13) + rng.uniform(0, 2 * np.pi))
    light, dark = rng.uniform(150, 255, 3), rng.uniform(0, 105, 3)
    disc = np.hypot(rows - rng.uniform(45, 55), columns - rng.uniform(52, 68)) < 42
    scene[disc] = np.where(wave[disc][:, None] > 0, light, dark)
    grainy = scene + rng.normal(0, 6, scene.shape)
    return Image.fromarray(grainy.clip(0, 255).astype(np.uint8))


def draw_photos(folder: Path, kinds: dict[str, int], count: int) -> Path:
    """Writes `count` JPEG files for each class; returns `folder`."""
    rng = np.random.default_rng(0)
    for name, kind in kinds.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            photo(kind, rng).save(folder / name / f"{number:03d}.jpg", quality=90)
    return folder


def run_example(folder: Path, name: str, *arguments: str) -> str:
    """Runs an example in `folder` as a user does; returns what it says."""
    command = [sys.executable, EXAMPLES / name, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def width_of(picture: Path) -> int:
    with Image.open(picture) as image:
        return image.width


@pytest.mark.slow
def test_birds(tmp_path):
    """The file's kernels stay, the head has four outputs, figures are the model's."""
    draw_photos(tmp_path / "bird photos", BIRDS, 24)
    file = rs.models.build("resnet50_keras2", num_classes=1000, image_size=64)
    rs.models.save_weights(file, tmp_path / "keras2.h5")
    options = ("--weights", "keras2.h5", "--size", "64", "--epochs", "2")
    said = run_example(tmp_path, "birds.py", "bird photos", *options)

    run = tmp_path / "birds" / "latest"
    model = keras.saving.load_model(run / "best.keras")
    kernel = model.get_layer("res5c_branch2c").kernel
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(kernel),
        keras.ops.convert_to_numpy(file.get_layer("res5c_branch2c").kernel),
    )
    assert model.output_shape == (None, 4)
    assert re.search(r"Black Throated Bushtiti +17 +4 +3\n", said)
    for part in ("validation", "test"):
        assert f": {rs.evaluate(run, part=part).accuracy}\n" in said
    lines = (run / "metrics.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    best = min(
        epochs,
        key=lambda e: (-e["validation_accuracy"]["correct"], e["validation_loss"]),
    )
    assert f"Epoch {best['epoch']} of 2 was the best" in said
    for name in ("training", "curves", "predictions"):
        assert width_of(tmp_path / "birds" / f"{name}.png") > 900


@pytest.mark.slow
def test_cats_and_dogs(tmp_path):
    """On wrong pixels the photos look alike to ResNet50's head; all is told."""
    draw_photos(tmp_path / "photos", {"cats": 0, "dogs": 2}, 36)
    options = ("--size", "64", "--epochs", "1", "--budget", "3")
    said = run_example(tmp_path, "cats_and_dogs.py", "photos", *options)
    row = r"^(\w+) +(pixels / 255|the weights' own).* (\d+) % +(.+), n=24\)$"
    rows = re.findall(row, said, re.MULTILINE)
    assert len(rows) == 4
    differ = {(name, pixels): float(share) for name, pixels, share, _ in rows}
    wrong, right = (differ["ResNet50", p] for p in ("pixels / 255", "the weights' own"))
    assert wrong < right / 3
    _, on_wrong, on_right = said.split("The doctor on it:")
    assert "pretrained_preprocess_mismatch" in on_wrong
    assert "pretrained_preprocess_mismatch" not in on_right
    assert width_of(tmp_path / "cats_and_dogs.png") > 900


@pytest.fixture(scope="module")
def cats_and_dogs():
    return runpy.run_path(str(EXAMPLES / "cats_and_dogs.py"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "total", "trained"),
    [
        # 36,695,425 and 16,523,265 as counted of the text's network, less the gammas
        # and betas of its two last normalisations, 2 x (512 + 2048), which stay.
        ("ResNet50", 36_695_425, 16_523_265 - 5_120),
        # 14,714,688 and 7,079,424 of the body; the head sees 4 x 4 x 512 numbers.
        ("VGG16", 14_714_688 + 2_097_665, 7_079_424 + 2_097_665),
    ],
)
def test_the_networks_are_those_of_the_text(cats_and_dogs, name, total, trained):
    photos = np.zeros((1, 150, 150, 3), "float32")
    model, _ = cats_and_dogs["network"](name, None, cats_and_dogs["RIGHT"], photos)
    assert model.count_params() == total
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == trained
