from dataclasses import replace

import pytest
from keras import layers

from residency.doctor.checks.model.label_encoding_mismatch import find


@pytest.mark.parametrize(
    ("units", "classes", "one_hot", "loss"),
    [
        (3, 3, False, "categorical_crossentropy"),
        (2, 2, False, "binary_crossentropy"),
        (3, 3, False, "mse"),
        (3, 3, True, "sparse_categorical_crossentropy"),
        (1, 2, True, "binary_crossentropy"),
    ],
)
def test_labels_of_another_form(probe_of, table, units, classes, one_hot, loss):
    activation = "softmax" if units > 1 else "sigmoid"
    model = [layers.Dense(units, activation=activation)]
    (found,) = find(probe_of(model, table(classes=classes, one_hot=one_hot), loss))
    assert found.severity == "error"


def test_what_keras_says_is_told(probe_of, table):
    model = [layers.Dense(3, activation="softmax")]
    probe = probe_of(model, table(), "categorical_crossentropy")
    assert probe.raised["gradients"][:40] in find(probe)[0].title


def test_what_keras_says_ends_with_a_whole_word(probe_of, table):
    probe = probe_of([layers.Dense(3)], table(), "categorical_crossentropy")
    said = "ValueError: " + "incompatible " * 12
    title = find(replace(probe, raised={"gradients": said}))[0].title
    assert title.endswith(" incompatible ...")


def test_right_forms_are_left_alone(probe_of, table):
    x, y = table()
    for units, labels, loss in (
        (3, table(one_hot=True)[1], "categorical_crossentropy"),
        (3, y, "sparse_categorical_crossentropy"),
        (3, y.reshape(-1, 1), "sparse_categorical_crossentropy"),
        (1, y % 2, "binary_crossentropy"),
        (1, x[:, 0], "mse"),
        (2, x[:, :2], "mse"),
    ):
        activation = "sigmoid" if units == 1 else "softmax"
        model = [layers.Dense(units, activation=activation)]
        assert find(probe_of(model, (x, labels), loss)) == []
