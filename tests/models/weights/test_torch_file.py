"""State dicts: what torch wrote is read without it, and nothing else is."""

import collections
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from residency.errors import ExportError
from residency.models.weights import read_weights

TENSORS = {
    "float32": torch.arange(12, dtype=torch.float32).reshape(3, 4) / 7,
    "float64": torch.arange(3, dtype=torch.float64) / 7,
    "half": torch.tensor([1.5, -2.25], dtype=torch.float16),
    "bfloat16": torch.tensor([1.0, 3.140625, float("inf")], dtype=torch.bfloat16),
    "int64": torch.tensor(7),
    "uint8": torch.tensor([0, 255], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "empty": torch.zeros((0, 3)),
    "transposed": torch.arange(6.0).reshape(2, 3).T,
    "part": torch.arange(10.0)[4:8:2],
}


def save(value, path, legacy=False):
    torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "pickles"])
def test_every_kind_of_tensor(tmp_path, legacy):
    file = read_weights(save(TENSORS, tmp_path / "a.pth", legacy))
    assert list(file.arrays) == list(TENSORS)
    for name, tensor in TENSORS.items():
        expected = tensor.float() if name == "bfloat16" else tensor
        np.testing.assert_array_equal(file.arrays[name], expected.numpy())
        assert file.arrays[name].dtype == expected.numpy().dtype


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "pickles"])
@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
def test_wrappers_and_prefixes_come_off(tmp_path, key, legacy):
    layer = torch.nn.Linear(2, 3)
    state = {f"module.fc.{n}": t for n, t in layer.state_dict().items()}
    checkpoint = {"epoch": 3, "optimizer": {"lr": 0.1}, key: state}
    file = read_weights(save(checkpoint, tmp_path / "a.pth", legacy))
    assert list(file.arrays) == ["fc.weight", "fc.bias"]
    assert len(file.notes) == 2


@pytest.mark.parametrize(
    "prefix", ["module._orig_mod.", "_orig_mod.module.", "_orig_mod.", ""]
)
def test_a_wrapper_beside_a_tensor_and_prefixes_in_any_order(tmp_path, prefix):
    state = {f"{prefix}fc.weight": torch.zeros(2)}
    checkpoint = {"state_dict": state, "best_acc": torch.tensor(71.5)}
    file = read_weights(save(checkpoint, tmp_path / "a.pth"))
    assert list(file.arrays) == ["fc.weight"]
    assert len(file.notes) == 1 + prefix.count(".")


def test_parameters_and_shared_tensors(tmp_path):
    weight = torch.nn.Parameter(torch.arange(4.0))
    file = read_weights(save({"a": weight, "b": weight}, tmp_path / "a.pth"))
    np.testing.assert_array_equal(file.arrays["a"], [0, 1, 2, 3])
    np.testing.assert_array_equal(file.arrays["b"], [0, 1, 2, 3])


def test_what_is_no_tensor_is_named(tmp_path):
    file = read_weights(save({"a": torch.zeros(1), "b": "no"}, tmp_path / "a.pth"))
    assert file.notes == ("no tensors, left out: b",)


class Bomb:
    """Runs a command where it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "pickles"])
def test_code_is_refused_and_not_run(tmp_path, legacy):
    ran = tmp_path / "ran"
    state = {"a": torch.zeros(1), "b": Bomb(f"touch {ran}")}
    path = save(state, tmp_path / "a.pth", legacy)
    with pytest.raises(ExportError, match=r"asks for (posix|nt)\.system"):
        read_weights(path)
    assert not ran.exists()


def test_a_plain_pickle_with_code_is_refused(tmp_path):
    ran = tmp_path / "ran"
    (tmp_path / "a.pth").write_bytes(pickle.dumps(Bomb(f"touch {ran}")))
    with pytest.raises(ExportError, match="which is refused"):
        read_weights(tmp_path / "a.pth")
    assert not ran.exists()


def test_a_whole_module_is_refused_with_the_cure(tmp_path):
    path = save(torch.nn.Linear(2, 2), tmp_path / "a.pth")
    with pytest.raises(ExportError, match=r"torch\.save\(model\.state_dict\(\)"):
        read_weights(path)


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, {"state_dict": {}}], ids=str)
def test_no_tensors(tmp_path, value):
    with pytest.raises(ExportError, match="it holds"):
        read_weights(save(value, tmp_path / "a.pth"))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "pickles"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_cut_short(tmp_path, legacy, share):
    path = save({"a": torch.zeros(1000)}, tmp_path / "a.pth", legacy)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    zip_begins = not legacy and share > 0
    words = "the end is missing" if zip_begins else r"a\.pth"
    with pytest.raises(ExportError, match=words):
        read_weights(path)


def test_random_bytes(tmp_path):
    draws = np.random.default_rng(0)
    for length in (1, 10, 1000):
        (tmp_path / "a.pth").write_bytes(draws.bytes(length))
        with pytest.raises(ExportError):
            read_weights(tmp_path / "a.pth")


def rewritten(path, change):
    """Writes the archive again, its members changed by `change(name, content)`."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(*change(name, content))
    return path


@pytest.fixture
def archive(tmp_path):
    return save({"a": torch.arange(100.0)}, tmp_path / "a.pth")


def test_compressed_members_are_read(archive):
    file = read_weights(rewritten(archive, lambda name, content: (name, content)))
    np.testing.assert_array_equal(file.arrays["a"], np.arange(100.0))


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a\\..\\x"])
def test_names_that_lead_out(archive, name):
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, b"")
    with pytest.raises(ExportError, match="leads out of the archive"):
        read_weights(archive)


def test_data_shorter_than_stated(archive):
    def cut(name, content):
        return name, content[:-4] if "/data/" in name else content

    with pytest.raises(ExportError, match="396 bytes and should have 400"):
        read_weights(rewritten(archive, cut))


def test_zip_bomb(archive, monkeypatch):
    from residency.models import contract

    monkeypatch.setattr(contract, "_SMALL_BYTES", 2**20)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data/9", bytes(2**24))
    with pytest.raises(ExportError, match="would unpack to"):
        read_weights(archive)


def test_a_torchscript_program(archive):
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("a/constants.pkl", b"")
    with pytest.raises(ExportError, match="a TorchScript program"):
        read_weights(archive)


def test_another_byte_order(archive):
    def swapped(name, content):
        return name, b"big" if name.endswith("byteorder") else content

    with pytest.raises(ExportError, match="byte order"):
        read_weights(rewritten(archive, swapped))


class Tensor:
    """Pickles as a tensor of any claim, made or not."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.parts


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value if isinstance(value, tuple) and value[:1] == ("storage",) else None


def forged(path, *parts, count=100, key="0", kind=torch.FloatStorage):
    """Writes a file whose one tensor claims `parts`, on a storage of 100 floats."""
    storage = ("storage", kind, key, "cpu", count)
    buffer = io.BytesIO()
    tensor = Tensor(storage, *parts, False, collections.OrderedDict())
    Pickler(buffer, 2).dump({"a": tensor})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", buffer.getvalue())
        archive.writestr("a/data/0", bytes(400))
    return path


def test_a_forged_tensor_that_is_sound(tmp_path):
    file = read_weights(forged(tmp_path / "a.pth", 0, (10, 10), (10, 1)))
    assert file.arrays["a"].shape == (10, 10)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((1, (100,), (1,)), "leads out"),
        ((0, (10, 10), (11, 1)), "leads out"),
        ((0, (10**6, 10**6), (0, 0)), "leads out"),
        ((-1, (2,), (1,)), "without a shape"),
        ((0, (2,), (-1,)), "without a shape"),
        ((0, (2, 2), (1,)), "without a shape"),
        ((0, ("2",), (1,)), "without a shape"),
        ((0, (1,) * 9, (1,) * 9), "without a shape"),
    ],
)
def test_forged_shapes(tmp_path, parts, message):
    with pytest.raises(ExportError, match=message):
        read_weights(forged(tmp_path / "a.pth", *parts))


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"count": 10**12}, "should have 4,000,000,000,000"),
        ({"count": -1}, "with -1 numbers"),
        ({"key": "../0"}, "it refers to"),
        ({"key": "1"}, "data/1"),
        ({"kind": "FloatTensor"}, "FloatTensor"),
    ],
)
def test_forged_storages(tmp_path, claims, message):
    path = forged(tmp_path / "a.pth", 0, (10,), (1,), **claims)
    with pytest.raises(ExportError, match=message):
        read_weights(path)


def test_a_row_of_pickles_that_claims_too_much(tmp_path):
    """A tensor of a terabyte in a file of 500 bytes takes no memory."""
    path = save({"a": torch.arange(100.0)}, tmp_path / "a.pth", legacy=True)
    content = path.read_bytes()
    count = struct.pack("<q", 100)
    path.write_bytes(content.replace(count, struct.pack("<q", 2**40)))
    with pytest.raises(ExportError, match="1,099,511,627,776 numbers, not 100"):
        read_weights(path)


def test_a_pickle_cannot_change_what_reads_the_next_one(tmp_path):
    """BUILD sets attributes of what it is given, functions of ours included."""
    hostile = b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00xK\x01sb."
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", hostile)
    with pytest.raises(ExportError):
        read_weights(tmp_path / "a.pth")
    save(TENSORS, tmp_path / "b.pth")
    assert len(read_weights(tmp_path / "b.pth").arrays) == len(TENSORS)


STORAGE = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0kX\3\0\0\0cpuK\1tQ"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(%bK\0))tR"


@pytest.mark.parametrize(
    "changed",
    [
        STORAGE + b"}X\4\0\0\0fillctorch\nSize\nsb",
        STORAGE + b"}X\7\0\0\0numbers]sb",
        STORAGE + b"N}X\7\0\0\0numbers]s\x86b",
        TENSOR % STORAGE + b"}X\x13\0\0\0__array_interface__}sb",
        TENSOR % STORAGE + b"N}X\6\0\0\0offsetK\1s\x86b",
    ],
    ids=["method", "numbers", "numbers, as a slot", "any attribute", "offset"],
)
def test_a_pickle_cannot_change_what_it_builds(tmp_path, changed):
    """BUILD could put an address of its own choice where the numbers should be."""
    weight = changed if changed.startswith(b"ctorch._utils") else TENSOR % changed
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\2}X\1\0\0\0a%bs." % weight)
        archive.writestr("a/data/k", bytes(4))
    with pytest.raises(ExportError, match="not a plain state dict: it sets attributes"):
        read_weights(tmp_path / "a.pth")


def test_a_late_place_in_the_memo_costs_nothing(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\2}r%b." % struct.pack("<I", 60_000_000))
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from residency.models.weights.torch_file import read_state_dict\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try:\n    read_state_dict(Path(sys.argv[1]))\n"
        "except RuntimeError:\n    print(peak() - before)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.pth")],
        capture_output=True,
        check=True,
    )
    assert int(out.stdout) < 100_000  # kilobytes
