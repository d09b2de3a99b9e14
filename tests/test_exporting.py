"""From a trained model to a file of weights."""

import numpy as np
import pytest

from residency.errors import ConfigError
from residency.exporting import export
from residency.models import Contract, build, read_weights, save_model


@pytest.fixture
def model(tmp_path):
    contract = Contract(class_names=("cat", "dog"), image_size=16)
    net = build("cifar_resnet20", num_classes=2, image_size=16)
    save_model(net, tmp_path / "net.keras", contract)
    return net


def test_a_file_of_any_format(model, tmp_path):
    out = export(tmp_path / "net.keras", tmp_path / "out.safetensors", "safetensors")
    file = read_weights(out)
    np.testing.assert_array_equal(
        file.arrays["predictions/kernel"], model.get_layer("predictions").kernel.numpy()
    )
    assert file.metadata["class_names"] == ["cat", "dog"]


def test_format_and_name_must_agree(model, tmp_path):
    with pytest.raises(ConfigError, match=r"expected --out to end in \.h5"):
        export(tmp_path / "net.keras", tmp_path / "out.safetensors", "h5")
