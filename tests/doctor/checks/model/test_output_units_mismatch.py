import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.output_units_mismatch import find


def softmax(units):
    return [layers.Dense(units, activation="softmax")]


def test_a_thousand_outputs_for_four_classes(probe_of, images):
    flat = [layers.GlobalAveragePooling2D(), *softmax(1000)]
    (found,) = find(probe_of(flat, images(96)))
    assert found.severity == "warning"
    assert found.evidence["outputs_without_class"] == 996


def test_labels_without_an_output(probe_of, table):
    (found,) = find(probe_of(softmax(3), table(classes=5)))
    assert (found.severity, found.evidence["highest_label"]) == ("error", 4)


def test_one_hot_rows_of_another_width(probe_of, table):
    data = table(classes=5, one_hot=True)
    (found,) = find(probe_of(softmax(3), data, "categorical_crossentropy"))
    assert (found.severity, found.evidence["label_columns"]) == ("error", 5)


def test_one_output_for_three_classes(probe_of, table):
    model = [layers.Dense(1, activation="sigmoid")]
    (found,) = find(probe_of(model, table(), "binary_crossentropy"))
    assert (found.severity, found.evidence["classes"]) == ("error", 3)


def test_four_sigmoids_for_two_classes(probe_of, table):
    model = [layers.Dense(4, activation="sigmoid")]
    data = table(count=200, classes=2)
    (found,) = find(probe_of(model, data, "binary_crossentropy"))
    assert (found.severity, found.evidence["outputs_without_class"]) == ("warning", 2)


def test_targets_of_another_width(probe_of, table):
    x, _ = table()
    (found,) = find(probe_of([layers.Dense(3)], (x, x[:, :2]), "mse"))
    assert found.severity == "error"


def test_an_idle_first_output_is_an_idiom(probe_of, table):
    x, y = table(count=200, classes=10)
    (found,) = find(probe_of(softmax(11), (x, y + 1)))
    assert found.severity == "advice"


def test_labels_that_start_at_one_are_another_fault(probe_of, table):
    x, y = table()
    assert find(probe_of(softmax(3), (x, y + 1))) == []


def test_classes_that_few_samples_may_have_missed(probe_of, table):
    assert find(probe_of(softmax(12), table(count=20, classes=9))) == []


def test_a_class_that_only_validation_has(probe_of, table):
    x, y = table(count=200, classes=4)
    keep = y < 3
    found = find(probe_of(softmax(4), (x[keep], y[keep]), validation=(x, y)))
    assert found == []


@pytest.mark.parametrize("units", [1, 3])
def test_right_widths_are_left_alone(probe_of, table, units):
    x, y = table()
    model = [layers.Dense(1)] if units == 1 else softmax(3)
    loss = "mse" if units == 1 else "sparse_categorical_crossentropy"
    assert find(probe_of(model, (x, y.astype(np.int64)), loss)) == []
