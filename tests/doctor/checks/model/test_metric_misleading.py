import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.metric_misleading import find


def softmax():
    return [layers.Dense(3, activation="softmax")]


@pytest.mark.parametrize("metric", ["binary_accuracy", keras.metrics.BinaryAccuracy()])
def test_binary_accuracy_over_classes(probe_of, table, metric):
    data = table(one_hot=True)
    (found,) = find(probe_of(softmax(), data, "categorical_crossentropy", [metric]))
    assert found.evidence["score_of_no_knowledge"] == pytest.approx(2 / 3, abs=1e-4)
    scored = keras.metrics.BinaryAccuracy()(data[1], np.zeros_like(data[1]))
    assert float(scored) == pytest.approx(2 / 3)


def test_accuracy_of_numbers(probe_of, table):
    x, _ = table()
    found = find(probe_of([layers.Dense(1)], (x, x[:, :1]), "mse", ["accuracy"]))
    assert [f.severity for f in found] == ["warning"]


@pytest.mark.parametrize(
    ("metric", "one_hot"),
    [("categorical_accuracy", False), ("sparse_categorical_accuracy", True)],
)
def test_metrics_for_labels_of_another_form(probe_of, table, metric, one_hot):
    loss = ("" if one_hot else "sparse_") + "categorical_crossentropy"
    found = find(probe_of(softmax(), table(one_hot=one_hot), loss, [metric]))
    assert [f.severity for f in found] == ["warning"]


def test_exact_equality_of_probabilities(probe_of, table):
    metric = keras.metrics.Accuracy()
    assert len(find(probe_of(softmax(), table(), metrics=[metric]))) == 1


def test_accuracy_of_labels_that_hold_together(probe_of, table):
    x, _ = table()
    y = (x[:, :5] > 1).astype("float32")
    model = [layers.Dense(5, activation="sigmoid")]
    (found,) = find(probe_of(model, (x, y), "binary_crossentropy", ["accuracy"]))
    assert "binary_accuracy" in found.snippet


def test_a_threshold_of_one_half_on_scores_is_advice(probe_of, table):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    (found,) = find(probe_of([layers.Dense(1)], table(classes=2), loss, ["accuracy"]))
    assert found.severity == "advice"


def test_right_metrics_are_left_alone(probe_of, table):
    x, y = table()
    sigmoid = [layers.Dense(1, activation="sigmoid")]
    for model, labels, loss, metric in (
        (softmax(), y, "sparse_categorical_crossentropy", "accuracy"),
        (softmax(), np.eye(3)[y], "categorical_crossentropy", "accuracy"),
        (softmax(), np.eye(3)[y], "categorical_crossentropy", "categorical_accuracy"),
        (
            softmax(),
            y,
            "sparse_categorical_crossentropy",
            "sparse_categorical_accuracy",
        ),
        (sigmoid, y % 2, "binary_crossentropy", "accuracy"),
        (sigmoid, y % 2, "binary_crossentropy", keras.metrics.AUC()),
        ([layers.Dense(1)], x[:, :1], "mse", "mae"),
    ):
        assert find(probe_of(model, (x, labels), loss, [metric])) == []


def test_a_function_of_ones_own_may_have_any_name(probe_of, table):
    def accuracy(y, p):
        return keras.ops.mean(p)

    x, _ = table()
    assert find(probe_of([layers.Dense(1)], (x, x[:, :1]), "mse", [accuracy])) == []
