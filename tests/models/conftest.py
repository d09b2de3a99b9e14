"""Images and a net that several tests of this folder share."""

import numpy as np
import pytest


@pytest.fixture
def photos():
    """Four raw RGB images of 32 x 32 pixels, uint8."""
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype="uint8")


@pytest.fixture(scope="session")
def small_net():
    """An untrained ResNet-8 of 16 x 16 pixels and three classes; do not change it."""
    from residency.models import CIFARResNet

    return CIFARResNet(8, num_classes=3, image_size=16)
