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


@pytest.mark.parametrize(
    ("layer", "scale", "offset", "cure"),
    [
        (layers.RandomBrightness(0.3), 1, 0, "value_range=(0, 1))"),
        (layers.RandomBrightness(0.3), 2, -1, "value_range=(-1, 1))"),
        (layers.RandomBrightness(0.3, value_range=(0, 1)), 2, -1, "=(-1, 1))"),
        (layers.RandomContrast(0.3, value_range=(0, 1)), 255, 0, "=(0, 255))"),
        (layers.RandomBrightness(0.3), 4, -1.5, "value_range=(-2, 3))"),
        (layers.GaussianNoise(1.0), 0.5, 0, "GaussianNoise("),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_random_layer_of_another_scale(
    probe_of, pictures, layer, scale, offset, cure, nested
):
    x, y = pictures(32)
    data = (x / 255 * scale + offset, y)
    again = type(layer).from_config(layer.get_config())
    (found,) = find(probe_of(randomly(again, nested), data))
    assert found.label == "augmentation_too_strong"
    assert cure in found.snippet


@pytest.mark.parametrize(
    ("layer", "scale"),
    [
        (layers.RandomBrightness(0.8, value_range=(0, 1)), 1),
        (layers.RandomBrightness(0.8), 255),
        (layers.RandomContrast(0.9), 255),
        (layers.RandomErasing(1.0, scale=(0.3, 0.5)), 255),
        (layers.GaussianNoise(0.5), 1),
        (layers.RandomZoom((-0.5, 0.5)), 1),
    ],
)
def test_strong_changes_on_the_right_scale_are_usual(probe_of, pictures, layer, scale):
    x, y = pictures(32)
    again = type(layer).from_config(layer.get_config())
    assert find(probe_of(randomly(again, False), (x / 255 * scale, y))) == []


@pytest.mark.parametrize(
    "layer",
    [
        layers.RandomRotation(0.2, fill_mode="constant"),
        layers.RandomTranslation(0.2, 0.2, fill_mode="constant"),
        layers.RandomBrightness(0.4),
    ],
)
def test_flat_pictures_may_be_turned_and_lit(probe_of, pictures, layer):
    """As of a microscope: 180 of 255, with a deviation of 12."""
    x, y = pictures(32)
    flat = 180 + 12 * (x - x.mean()) / x.std()
    assert find(probe_of(randomly(layer, False), (flat, y))) == []


def randomly(layer, nested):
    first = keras.Sequential([layer]) if nested else layer
    return [first, layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(4, "softmax")]
