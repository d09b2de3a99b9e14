"""A teacher knows the classes by name, in any order, or is refused."""

import logging

import keras
import numpy as np
import pytest

from residency.data import load
from residency.errors import ConfigError, ExportError
from residency.models import Contract, build, save_model
from residency.teacher import TEACHER, keep_teacher, open_teacher, teacher_file
from residency.training import CrossEntropy, Distillation


@pytest.fixture(scope="module")
def dataset():
    images = np.zeros((12, 8, 8, 3), np.uint8)
    return load((images, np.arange(12) % 3), image_size=8)


@pytest.fixture
def teacher(tmp_path):
    def save(names, image_size=8, **more):
        model = build("cifar_resnet20", num_classes=len(names), image_size=image_size)
        contract = Contract(class_names=names, image_size=image_size, **more)
        save_model(model, tmp_path / "teacher.keras", contract)
        return Distillation(teacher=str(tmp_path / "teacher.keras"))

    return save


@pytest.fixture
def unnamed(tmp_path):
    """Saves a file as Keras alone writes it."""

    def save(classes, shape=(8, 8, 3)):
        layers = [keras.Input(shape), keras.layers.Flatten()]
        layers += [keras.layers.Dense(classes, "softmax")]
        keras.Sequential(layers).save(tmp_path / "teacher.keras")
        return Distillation(teacher=str(tmp_path / "teacher.keras"))

    return save


def test_columns_follow_the_names(dataset, teacher):
    found = open_teacher(teacher(("2", "0", "1")), dataset)
    assert found.columns.tolist() == [1, 2, 0]
    assert open_teacher(CrossEntropy(), dataset) is None


def test_other_classes_or_sizes_are_refused(dataset, teacher):
    with pytest.raises(ConfigError, match=r"knows a, b, c, arrays has 0, 1, 2"):
        open_teacher(teacher(("a", "b", "c")), dataset)
    with pytest.raises(ConfigError, match=r"knows 0, 1, 2, 3, arrays has 0, 1, 2\."):
        open_teacher(teacher(("0", "1", "2", "3")), dataset)
    with pytest.raises(ConfigError, match=r"\(16, 16, 3\).*gives \(8, 8, 3\).*size=16"):
        open_teacher(teacher(("0", "1", "2"), 16), dataset)


def test_a_file_without_names_is_taken_by_its_order(dataset, unnamed, caplog):
    with caplog.at_level(logging.WARNING):
        found = open_teacher(unnamed(3), dataset)
    assert found.columns.tolist() == [0, 1, 2]
    assert "outputs are taken for 0, 1, 2, its input for pixels" in caplog.text
    with pytest.raises(ConfigError, match="knows 4 classes without names"):
        open_teacher(unnamed(4), dataset)
    with pytest.raises(ConfigError, match=r"takes images of \(8, 8, 1\)"):
        open_teacher(unnamed(3, (8, 8, 1)), dataset)
    with pytest.raises(ConfigError, match=r"takes images of \(192,\)"):
        open_teacher(unnamed(3, (192,)), dataset)


def test_other_framing_is_told(dataset, teacher, caplog):
    with caplog.at_level(logging.WARNING):
        open_teacher(teacher(("0", "1", "2"), resize="pad"), dataset)
    assert "resize pad, these have crop" in caplog.text


def test_no_file_and_no_model(dataset, tmp_path):
    with pytest.raises(ConfigError, match=r"expected a run folder .*, got none\.keras"):
        open_teacher(Distillation(teacher="none.keras"), dataset)
    with pytest.raises(ConfigError, match=r"a run folder with a best\.keras in it"):
        open_teacher(Distillation(teacher=str(tmp_path)), dataset)
    (tmp_path / "best.keras").write_text("no model")
    with pytest.raises(ExportError, match="not a Keras file"):
        open_teacher(Distillation(teacher=str(tmp_path)), dataset)


def test_the_run_keeps_its_teacher(dataset, teacher, tmp_path, caplog):
    loss = teacher(("2", "0", "1"), resize="pad")
    (tmp_path / "latest").symlink_to(tmp_path)
    link = Distillation(teacher=str(tmp_path / "latest" / "teacher.keras"))
    assert teacher_file(link) == (tmp_path / "teacher.keras").resolve()
    keep_teacher(teacher_file(loss), tmp_path / "run")
    (tmp_path / "teacher.keras").unlink()
    assert open_teacher(loss, dataset, tmp_path / "run").columns.tolist() == [1, 2, 0]
    assert not caplog.records  # it was told when the training began
    keep_teacher(teacher_file(CrossEntropy()), tmp_path / "plain")
    assert not (tmp_path / "plain" / TEACHER).exists()
