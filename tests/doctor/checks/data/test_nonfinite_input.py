import numpy as np
import pytest

from residency.doctor.checks.data import nonfinite_input

run = nonfinite_input.CHECK.run


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", [0, 1])
def test_each_bad_value_is_found(probe_of, value, part):
    parts = [np.zeros((40, 6), "float32"), np.zeros((40, 6), "float32")]
    parts[part][[3, 3, 7], [0, 1, 2]] = value
    y = np.arange(40) % 4
    (found,) = run(probe_of((parts[0], y), (parts[1], y)))
    assert found.severity == "error"
    assert (found.evidence["values"], found.evidence["samples"]) == (3, 2)


def test_labels_are_looked_at(probe_of):
    y = np.full((40, 1), np.nan, "float32")
    x = np.zeros((40, 6), "float32")
    assert "labels" in run(probe_of((x, y), loss="mse", units=1))[0].title


def test_finite_data_are_silent(probe_of):
    x = np.full((40, 6), 3e38, "float32")
    assert run(probe_of((x, np.arange(40) % 4))) == []
