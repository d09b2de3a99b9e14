import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.loss_task_mismatch import find


def softmax(units=3):
    return [
        layers.Dense(8, activation="relu"),
        layers.Dense(units, activation="softmax"),
    ]


@pytest.mark.parametrize("loss", ["mse", "mae", "hinge", "binary_crossentropy"])
def test_losses_of_other_tasks_for_classes(probe_of, table, loss):
    (found,) = find(probe_of(softmax(), table(one_hot=True), loss))
    assert (found.severity, found.evidence["classes"]) == ("warning", 3)


def test_squares_of_class_numbers_where_accuracy_is_asked_for(probe_of, table):
    model = [layers.Dense(8, activation="relu"), layers.Dense(1)]
    (found,) = find(probe_of(model, table(), "mse", ["accuracy"]))
    assert "sparse_categorical" in found.cure
    assert find(probe_of([layers.Dense(1)], table(), "mse", ["mae"])) == []


def test_crossentropy_of_one_class_for_labels_that_hold_together(probe_of, table):
    x, _ = table()
    y = (x[:, :5] > 1).astype("float32")
    (found,) = find(probe_of(softmax(5), (x, y), "categorical_crossentropy"))
    assert found.severity == "error"
    assert found.evidence["share_with_several"] == pytest.approx(
        (y.sum(axis=1) > 1).mean(), abs=1e-3
    )


def test_crossentropy_for_numbers(probe_of, table):
    x, _ = table()
    (found,) = find(
        probe_of(
            [layers.Dense(1, activation="sigmoid")],
            (x, x[:, :1]),
            "binary_crossentropy",
        )
    )
    assert found.severity == "error"


def test_categorical_crossentropy_on_one_output(probe_of, table):
    x, y = table(classes=2)
    model = [layers.Dense(1, activation="sigmoid")]
    data = (x, y.reshape(-1, 1).astype("float32"))
    (found,) = find(probe_of(model, data, "categorical_crossentropy"))
    assert "binary_crossentropy" in found.cure


def test_right_losses_are_left_alone(probe_of, table):
    x, y = table()
    hot = np.eye(3)[y]
    mixed = 0.7 * hot + 0.3 * hot[::-1]
    two = np.eye(2)[y % 2]
    several = (x[:, :5] > 1).astype("float32")
    pixels = 1 / (1 + np.exp(-x))
    smooth = keras.losses.BinaryCrossentropy(label_smoothing=0.1)
    for model, labels, loss in (
        (softmax(), y, "sparse_categorical_crossentropy"),
        (softmax(), hot, "categorical_crossentropy"),
        (softmax(), hot, "categorical_hinge"),
        ([layers.Dense(3, activation="sigmoid")], mixed, "binary_crossentropy"),
        ([layers.Dense(3, activation="sigmoid")], hot, smooth),
        (softmax(2), two, "binary_crossentropy"),
        ([layers.Dense(5, activation="sigmoid")], several, "binary_crossentropy"),
        ([layers.Dense(8, activation="sigmoid")], pixels, "binary_crossentropy"),
        ([layers.Dense(1)], x[:, :1], "mse"),
        ([layers.Dense(1)], y % 2, "mse"),
    ):
        assert find(probe_of(model, (x, labels), loss)) == []


def test_scaled_class_numbers_are_another_fault(probe_of, table):
    model = [layers.Dense(3, activation="softmax")]
    x, y = table()
    assert find(probe_of(model, (x, y / 255), "sparse_categorical_crossentropy")) == []
    y = np.random.default_rng(0).normal(size=len(x))
    (found,) = find(probe_of(model, (x, y), "sparse_categorical_crossentropy"))
    assert found.severity == "error"
