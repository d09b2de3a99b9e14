import keras
import pytest
from keras import layers

from residency.doctor.checks.model.augmentation_too_strong import find


def model(*shift):
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.RandomTranslation(*shift),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )


@pytest.mark.parametrize(
    ("shift", "most"), [((0.5, 0.5), 0.5), ((0.1, (-0.6, 0.2)), 0.6)]
)
def test_half_of_the_picture_leaves(probe_of, images, shift, most):
    (found,) = find(probe_of(model(*shift), images()))
    assert (found.severity, found.label) == ("warning", "augmentation_too_strong")
    assert found.evidence["most"] == pytest.approx(most)


@pytest.mark.parametrize("shift", [(0.2, 0.2), (0.125, (-0.4, 0.4))])
def test_smaller_shifts_are_usual(probe_of, images, shift):
    assert find(probe_of(model(*shift), images())) == []
