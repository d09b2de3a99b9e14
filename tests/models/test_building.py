"""Networks built by name."""

import pytest

from residency.errors import ConfigError
from residency.models import build


def test_unknown_model():
    with pytest.raises(ConfigError, match="Did you mean 'resnet50'"):
        build("resnet5", num_classes=10)


def test_unknown_option():
    with pytest.raises(
        ConfigError, match=r"option 'shortcuts'\. Did you mean 'shortcut'"
    ):
        build("cifar_resnet20", num_classes=10, shortcuts="B")
