"""A trained model on files and folders: the pixels and classes of its training."""

import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import residency as rs
from residency.errors import DataError
from residency.inference import list_images, open_trained

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


def test_the_file_opens_in_plain_keras_and_agrees(run, photos):
    model = keras.saving.load_model(run.folder / "best.keras")
    (prediction,), _ = rs.predict(run, photos / "red" / "0.png")
    from residency.inference import read_image

    image = read_image(photos / "red" / "0.png", open_trained(run).contract)
    given = keras.ops.convert_to_numpy(model(image[None].astype("float32")))[0]
    assert given.max() == pytest.approx(prediction.confidence, abs=1e-6)
