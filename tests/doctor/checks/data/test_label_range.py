import numpy as np
import pytest

from residency.doctor.checks.data import label_range

run = label_range.CHECK.run
SPARSE, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"


def findings(probe_of, y, loss, units):
    x = np.random.default_rng(0).normal(size=(len(y), 6)).astype("float32")
    return run(probe_of((x, np.asarray(y)), loss=loss, units=units))


@pytest.mark.parametrize(
    ("y", "loss", "units"),
    [
        (1 + np.arange(40) % 4, SPARSE, 4),
        (np.arange(40) % 4 - 1, SPARSE, 4),
        ((np.arange(40) % 4) / 4, SPARSE, 4),
        (10 * (np.arange(40) % 4), SPARSE, 4),
        (2 * (np.arange(40) % 2) - 1, BINARY, 1),
        (1 + np.arange(40) % 2, BINARY, 1),
        (255 * (np.arange(40) % 2), BINARY, 1),
    ],
)
def test_impossible_values_are_found(probe_of, y, loss, units):
    (found,) = findings(probe_of, y, loss, units)
    assert (found.severity, found.label) == ("error", "label_range")


@pytest.mark.parametrize(
    ("y", "loss", "units"),
    [
        (np.arange(40) % 4, SPARSE, 4),
        (np.arange(40) % 3, SPARSE, 4),
        ((np.arange(40) % 4)[:, None], SPARSE, 4),
        ((np.arange(40) % 4).astype("float32"), SPARSE, 4),
        (np.eye(4)[np.arange(40) % 4], "categorical_crossentropy", 4),
        (np.full((40, 4), 0.25), "categorical_crossentropy", 4),
        (np.arange(40) % 2, BINARY, 1),
        (np.linspace(0, 1, 40), BINARY, 1),
        (np.arange(40) % 8, SPARSE, 4),  # more classes than units: another fault
        (np.linspace(0, 1, 40), SPARSE, 4),  # no class numbers at all: another fault
    ],
)
def test_possible_values_are_silent(probe_of, y, loss, units):
    assert findings(probe_of, y, loss, units) == []


def test_other_losses_are_not_judged(probe_of):
    assert findings(probe_of, np.arange(40) - 20.0, "mse", 1) is None
