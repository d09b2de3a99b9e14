"""Cures of labels."""

import numpy as np

from residency.doctor.cures import labels

X = np.zeros((12, 4), "float32")


def treated(treatment, y):
    return treatment.read((None, y, None))[1]


def test_classes_are_numbered_from_0_in_their_order(dense, case_of, suspect):
    y = np.array([7, 2, 4] * 4)
    cure = labels.from_zero(suspect("label_range"), case_of(dense(), X, y))
    assert treated(cure, y).tolist() == [2, 0, 1] * 4


def test_fractions_are_not_classes(dense, case_of, suspect):
    case = case_of(dense(), X, np.linspace(0, 1, 12))
    assert labels.from_zero(suspect("label_range"), case) is None


def test_the_loss_follows_the_form_of_the_labels(dense, case_of, suspect):
    finding = suspect("label_encoding_mismatch")
    numbers = np.arange(12) % 3
    case = case_of(dense("categorical_crossentropy"), X, numbers)
    cure = labels.in_the_form_of_the_loss(finding, case)
    assert cure.loss.name == "sparse_categorical_crossentropy"
    one_hot = case_of(dense(), X, np.eye(3)[numbers])
    cure = labels.in_the_form_of_the_loss(finding, one_hot)
    assert cure.loss.name == "categorical_crossentropy"


def test_pairs_become_a_column_for_one_output(dense, case_of, suspect):
    y = np.eye(2)[np.arange(12) % 2]
    case = case_of(dense("binary_crossentropy", 1, "sigmoid"), X, y)
    cure = labels.in_the_form_of_the_loss(suspect("label_encoding_mismatch"), case)
    assert treated(cure, y).tolist() == [[0], [1]] * 6


def test_targets_get_mean_0_and_deviation_1(dense, case_of, suspect):
    y = np.linspace(1e5, 2e5, 12)[:, None]
    case = case_of(dense("mse", 1, None), X, y)
    scaled = treated(labels.scaled_targets(suspect("target_not_scaled"), case), y)
    np.testing.assert_allclose((scaled.mean(), scaled.std()), (0, 1), atol=1e-6)
