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
    ("layer", "scale"),
    [
        (lambda: layers.RandomBrightness(0.3, seed=0), 1),
        (lambda: layers.RandomBrightness(0.3, value_range=(0, 1), seed=0), 255),
        (lambda: layers.GaussianNoise(1.0, seed=0), 0.5),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_random_layer_of_another_scale(probe_of, pictures, layer, scale, nested):
    x, y = pictures(32)
    (found,) = find(probe_of(randomly(layer(), nested), (x / 255 * scale, y)))
    assert found.label == "augmentation_too_strong"
    cures = {1: "value_range=(0, 1))", 255: "value_range=(0, 255))", 0.5: "(0.025)"}
    assert found.snippet.endswith(cures[scale])


@pytest.mark.parametrize(
    ("layer", "scale"),
    [
        (lambda: layers.RandomBrightness(0.8, value_range=(0, 1)), 1),
        (lambda: layers.RandomBrightness(0.8), 255),
        (lambda: layers.RandomContrast(0.9), 255),
        (lambda: layers.RandomErasing(1.0, scale=(0.3, 0.5)), 255),
        (lambda: layers.GaussianNoise(0.5), 1),
        (lambda: layers.RandomZoom((-0.5, 0.5)), 1),
    ],
)
def test_strong_changes_on_the_right_scale_are_usual(probe_of, pictures, layer, scale):
    x, y = pictures(32)
    assert find(probe_of(randomly(layer(), False), (x / 255 * scale, y))) == []


def randomly(layer, nested):
    first = keras.Sequential([layer]) if nested else layer
    return [first, layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(4, "softmax")]
