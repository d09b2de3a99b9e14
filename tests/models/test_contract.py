"""The model file: whole or absent, the same outputs, no code, bounded."""

import json
import zipfile

import keras
import numpy as np
import pytest

from residency.errors import ConfigError, ExportError
from residency.models import Contract, load_model, save_model
from residency.models import contract as contract_file

CONTRACT = Contract(
    class_names=("Katze", "いぬ", "mouse, grey"),
    image_size=16,
    resize="crop",
    preprocessing="mean (125.3, 123.0, 113.9), std (63.0, 62.1, 66.7)",
    recipe={"kind": "Recipe", "name": "x", "boundaries": [1, 2]},
    validation_accuracy="93.81 % (95 % interval 87.8 to 97.0, n=113)",
)


@pytest.fixture
def file(small_net, tmp_path):
    save_model(small_net, tmp_path / "net.keras", CONTRACT)
    return tmp_path / "net.keras"


def member(file, name, content):
    """Writes `file` again with one member replaced."""
    with zipfile.ZipFile(file) as archive:
        held = {item: archive.read(item) for item in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for item, old in held.items():
            archive.writestr(item, content if item == name else old)


def test_outputs_and_contract_come_back(file, small_net, photos):
    model, contract = load_model(file)
    assert contract == CONTRACT
    small = photos[:, :16, :16]
    expected = small_net.predict(small, verbose=0)
    np.testing.assert_array_equal(model.predict(small, verbose=0), expected)
    plain = keras.models.load_model(file)
    np.testing.assert_array_equal(plain.predict(small, verbose=0), expected)
    assert list(file.parent.iterdir()) == [file]


def test_file_without_contract(small_net, tmp_path):
    save_model(small_net, tmp_path / "deep" / "net.keras")
    assert load_model(tmp_path / "deep" / "net.keras")[1] is None


def test_failure_leaves_the_old_file(file, small_net, monkeypatch):
    before = file.read_bytes()

    def full_disk(self, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(small_net), "save", full_disk)
    with pytest.raises(ExportError, match="No space left on device"):
        save_model(small_net, file, CONTRACT)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_wrong_suffix(small_net, tmp_path):
    with pytest.raises(ConfigError, match=r"ends in \.keras"):
        save_model(small_net, tmp_path / "net.h5", CONTRACT)


def test_number_of_class_names(small_net, tmp_path):
    contract = Contract(class_names=("a", "b"), image_size=16)
    with pytest.raises(ConfigError, match="expected 3 names, one a class, got 2"):
        save_model(small_net, tmp_path / "net.keras", contract)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"class_names": ()}, "one name or more"),
        ({"class_names": ("a", "b" * 201)}, "1 to 200"),
        ({"image_size": 0}, "1 pixel or more"),
        ({"resize": "squeeze"}, "stretch, pad or crop"),
    ],
)
def test_impossible_contract(fields, message):
    with pytest.raises(ConfigError, match=message):
        Contract(**{"class_names": ("a", "b"), "image_size": 8, **fields})


def test_missing_file(file):
    with pytest.raises(ExportError, match=r"no such model file.*'net\.keras'"):
        load_model(file.with_name("nett.keras"))


def test_another_format(tmp_path):
    (tmp_path / "net.h5").write_bytes(b"\x89HDF")
    with pytest.raises(ExportError, match=r"expected a \.keras file"):
        load_model(tmp_path / "net.h5")


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_truncated(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ExportError, match="its end is missing"):
        load_model(file)


def test_damaged_inside(file):
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    file.write_bytes(content)
    with pytest.raises(ExportError, match="cannot be read as a model"):
        load_model(file)


def test_lambda_is_refused_with_the_reason(tmp_path):
    inputs = keras.Input((4,))
    outputs = keras.layers.Lambda(lambda x: 2 * x, name="twice")(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "net.keras")
    with pytest.raises(ExportError, match="'twice' is a Lambda, which is Python code"):
        load_model(tmp_path / "net.keras")


def test_unknown_layer(file):
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json").decode()
    broken = config.replace('"class_name": "Rescaling"', '"class_name": "Rescalling"')
    member(file, "config.json", broken)
    with pytest.raises(ExportError, match="cannot be read as a model"):
        load_model(file)


def test_huge_member_is_not_read_whole(file):
    member(file, "residency.json", b" " * (17 * 2**20))
    assert file.stat().st_size < 2**20
    with pytest.raises(ExportError, match=r"residency\.json has more than"):
        load_model(file)


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(file, monkeypatch):
    monkeypatch.setattr(contract_file, "_SMALL_BYTES", 2**20)
    member(file, "model.weights.h5", bytes(2**26))
    with pytest.raises(ExportError, match=r"would unpack to 67,\d+,\d+, more than the"):
        load_model(file)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({"kind": "Contract", "class_names": ["a"]}),
        json.dumps({"kind": "Contract", "class_names": ["a" * 999], "image_size": 1}),
        json.dumps({"kind": "Other"}),
        "[" * 100_000,
    ],
)
def test_hostile_contract(file, text):
    member(file, "residency.json", text)
    with pytest.raises(ExportError, match="cannot be read as a model"):
        load_model(file)
