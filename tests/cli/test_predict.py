"""`residency predict`: JSON, a table, a picture."""

import csv
import json
import os
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from residency import prediction, trained
from residency.cli.app import app
from residency.models import Contract, save_model


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A model of two classes, two images and a broken one."""
    monkeypatch.chdir(tmp_path)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    save_model(model, "m.keras", Contract(class_names=("cat", "dog"), image_size=8))
    Path("photos").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(Path("photos", name))
    Path("photos/c.png").write_bytes(b"no image")
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["predict", "m.keras", "photos", *arguments])
    assert result.exception is None, result.output
    return result.stdout


def test_json_has_the_broken_images_too(here):
    found = json.loads(run("--json"))
    assert [p["name"] for p in found["predictions"]] == ["photos/a.png", "photos/b.png"]
    assert found["broken"] == [{"name": "photos/c.png", "reason": "not an image"}]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
def test_a_table_of_names_that_are_no_utf8(here):
    os.rename(b"photos/a.png", b"photos/caf\xe9.png")
    run("--csv", "out.csv")
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["path", "photos/b.png", "photos/caf\\xe9.png"]


def test_the_grid_opens_the_model_once_and_the_drawn_images_again(here, monkeypatch):
    opened, read = [], []
    load, decode = trained.load_model, prediction.decode
    monkeypatch.setattr(trained, "load_model", lambda p: opened.append(p) or load(p))
    monkeypatch.setattr(
        prediction, "decode", lambda p: read.append(p.name) or decode(p)
    )
    run("--grid", "grid.png")
    assert len(opened) == 1
    assert sorted(read) == ["a.png", "a.png", "b.png", "b.png", "c.png"]
    with Image.open("grid.png") as picture:
        assert picture.format == "PNG"
