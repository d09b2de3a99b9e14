"""HDF5 files of Keras 1, 2 and 3, in the layouts of the real ones; and traps."""

import h5py
import numpy as np
import pytest

from residency.errors import ExportError
from residency.models.weights import read_weights


def keras1(path, layers):
    """Writes `{layer: {weight: array}}` as Keras 1 did: flat names, no `:0` groups."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, weights in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in weights]
            for name, array in weights.items():
                group[name] = array
    return path


ONE = {
    "input_1": {},
    "conv1": {
        "conv1_W:0": np.ones((3, 3, 3, 4), "f4"),
        "conv1_b:0": np.zeros(4, "f4"),
    },
    "bn_conv1": {
        "bn_conv1_gamma:0": np.full(4, 1.0, "f4"),
        "bn_conv1_beta:0": np.full(4, 2.0, "f4"),
        "bn_conv1_running_mean:0": np.full(4, 3.0, "f4"),
        "bn_conv1_running_std:0": np.full(4, 4.0, "f4"),
    },
    "conv2": {
        "conv2/kernel:0": np.ones((1, 1, 4, 4), "f4"),
        "conv2/bias:0": np.zeros(4, "f4"),
    },
    "depthwise": {"depthwise/depthwise_kernel:0": np.ones((3, 3, 4, 1), "f4")},
}
NAMES = [
    *("conv1/kernel", "conv1/bias"),
    *("bn_conv1/gamma", "bn_conv1/beta"),
    *("bn_conv1/moving_mean", "bn_conv1/moving_variance"),
    *("conv2/kernel", "conv2/bias"),
    "depthwise/kernel",
]


def test_names_of_keras_1_and_2_in_the_order_of_the_file(tmp_path):
    file = read_weights(keras1(tmp_path / "a.h5", ONE))
    assert list(file.arrays) == NAMES
    assert file.arrays["bn_conv1/moving_variance"].tolist() == [4, 4, 4, 4]


def test_a_whole_model_keeps_them_one_group_below(tmp_path):
    keras1(tmp_path / "weights.h5", ONE)
    with h5py.File(tmp_path / "a.h5", "w") as whole:
        with h5py.File(tmp_path / "weights.h5") as weights:
            weights.copy(weights, whole, "model_weights")
        whole.attrs["model_config"] = "{}"
    assert list(read_weights(tmp_path / "a.h5").arrays) == NAMES


def test_not_a_file_of_keras(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.ones(3)
    with pytest.raises(ExportError, match="no layer_names"):
        read_weights(tmp_path / "a.h5")


def test_a_name_without_an_array(tmp_path):
    keras1(tmp_path / "a.h5", ONE)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["conv1/conv1_W:0"]
    with pytest.raises(ExportError, match=r"names conv1/conv1_W:0, which is not in it"):
        read_weights(tmp_path / "a.h5")


def external_link(file, secret):
    file["conv1/stolen"] = h5py.ExternalLink(str(secret), "/x")


def soft_link(file, secret):
    file["conv1/stolen"] = h5py.SoftLink("/conv2")


def external_data(file, secret):
    external = [(str(secret), 0, 8)]
    file["conv1"].create_dataset("stolen", (2,), "f4", external=external)


def virtual_data(file, secret):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "x", (2,))
    file["conv1"].create_virtual_dataset("stolen", layout)


def circle(file, secret):
    file["conv1/again"] = file["/"]


def bomb(file, secret):
    shape = (2**20, 2**20)
    file["conv1"].create_dataset("stolen", shape, "f4", chunks=(1024, 1024))


def words(file, secret):
    del file["conv1/conv1_W:0"]
    file["conv1/conv1_W:0"] = ["text"]


@pytest.mark.parametrize("ending", ["h5", "weights.h5"])
@pytest.mark.parametrize(
    ("trap", "message"),
    [
        (external_link, "ExternalLink, which leads elsewhere"),
        (soft_link, "SoftLink, which leads elsewhere"),
        (external_data, "in another file"),
        (virtual_data, "in another file"),
        (circle, "inside itself"),
        (bomb, "would unpack to 4,398,046,511"),
        (words, "no numbers"),
    ],
)
def test_traps(tmp_path, ending, trap, message):
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as file:
        file["x"] = np.ones(2)
    path = keras1(tmp_path / f"a.{ending}", ONE)
    with h5py.File(path, "a") as file:
        trap(file, secret)
    with pytest.raises(ExportError, match=message):
        read_weights(path)
