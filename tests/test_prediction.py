"""A trained model on files and folders: the pixels and classes of its training."""

import html
import logging
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import residency as rs
from residency.data import in_order
from residency.errors import DataError, EngineError
from residency.models import Contract, save_model
from residency.prediction import list_images, read_image
from residency.recipes import get_recipe
from residency.trained import open_trained

COLOURS = {"blue": 2, "green": 1, "red": 0}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Twenty photos a colour, of odd sizes, and a run trained on them."""
    root = tmp_path_factory.mktemp("work") / "photos"
    random = np.random.default_rng(0)
    for name, channel in COLOURS.items():
        (root / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 120, (20 + number, 24, 3))
            pixels[..., channel] += 120
            Image.fromarray(pixels.astype("uint8")).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def run(photos):
    return rs.train(
        "cifar_resnet20",
        str(photos),
        "quick/photos",
        photos.parent / "runs",
        name="run",
        progress=False,
        data__image_size=16,
        data__batch_size=16,
        schedule__total_epochs=8,
        optimizer__learning_rate=0.02,
    )


def test_it_learned(run):
    assert run.evaluations[-1].part == "test"
    assert run.evaluations[-1].accuracy.rate >= 0.9
    assert [e.used_for_choosing for e in run.evaluations] == [True, False]


def test_evaluate_repeats_the_runs_figures(run, photos):
    for form in (run, run.folder, run.folder / "best.keras"):
        assert rs.evaluate(form) == run.evaluations[-1]
    assert rs.evaluate(run.folder, photos, part="validation") == run.evaluations[0]


def test_the_runs_own_data_from_another_folder(photos, tmp_path, monkeypatch):
    """The recorded path was relative once: the training images were measured."""
    monkeypatch.chdir(photos.parent)
    settings = {"data.image_size": 16, "schedule.total_epochs": 1}
    for data, changes in (("photos", {}), (None, {"data.source": "photos"})):
        run = rs.train(
            "cifar_resnet20",
            data,
            out=tmp_path,
            progress=False,
            changes={**settings, **changes},
        )
        monkeypatch.chdir(tmp_path)
        evaluation = rs.evaluate(run, photos)
        assert evaluation == run.evaluations[-1]
        assert rs.evaluate(run) == evaluation
        monkeypatch.chdir(photos.parent)


def test_training_images_in_other_data_are_counted(run, photos, tmp_path, caplog):
    copy = shutil.copytree(photos, tmp_path / "copy")
    with caplog.at_level(logging.WARNING):
        rs.evaluate(run, copy)
        assert "the run was trained on 42 of the 60 images measured" in caplog.text
        caplog.clear()
        for name in COLOURS:  # other photos of the same names
            for number in range(20):
                pixels = np.full((9, 9, 3), number, np.uint8)
                Image.fromarray(pixels).save(copy / name / f"{number}.png")
        rs.evaluate(run, copy)
        rs.evaluate(run, photos)
        rs.evaluate(run, photos, part="train")
    assert caplog.text == ""


def test_the_runs_own_data_set_keeps_its_parts(run, photos):
    data = rs.data.load(photos, image_size=16)
    assert rs.evaluate(run, data, part="validation") == run.evaluations[0]
    assert rs.evaluate(run, data, part="validation").used_for_choosing
    assert not rs.evaluate(run, data, part="test").used_for_choosing


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image_size": 8}, "expected images of image_size 16, as the model takes"),
        ({"image_size": 16, "resize": "pad"}, "with resize='crop'"),
    ],
)
def test_images_of_another_size_are_refused(run, photos, settings, words):
    with pytest.raises(DataError, match=words):
        rs.evaluate(run, rs.data.load(photos, **settings))


@pytest.mark.parametrize("cache", ["memory", "stream"])
def test_large_photos_are_resized_once_in_every_part(tmp_path, cache):
    """Photos kept for the random crop were shrunk first, and resized again."""
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = random.integers(0, 256, (700, 900, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    data = replace(get_recipe("quick/photos").data, cache=cache).build(str(tmp_path))
    contract = Contract(class_names=data.class_names, image_size=96, resize="crop")
    for part in data.parts():
        (batch,) = in_order(part, 96, 99)
        for image, name in zip(batch.images, part.index.names, strict=True):
            assert (image == read_image(tmp_path / name, contract)).all()


def test_predict_and_evaluate_see_the_same_pixels(run, photos):
    everything = shutil.copytree(photos, photos.parent / "copy", dirs_exist_ok=True)
    evaluation = rs.evaluate(run, everything)
    predictions, broken = rs.predict(run, everything)
    assert evaluation.part == "all"
    assert (len(predictions), broken) == (60, [])
    right = sum(p.label == p.truth for p in predictions)
    assert evaluation.accuracy.correct == right


def test_some_of_the_classes_are_enough(run, photos):
    some = photos.parent / "some"
    for name in ("green", "red"):
        shutil.copytree(photos / name, some / name, dirs_exist_ok=True)
    evaluation = rs.evaluate(run, some)
    assert [s.support for s in evaluation.classes] == [0, 20, 20]
    assert evaluation.accuracy.rate >= 0.9


def test_unknown_classes_are_refused(run, photos):
    other = photos.parent / "other"
    for old, new in {"green": "green", "red": "Red"}.items():
        shutil.copytree(photos / old, other / new, dirs_exist_ok=True)
    with pytest.raises(DataError, match="classes Red are not among the model's 3"):
        rs.evaluate(run, other)


def test_broken_images_are_told_and_the_rest_classified(run, photos, tmp_path):
    shutil.copy(photos / "red" / "0.png", tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no image")
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    predictions, broken = rs.predict(run, tmp_path)
    assert [p.name for p in predictions] == [str(tmp_path / "a.png")]
    assert [b.name[-5:] for b in broken] == ["b.jpg", "c.png"]


def test_only_broken_images_are_an_error(run, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"none of 2 images can be read: .*a\.jpg: not"):
        rs.predict(run, tmp_path)


def test_folders_that_are_no_classes_are_refused(run, photos, tmp_path, caplog):
    for new, old in (("heron", "green"), ("stork", "red")):
        shutil.copytree(photos / old, tmp_path / "birds" / new)
    with pytest.raises(DataError, match="folders heron, stork, and none is a class of"):
        rs.predict(run, tmp_path / "birds")
    predictions, _ = rs.predict(run, str(tmp_path / "birds" / "**" / "*.png"))
    assert len(predictions) == 40
    assert len(rs.predict(run, tmp_path / "birds" / "heron")[0]) == 20
    shutil.copytree(photos / "blue", tmp_path / "birds" / "blue")
    with caplog.at_level(logging.WARNING):
        predictions, _ = rs.predict(run, tmp_path / "birds")
    assert "heron, stork are no classes of the model" in caplog.text
    assert {p.truth for p in predictions} == {None, "blue"}


def test_folders_inside_a_class_are_of_that_class(run, photos, tmp_path, caplog):
    """Training takes the top folder for the class; predict took the last one."""
    for name in COLOURS:
        for day in ("monday", "tuesday"):
            shutil.copytree(photos / name, tmp_path / "days" / name / day)
    days = tmp_path / "days"

    def truths(*given):
        found, _ = rs.predict(run, [str(days / each) for each in given])
        return {(p.truth, Path(p.name).relative_to(days).parts[0]) for p in found}

    same = {(name, name) for name in COLOURS}
    with caplog.at_level(logging.WARNING):
        assert truths("") == truths("**/*.png") == truths(*COLOURS) == same
        assert truths("red/monday") == {(None, "red")}
        shutil.copytree(photos / "red", days / "green" / "red")
        assert truths("") == same
        assert truths("green") == {("green", "green"), ("red", "green")}
    assert caplog.text == ""


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
def test_a_class_whose_name_is_no_utf8(photos, tmp_path):
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    contract = Contract(class_names=("caf\\xe9", "red"), image_size=16)
    save_model(model, tmp_path / "m.keras", contract)
    shutil.copytree(photos / "red", tmp_path / "in" / "caf\udce9" / "here")
    found, _ = rs.predict(tmp_path / "m.keras", tmp_path / "in")
    assert {p.truth for p in found} == {"caf\\xe9"}


def test_a_model_without_numbers_is_never_right(photos, caplog):
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    model.layers[-1].bias.assign([np.nan] * 3)
    found, _ = rs.predict(model, photos)
    assert {p.label for p in found} == {""}
    assert "the model gives no numbers for 60 of 60 images" in caplog.text


def test_only_images_are_listed(tmp_path):
    names = (
        "a.jpg",
        "._a.jpg",
        "b/c.png",
        "b/notes.txt",
        ".hidden/d.jpg",
        "e.jpg/f.gif",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    expected = ["a.jpg", "b/c.png", "e.jpg/f.gif"]

    def listed(*paths):
        found = list_images([str(tmp_path / path) for path in paths])
        return [path.relative_to(tmp_path).as_posix() for path in found]

    assert listed("") == expected
    assert sorted(listed("**")) == expected
    assert listed("a.jpg", "", "b/*") == expected
    assert listed("b/notes.txt") == ["b/notes.txt"]  # asked for by its name


def test_the_snippet_of_the_report_runs(run, photos, capsys):
    page = (run.folder / "report.html").read_text("utf-8")
    (snippet,) = re.findall(r"<code>(import residency.*?)</code>", page, re.DOTALL)
    photo = str(photos / "red" / "0.png")
    exec(html.unescape(snippet).replace("photo.jpg", photo), {})
    assert capsys.readouterr().out.startswith(f"{photo} red 0.")


def test_patterns_and_files(photos):
    assert len(list_images(str(photos / "red" / "1*.png"))) == 11
    assert list_images([photos / "red" / "3.png"]) == [photos / "red" / "3.png"]
    with pytest.raises(DataError, match="no image is there"):
        list_images(str(photos / "*.gif"))


def test_a_plain_keras_file_gives_numbers(tmp_path, caplog):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    model.save(tmp_path / "m.keras")
    trained = open_trained(tmp_path / "m.keras")
    assert trained.contract.class_names == ("0", "1")
    assert trained.contract.image_size == 8
    assert "no class names" in caplog.text


def test_a_bare_model_takes_the_names_of_the_data(photos):
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    evaluation = rs.evaluate(model, photos)
    assert [score.name for score in evaluation.classes] == ["blue", "green", "red"]
    data = rs.data.load(photos, image_size=16, validation=0, test=0)
    assert rs.evaluate(model, data).accuracy == evaluation.accuracy  # framed alike
    with pytest.raises(
        DataError, match="image_size 16, as the model takes them, got 8"
    ):
        rs.evaluate(model, rs.data.load(photos, image_size=8))
    with pytest.raises(
        DataError, match="has 2 classes, the model has 3 outputs and no"
    ):
        rs.evaluate(model, rs.data.load(photos, image_size=16, classes=("red", "blue")))


def test_arrays_in_memory_are_asked_for(tmp_path):
    data = (np.zeros((12, 8, 8), np.uint8), np.arange(12) % 2)
    settings = {"schedule__total_epochs": 1, "progress": False}
    run = rs.train(None, data, "quick/digits", tmp_path, **settings)
    with pytest.raises(DataError, match=r"arrays in memory\. Pass them as data"):
        rs.evaluate(run)


def test_the_file_opens_in_plain_keras_and_agrees(run, photos):
    model = keras.saving.load_model(run.folder / "best.keras")
    (prediction,), _ = rs.predict(run, photos / "red" / "0.png")
    image = read_image(photos / "red" / "0.png", open_trained(run).contract)
    given = keras.ops.convert_to_numpy(model(image[None].astype("float32")))[0]
    assert given.max() == pytest.approx(prediction.confidence, abs=1e-6)


def test_bfloat16_is_close_and_asked_for(run, photos):
    exact, _ = rs.predict(run, photos)
    close, _ = rs.predict(run, photos, precision="bfloat16")
    found = [[p.confidence for p in each] for each in (exact, close)]
    np.testing.assert_allclose(found[0], found[1], atol=0.1)
    assert found[0] != found[1]
    with pytest.raises(EngineError, match="float8"):
        rs.evaluate(run, precision="float8")
