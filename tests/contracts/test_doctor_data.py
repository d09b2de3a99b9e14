"""The checks of data and of transfer stay silent on healthy set-ups, and have pages."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from residency.doctor.checks import data, transfer
from residency.doctor.labels import LABELS
from residency.doctor.probe import take_probe

L = keras.layers
ROOT = Path(__file__).parents[2]
CHECKS = (*data.CHECKS, *transfer.CHECKS)
SOURCES = [
    path
    for folder in ("data", "transfer")
    for path in (ROOT / "src/residency/doctor/checks" / folder).glob("*.py")
    if re.search(r"^CHECK = ", path.read_text(encoding="utf-8"), re.MULTILINE)
]


def split(x, y, share=0.7):
    order = np.random.default_rng(0).permutation(len(x))
    cut = int(share * len(x))
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


def table(load):
    x, y = load(return_X_y=True)
    (x, y), (z, w) = split(x, y)
    mean, std = x.mean(axis=0), x.std(axis=0)
    layers = [
        L.Dense(16, activation="relu"),
        L.Dense(len(set(y)), activation="softmax"),
    ]
    return layers, ((x - mean) / std, y), ((z - mean) / std, w)


def digits(scale):
    found = load_digits()
    x = (found.images[..., None] * scale).astype("float32")
    layers = [L.Conv2D(8, 3, activation="relu"), L.GlobalMaxPooling2D()]
    return [*layers, L.Dense(10, activation="softmax")], *split(x, found.target)


def digits_with_rescaling():
    layers, train, held_out = digits(255 / 16)
    return [L.Rescaling(1 / 255), *layers], train, held_out


def digits_with_normalisation():
    layers, train, held_out = digits(1.0)
    norm = L.BatchNormalization(momentum=0.9)
    return [layers[0], norm, *layers[1:]], train, held_out


SET_UPS = {
    "iris": lambda: table(load_iris),
    "wine": lambda: table(load_wine),
    "breast cancer": lambda: table(load_breast_cancer),
    "digits": lambda: digits(1 / 16),
    "digits around zero": lambda: digits(1 / 8),
    "digits with rescaling": digits_with_rescaling,
    "digits with normalisation": digits_with_normalisation,
}


@pytest.mark.parametrize("name", SET_UPS)
def test_healthy_set_ups_get_advice_at_most(name):
    layers, train, held_out = SET_UPS[name]()
    model = keras.Sequential([keras.Input(train[0].shape[1:]), *layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    probe = take_probe(
        model, train, held_out, epochs=30, budget_seconds=30, trials=False
    )
    found = [f for check in CHECKS for f in check.run(probe) or ()]
    assert [f.title for f in found if f.severity != "advice"] == []


def test_each_check_is_listed():
    assert len(CHECKS) == len(SOURCES)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_each_check_has_its_label_its_code_and_its_page(path):
    text = path.read_text(encoding="utf-8")
    codes = set(re.findall(r'code="(RD[14]\d\d)"', text))
    assert set(re.findall(r'label="(\w+)"', text)) == {path.stem}
    assert path.stem in LABELS
    (code,) = codes
    page = (ROOT / f"docs/doctor/{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code}: ")
    assert "\nSick:\n" in page
    assert "\nHealthy:\n" in page
