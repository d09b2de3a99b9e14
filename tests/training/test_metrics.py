"""Scores against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from residency.training.metrics import class_scores, confusion_matrix, top_k


@given(seed=st.integers(0, 1000), classes=st.integers(2, 12))
def test_scores_equal_scikit_learn(seed, classes):
    random = np.random.default_rng(seed)
    labels, predicted = random.integers(0, classes, (2, 40))
    confusion = confusion_matrix(labels, predicted, classes)
    numbers = list(range(classes))
    truth = metrics.confusion_matrix(labels, predicted, labels=numbers)
    assert (confusion == truth).all()
    scores = class_scores(confusion, [str(n) for n in numbers])
    expected = metrics.precision_recall_fscore_support(
        labels, predicted, labels=numbers, zero_division=0
    )
    found = [[s.precision, s.recall, s.f1, s.support] for s in scores]
    assert np.allclose(np.array(found).T, expected)


@given(seed=st.integers(0, 1000), k=st.integers(1, 6))
def test_top_k_equals_scikit_learn(seed, k):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(7), 30)
    labels = random.integers(0, 7, 30)
    expected = metrics.top_k_accuracy_score(labels, probabilities, k=k, labels=range(7))
    assert top_k(probabilities, labels, k).rate == pytest.approx(expected)


def test_equal_probabilities_are_no_hit_for_all():
    uniform = np.full((4, 4), 0.25)
    assert top_k(uniform, np.arange(4), 1).correct == 1


def test_a_model_that_gives_nan_is_never_right():
    nothing = np.full((4, 3), np.nan)
    assert top_k(nothing, np.array([0, 1, 2, 0]), 1).correct == 0
