import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_iris

from residency.doctor.checks.data import train_val_overlap

run = train_val_overlap.CHECK.run

TURNS = {
    "same": lambda x: x,
    "mirrored": lambda x: x[:, :, ::-1],
    "upside down": lambda x: x[:, ::-1],
    "quarter": lambda x: np.rot90(x, 1, (1, 2)),
    "other scale": lambda x: x * 1.02 + 3,
}


def recoded(image):
    file = io.BytesIO()
    Image.fromarray(image.astype("uint8")).save(file, "JPEG", quality=90, subsampling=0)
    return np.asarray(Image.open(file), dtype="float32")


@pytest.mark.parametrize("turn", TURNS)
def test_copies_are_counted(probe_of, pictures, turn):
    x, y = pictures(120)
    z, w = pictures(80, seed=1)
    z[:20], w[:20] = TURNS[turn](x[50:70]), y[50:70]
    (found,) = run(probe_of((x, y), (z, w)))
    assert found.severity == "warning"
    assert found.evidence["copies"] == 20
    assert found.evidence["looked_at"] == 80


def test_a_new_jpeg_of_a_picture_is_found(probe_of, pictures):
    x, y = pictures(60, side=64)
    z = np.stack([recoded(image) for image in x])
    (found,) = run(probe_of((x, y), (z, y)))
    assert found.severity == "error"
    assert found.evidence["copies"] >= 57


def test_examples_are_indices_in_reading_order(probe_of, pictures):
    x, y = pictures(60)
    z, w = pictures(40, seed=1)
    z[:10] = x[:10]
    probe = probe_of((x, y), (z, w))
    (found,) = run(probe)
    for held_out, train in found.evidence["examples"]:
        assert np.array_equal(probe.validation.x[held_out], probe.train.x[train])


def test_other_pictures_are_silent(probe_of, pictures):
    assert run(probe_of(pictures(300), pictures(200, seed=1))) == []


def test_digits_of_two_parts_are_silent(probe_of):
    digits = load_digits()
    x, y = digits.images[..., None].astype("float32"), digits.target
    found = run(probe_of((x[:1200], y[:1200]), (x[1200:], y[1200:]), units=10))
    assert {f.severity for f in found} <= {"advice"}


def test_rows_of_a_table(probe_of):
    x, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    x, y = x[order].astype("float32"), y[order]
    found = run(probe_of((x[:105], y[:105]), (x[105:], y[105:])))
    assert {f.severity for f in found} <= {"advice"}
    (found,) = run(probe_of((x[:105], y[:105]), (x[75:], y[75:])))
    assert found.severity == "warning"


def test_a_handful_of_distinct_rows_cannot_tell(probe_of):
    y = np.arange(200) % 2
    x = np.repeat(y[:, None], 16, 1).astype("float32")
    assert run(probe_of((x[:150], y[:150]), (x[150:], y[150:]))) is None


@pytest.mark.parametrize("split_first", [False, True])
def test_a_class_that_was_copied_before_the_split(probe_of, split_first):
    random = np.random.default_rng(0)
    x = random.normal(size=(800, 8)).astype("float32")
    y = (np.arange(800) < 40).astype("int64")

    def balanced(rows):
        rare = rows[y[rows] == 1]
        return np.concatenate([rows[y[rows] == 0], random.choice(rare, 600)])

    rows = random.permutation(800)
    if split_first:
        train, held_out = balanced(rows[:600]), rows[600:]
    else:
        train, held_out = np.split(random.permutation(balanced(rows)), [1000])
    found = run(probe_of((x[train], y[train]), (x[held_out], y[held_out])))
    if split_first:
        assert not found
    else:
        share = np.isin(held_out, train).mean()
        assert found[0].evidence["copies"] == round(share * len(held_out))
