import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.last_activation_wrong import find


def hidden():
    return layers.Dense(8, activation="relu")


def test_softmax_of_one_unit_is_an_error_whatever_the_loss(probe_of, table):
    data = table(classes=2)
    for loss in ("binary_crossentropy", "mse"):
        (found,) = find(probe_of([layers.Dense(1, activation="softmax")], data, loss))
        assert (found.severity, found.evidence["units"]) == ("error", 1)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_outputs_that_are_no_probabilities(probe_of, table, activation):
    model = [hidden(), layers.Dense(3, activation=activation)]
    (found,) = find(probe_of(model, table()))
    assert found.severity == "error"
    assert activation in found.title


def test_sigmoids_for_exclusive_classes_into_categorical_crossentropy(probe_of, table):
    model = [hidden(), layers.Dense(3, activation="sigmoid")]
    (found,) = find(probe_of(model, table(one_hot=True), "categorical_crossentropy"))
    assert found.severity == "warning"


def test_softmax_for_labels_that_hold_together(probe_of, table):
    x, _ = table()
    y = (x[:, :5] > 1).astype("float32")
    model = [layers.Dense(5, activation="softmax")]
    (found,) = find(probe_of(model, (x, y), "binary_crossentropy"))
    assert found.evidence["labels_per_sample"] == pytest.approx(
        y.sum(axis=1).mean(), abs=1e-3
    )


@pytest.mark.parametrize(
    ("activation", "severity"),
    [("sigmoid", "error"), ("tanh", "error"), ("relu", "warning")],
)
def test_bounded_outputs_for_targets_out_of_reach(
    probe_of, table, activation, severity
):
    x, _ = table()
    y = x[:, :1] * 10 + 5
    (found,) = find(probe_of([layers.Dense(1, activation=activation)], (x, y), "mse"))
    assert found.severity == severity
    low = {"sigmoid": 0, "tanh": -1, "relu": 0}[activation]
    high = {"sigmoid": 1, "tanh": 1, "relu": np.inf}[activation]
    outside = ((y < low - 0.02 * y.std()) | (y > high + 0.02 * y.std())).mean()
    assert found.evidence["share_out_of_reach"] == pytest.approx(outside, abs=1e-3)


def test_what_fits_is_left_alone(probe_of, table):
    x, y = table()
    two = table(classes=2)
    unit = 1 / (1 + np.exp(-x[:, :1]))
    for model, data, loss in (
        (
            [layers.Dense(3, activation="softmax")],
            (x, y),
            "sparse_categorical_crossentropy",
        ),
        (
            [layers.Dense(3), layers.Activation("softmax")],
            (x, y),
            "sparse_categorical_crossentropy",
        ),
        ([layers.Dense(1, activation="sigmoid")], two, "binary_crossentropy"),
        ([layers.Dense(1, activation="sigmoid")], (x, unit), "mse"),
        ([layers.Dense(1, activation="tanh")], (two[0], two[1] * 2 - 1), "hinge"),
        ([layers.Dense(1, activation="relu")], (x, np.abs(x[:, :1])), "mse"),
        ([layers.Dense(1)], (x, x[:, :1]), "mse"),
    ):
        assert find(probe_of(model, data, loss)) == []


def test_hinge_wants_outputs_of_both_signs(probe_of, table):
    data = table(classes=2)
    (found,) = find(probe_of([layers.Dense(1, activation="sigmoid")], data, "hinge"))
    assert found.evidence["lowest_target"] == -1
