"""Which stem an image size gets, and what the deep one is made of."""

import keras
import pytest

from residency.models import ResNet
from residency.models.stems import is_cifar_stem


@pytest.mark.parametrize(
    ("stem", "size", "small"),
    [
        ("auto", 63, True),
        ("auto", 64, False),
        ("auto", None, False),
        ("cifar", 224, True),
        ("cifar", None, True),
        ("imagenet", 64, False),
    ],
)
def test_choice(stem, size, small):
    assert is_cifar_stem(stem, size) is small


def test_deep_stem_of_the_bag_of_tricks():
    """Three 3x3 of 32, 32 and 64 channels; the first one halves the map."""
    with keras.device("meta"):  # shapes alone
        model = ResNet(50, "D")
    shapes = [model.get_layer(f"conv1_{n}_conv").kernel.shape for n in (1, 2, 3)]
    assert shapes == [(3, 3, 3, 32), (3, 3, 32, 32), (3, 3, 32, 64)]
    assert model.get_layer("conv1_1_conv").output.shape == (None, 112, 112, 32)
    assert model.get_layer("pool1_pool").output.shape == (None, 56, 56, 64)
