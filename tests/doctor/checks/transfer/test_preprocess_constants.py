import keras
import numpy as np
import pytest

from residency.doctor.checks.transfer import preprocess_constants
from residency.doctor.probe.pixels import CONTRACTS, from_pixels

run = preprocess_constants.CHECK.run
MEAN, STD = (np.float32(v) for v in (CONTRACTS["torch"].mean, CONTRACTS["torch"].std))


def test_a_typing_error_is_named(probe_of, pretrained, pictures):
    body = pretrained("resnet50", "caffe")
    x = pictures()[..., ::-1] - np.float32((109.939, 116.779, 123.68))
    (found,) = run(probe_of(body, x))
    assert found.severity == "warning"
    assert "109.939 for 103.939" in found.title


def test_a_deviation_for_a_variance_is_named(probe_of, pretrained, pictures):
    body = pretrained("densenet121", "torch")
    (found,) = run(probe_of(body, (pictures() - MEAN) / (255 * np.sqrt(STD / 255))))
    assert found.severity == "warning"
    assert "roots" in found.title


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((123.68, 116.779, 103.939), (58.393, 57.12, 57.375)),
        ((124, 116, 104), (58, 57, 57)),
        (tuple(MEAN), tuple(STD)),
    ],
)
def test_other_spellings_are_silent(probe_of, pretrained, pictures, mean, std):
    body = pretrained("densenet121", "torch")
    x = (pictures() - np.float32(mean)) / np.float32(std)
    assert run(probe_of(body, x)) == []


def test_constants_of_another_set_of_photos_are_advice(probe_of, pretrained, pictures):
    body = pretrained("densenet121", "torch", bn=False)
    cifar = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
    x = (pictures() - np.float32(cifar[0])) / np.float32(cifar[1])
    assert {f.severity for f in run(probe_of(body, x))} <= {"advice"}


def test_another_preparation_is_another_fault(probe_of, pretrained, pictures):
    body = pretrained("densenet121", "torch")
    assert run(probe_of(body, from_pixels(pictures(), "raw"))) == []


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        ((123.68, 116.779, 109.939), (1, 1, 1), "109.939 for 103.939"),
        ((109.939, 116.779, 123.68), (1, 1, 1), "109.939 for 103.939"),
        (tuple(MEAN), tuple(STD**2 / 255), "variances"),
        ((125.307, 122.95, 113.865), (3968.14, 3855.01, 4449.53), "variances"),
    ],
)
def test_weights_of_ones_own(probe_of, pretrained, pictures, mean, std, words):
    body = pretrained("my_network", "torch")
    x = (pictures() - np.float32(mean)) / np.float32(std)
    (found,) = run(probe_of(body, x, frozen=False))
    assert found.severity == "warning"
    assert words in found.title


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0, 0, 0), (255, 255, 255)),
        ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
        ((123.68, 116.779, 103.939), (1, 1, 1)),
        ((123.68, 116.779, 103.939), (255, 255, 255)),
        ((125.307, 122.95, 113.865), (62.9932, 62.0887, 66.7048)),
        ((112.3, 101.9, 97.4), (60, 60, 60)),
    ],
)
def test_usual_constants_of_ones_own(probe_of, pretrained, pictures, mean, std):
    body = pretrained("my_network", "torch")
    x = (pictures() - np.float32(mean)) / np.float32(std)
    assert run(probe_of(body, x, frozen=False)) == []


@pytest.mark.parametrize(
    ("scale", "variance", "size"),
    [
        (1, STD, "too large"),
        (255, STD / 255, "too small"),
        (1, STD**2, None),
        (1, np.float32((3, 3, 3)), None),
        (255, np.float32((0.25, 0.25, 0.25)), None),
    ],
)
def test_a_normalization_given_deviations(probe_of, pictures, scale, variance, size):
    norm = keras.layers.Normalization(mean=MEAN / scale, variance=variance)
    layers = [norm, keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    body = keras.Sequential([keras.Input((32, 32, 3)), *layers])
    found = run(probe_of(body, pictures() / scale, frozen=False))
    assert [size in f.why for f in found] == ([] if size is None else [True])
