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
from residency.errors import ConfigError
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


def test_names_are_texts_in_a_table_for_spreadsheets(here):
    model = keras.saving.load_model("m.keras")
    contract = Contract(class_names=("=1+1", "@sum"), image_size=8)
    save_model(model, "m.keras", contract)
    os.rename("photos", "-photos")
    arguments = ["predict", "m.keras", "--csv", "out.csv", "--", "-photos"]
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None, result.output
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [row[0] for row in rows] == ["'-photos/a.png", "'-photos/b.png"]
    assert {row[1] for row in rows} <= {"'=1+1", "'@sum"}
    assert all(0 <= float(row[2]) <= 1 for row in rows)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_names_move_no_cursor(here):
    os.rename("photos/a.png", "photos/\x1b[31ma.png")
    os.rename("photos/c.png", "photos/\x1b[31mc.png")
    result = CliRunner().invoke(app, ["predict", "m.keras", "photos"])
    assert "photos/\\x1b[31ma.png" in result.stdout
    assert "warning: photos/\\x1b[31mc.png: not an image" in result.stderr
    assert "\x1b" not in result.output


def test_a_grid_of_another_format_is_refused_before_the_work(here):
    result = CliRunner().invoke(app, ["predict", "none.keras", "x", "--grid", "g.jpg"])
    assert isinstance(result.exception, ConfigError)
    assert "'g.jpg': expected a name ending in .svg or .png" in str(result.exception)


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
