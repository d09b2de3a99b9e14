"""A teacher knows the classes by name, in any order, or is refused."""

import numpy as np
import pytest

from residency.data import load
from residency.errors import ConfigError, ExportError
from residency.models import Contract, build, save_model
from residency.teacher import open_teacher
from residency.training import CrossEntropy, Distillation


@pytest.fixture(scope="module")
def dataset():
    images = np.zeros((12, 8, 8, 3), np.uint8)
    return load((images, np.arange(12) % 3), image_size=8)


@pytest.fixture
def teacher(tmp_path):
    def save(names, image_size=8):
        model = build("cifar_resnet20", num_classes=len(names), image_size=image_size)
        contract = names and Contract(class_names=names, image_size=image_size)
        save_model(model, tmp_path / "teacher.keras", contract)
        return Distillation(teacher=str(tmp_path / "teacher.keras"))

    return save


def test_columns_follow_the_names(dataset, teacher):
    found = open_teacher(teacher(("2", "0", "1")), dataset)
    assert found.columns.tolist() == [1, 2, 0]
    assert open_teacher(CrossEntropy(), dataset) is None


def test_other_classes_or_sizes_are_refused(dataset, teacher):
    with pytest.raises(ConfigError, match=r"knows a, b, c, arrays has 0, 1, 2"):
        open_teacher(teacher(("a", "b", "c")), dataset)
    with pytest.raises(ConfigError, match=r"takes images of 16 pixels.*gives 8"):
        open_teacher(teacher(("0", "1", "2"), 16), dataset)
    with pytest.raises(ExportError, match="no such model file"):
        open_teacher(Distillation(teacher="none.keras"), dataset)
