import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

import residency as rs
from residency.data.transforms import PadCrop
from residency.doctor.checks.data import labels_wrong
from residency.doctor.own_data import batches_of

run = labels_wrong.CHECK.run


@pytest.fixture(scope="module")
def digits():
    found = load_digits()
    x, y = found.images[..., None].astype("float32"), found.target
    return (x[:1000], y[:1000]), (x[1000:], y[1000:])


def test_shifts_that_each_epoch_draws_anew_are_no_wrong_labels(probe_of):
    """Digits of 8 pixels, shifted by up to 2: a rule is right in 45 %, without in 94 %.

    Read twice in one epoch they come shifted alike.
    """
    data = rs.data.load("digits", image_size=8)
    parts = [
        batches_of(part, image_size=8, batch_size=64, transforms=transforms)
        for part, transforms in (
            (data.train, (PadCrop(padding=2),)),
            (data.validation, ()),
        )
    ]
    assert run(probe_of(*parts, units=10)) is None
    plain = batches_of(data.train, image_size=8, batch_size=64)
    assert run(probe_of(plain, parts[1], units=10)) == []


@pytest.mark.parametrize(
    "spoil", [np.sort, lambda y: np.random.default_rng(0).permutation(y)]
)
def test_labels_of_other_samples_are_found(probe_of, digits, spoil):
    (x, y), (z, w) = digits
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order], y[order]
    other = np.random.default_rng(2).permutation(len(z))
    held_out = z[other], w[other]
    (found,) = run(probe_of((x, spoil(y)), held_out, units=10))
    assert found.severity in {"error", "warning"}
    assert "training part" in found.title
    assert found.evidence["accuracy"] < 0.2
    (found,) = run(probe_of((x, y), (held_out[0], spoil(held_out[1])), units=10))
    assert "validation part" in found.title


def test_most_labels_at_random_are_found(probe_of, digits):
    (x, y), held_out = digits
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(len(y)) < 0.7, rng.integers(0, 10, len(y)), y)
    (found,) = run(probe_of((x, noisy), held_out, units=10))
    assert found.evidence["share_wrong"] == pytest.approx(0.65, abs=0.2)


def test_classes_numbered_in_another_order_are_found(probe_of, digits):
    train, (z, w) = digits
    (found,) = run(probe_of(train, (z, (w + 3) % 10), units=10))
    assert "other classes" in found.title


def test_right_labels_are_silent(probe_of, digits):
    assert run(probe_of(*digits, units=10)) == []


def test_a_few_wrong_labels_are_silent(probe_of, digits):
    (x, y), held_out = digits
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(len(y)) < 0.15, rng.integers(0, 10, len(y)), y)
    assert run(probe_of((x, noisy), held_out, units=10)) == []


def test_a_task_too_hard_for_simple_rules_cannot_be_judged(probe_of):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 24)).astype("float32")
    y = (np.sign(x[:, :12]).prod(axis=1) > 0).astype(int)  # parity of twelve signs
    parts = (x[:400], y[:400]), (x[400:], y[400:])
    assert run(probe_of(*parts)) is None


def test_validation_of_another_domain_is_silent(probe_of, digits):
    (x, y), (z, w) = digits
    assert run(probe_of((x, y), (16 - z, w), units=10)) in ([], None)


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype("float32"), y[order]
    return (x[:242], y[:242]), (x[242:], y[242:])


def test_numbers_of_other_samples_are_found(probe_of, diabetes):
    (x, y), held_out = diabetes
    mixed = np.random.default_rng(1).permutation(y)
    (found,) = run(probe_of((x, mixed), held_out, units=1))
    assert "training part" in found.title
    assert "variance" in found.title


def test_right_numbers_are_silent(probe_of, diabetes):
    assert run(probe_of(*diabetes, units=1)) == []


def test_numbers_of_a_narrow_range_cannot_be_judged(probe_of, diabetes):
    train, (x, y) = diabetes
    middle = np.argsort(np.abs(y - np.median(y)))[:80]
    assert run(probe_of(train, (x[middle], y[middle]), units=1)) is None
