"""Whatever the user points at is a classifier of images, or one clear error."""

import json
import zipfile

import keras
import pytest

from residency.errors import ExportError
from residency.models import Contract, build, save_model
from residency.trainable import trainable
from residency.trained import open_trained


def two_inputs():
    images, more = keras.Input((8, 8, 3)), keras.Input((4,))
    x = keras.layers.Concatenate()([keras.layers.Flatten()(images), more])
    return keras.Model([images, more], keras.layers.Dense(2)(x))


def two_outputs():
    images = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(images)
    return keras.Model(images, [keras.layers.Dense(n)(x) for n in (2, 3)])


def rows():
    return keras.Sequential([keras.Input((10,)), keras.layers.Dense(2)])


def maps():
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])


def classifier(classes=3, **options):
    settings = {"num_classes": classes, "image_size": 16, **options}
    return build("cifar_resnet20", **settings)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (two_inputs, r"inputs \(None, 8, 8, 3\), \(None, 4\) and the outputs"),
        (two_outputs, r"and the outputs \(None, 2\), \(None, 3\)\. Save the part"),
        (rows, r"inputs \(None, 10\) and"),
        (maps, r"the outputs \(None, 6, 6, 4\)\."),
    ],
)
def test_what_is_no_classifier_is_refused(tmp_path, make, words):
    make().save(tmp_path / "m.keras")
    with pytest.raises(ExportError, match=rf"m\.keras: expected a class.*{words}"):
        open_trained(tmp_path / "m.keras")
    with pytest.raises(ExportError, match=words):
        trainable(str(tmp_path / "m.keras"), "finetune/head")
    with pytest.raises(ExportError, match=r"model '.*': expected a classifier"):
        open_trained(make())


def test_a_model_without_shapes_is_refused():
    with pytest.raises(ExportError, match="inputs none and the outputs none"):
        open_trained(keras.Sequential([keras.layers.Dense(2)]))


@pytest.mark.parametrize("classes", [1, 3])
def test_class_names_are_as_many_as_outputs(tmp_path, classes):
    names = ("a", "b", "c")[: max(2, classes)]
    path = tmp_path / "m.keras"
    images = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(images)
    model = keras.Model(images, keras.layers.Dense(classes, activation="sigmoid")(x))
    save_model(model, path, Contract(class_names=names, image_size=8))
    assert open_trained(path).contract.class_names == names
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(members["residency.json"])
    members["residency.json"] = json.dumps(said | {"class_names": ["a"]}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ExportError, match=f"expected {len(names)} class names, one fo"):
        open_trained(path)


def test_the_side_of_the_images_is_told_where_channels_come_first(tmp_path, caplog):
    classifier(data_format="channels_first").save(tmp_path / "m.keras")
    assert open_trained(tmp_path / "m.keras").contract.image_size == 16
    assert "images are resized to 16 pixels" in caplog.text
