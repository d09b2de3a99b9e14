"""Which reader a file's name chooses, and safetensors, whole and broken."""

import json
import math
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from residency.errors import ConfigError, ExportError
from residency.models import build
from residency.models.weights import read_weights


def test_safetensors_of_every_precision(tmp_path):
    tensors = {
        "b": torch.tensor([1.0, 3.140625], dtype=torch.bfloat16),
        "a": torch.tensor([1.5], dtype=torch.float16),
        "c": torch.arange(6.0).reshape(2, 3),
    }
    save_file(tensors, tmp_path / "a.safetensors")
    arrays = read_weights(tmp_path / "a.safetensors").arrays
    assert set(arrays) == set(tensors)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(arrays[name], tensor.float().numpy())


def forged(path, header, data=b""):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def claim(shape, end):
    return {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (claim([2], 8), b"1234"),
        (claim([2**40], 2**42), b"1234"),
        (claim([2], 4), b"1234"),
        (claim([1], 4), b"12345678"),
        ({"a": {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        ([], b""),
    ],
    ids=["short", "huge", "shape", "hole", "type", "list"],
)
def test_broken_safetensors(tmp_path, header, data):
    path = forged(tmp_path / "a.safetensors", header, data)
    with pytest.raises(ExportError, match=r"a\.safetensors: cannot be read"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 16, bytes(100)], ids=repr)
@pytest.mark.parametrize(
    "name", ["a.safetensors", "a.h5", "a.weights.h5", "a.keras", "a.pth"]
)
def test_files_that_are_nothing(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExportError):
        read_weights(tmp_path / name)


TINY = {"name": "x", "mean": [1, 2, 3], "std": [1, 1, 1], "channel_order": "rgb"}
TINY |= {"channels": 3}


@pytest.mark.parametrize("said", ["null", "[1]", "3", '"x"'])
def test_what_a_file_says_of_itself_is_an_object(tmp_path, said):
    path = tmp_path / "a.safetensors"
    save_file({"a/kernel": torch.zeros(1)}, path, {"residency": said})
    with pytest.raises(ExportError, match=r"a\.safetensors: .* no JSON object"):
        read_weights(path)


@pytest.mark.parametrize(
    "said",
    [
        {"preprocessing": 3},
        {"preprocessing": {"name": "x", "mean": [1], "std": [1, 1, 1]}},
        {"bn_epsilon": "small"},
        {"bn_epsilon": "nan"},
        {"bn_epsilon": -5},
        {"leaky_slope": math.inf},
        {"class_names": 3},
        {"class_names": [["x"]]},
        {"preprocessing": TINY | {"channels": 100_000_000}},
        {"preprocessing": TINY | {"mean": [math.nan, 0, 0]}},
    ],
    ids=str,
)
def test_what_a_file_says_of_itself_is_not_believed_blindly(tmp_path, said):
    metadata = {"residency": json.dumps(said)}
    save_file({"a/kernel": torch.zeros(1)}, tmp_path / "a.safetensors", metadata)
    with pytest.raises(ConfigError, match="makes no sense"):
        build("resnet18", num_classes=2, weights=tmp_path / "a.safetensors")


def test_a_state_dict_of_no_known_network(tmp_path):
    save_file({"body.0.weight": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(ConfigError, match=r"names body\.0\.weight.* which no network"):
        build("resnet18", num_classes=2, weights=tmp_path / "a.safetensors")


def test_safetensors_lose_the_prefixes_of_wrappers_too(tmp_path):
    names = ("layer1.weight", "layer1.bias")
    state = {f"_orig_mod.module.{name}": torch.zeros(1) for name in names}
    save_file(state, tmp_path / "a.safetensors")
    file = read_weights(tmp_path / "a.safetensors")
    assert set(file.arrays) == set(names)
    assert len(file.notes) == 2
