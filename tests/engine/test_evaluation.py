"""Evaluation against a plain forward pass."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from residency.engine.evaluation import evaluate, measure, predictions, probabilities
from residency.engine.losses import Teacher
from residency.engine.network import Network
from residency.errors import BrokenImageError

from .conftest import small_model


def test_figures_equal_scikit_learn(network, dataset):
    part = dataset.train
    images = np.stack([part.frames[i] for i in range(len(part))])
    expected = network.model.predict(images, verbose=0)
    evaluation = evaluate(network, dataset, part, used_for_choosing=False)
    accuracy = accuracy_score(part.labels, expected.argmax(axis=1))
    assert evaluation.accuracy.rate == pytest.approx(accuracy)
    assert evaluation.loss == pytest.approx(log_loss(part.labels, expected), rel=1e-5)
    assert evaluation.top5 is None
    wrong = {p.name for p in evaluation.wrong}
    truly = np.flatnonzero(expected.argmax(axis=1) != part.labels)
    assert wrong == {part.index.names[i] for i in truly}
    confidences = [p.confidence for p in evaluation.wrong]
    assert confidences == sorted(confidences, reverse=True)


def test_a_teacher_is_measured_beside_its_pupil(network, dataset):
    part, order = dataset.train, [2, 0, 1]
    teacher = Network(small_model(seed=7))
    images = np.stack([part.frames[i] for i in range(len(part))])
    said = teacher.model.predict(images, verbose=0)[:, order].argmax(axis=1)
    own = network.model.predict(images, verbose=0).argmax(axis=1)
    found = evaluate(
        network,
        dataset,
        part,
        used_for_choosing=False,
        teacher=Teacher(teacher, order),
    ).teacher
    assert found.accuracy.correct == (said == part.labels).sum()
    assert found.agreement.correct == (said == own).sum()
    assert 0 < found.agreement.correct < found.agreement.total == len(part)


def test_images_that_are_not_measured_are_told(network, dataset, caplog):
    class Torn:
        def __len__(self):
            return len(part)

        def __getitem__(self, i):
            if i == 1:
                raise BrokenImageError("truncated")
            return part.frames[i]

    part = dataset.test
    torn = replace(part, frames=Torn())
    evaluation = evaluate(network, dataset, torn, used_for_choosing=False)
    assert evaluation.accuracy.total == len(part) - 1
    assert f"1 of the {len(part)} images of the test part cannot be" in caplog.text
    assert part.index.names[1] in caplog.text


def test_measure_says_the_same(network, dataset):
    evaluation = evaluate(network, dataset, dataset.test, used_for_choosing=False)
    short = measure(network, dataset, dataset.test)
    assert short.accuracy == evaluation.accuracy
    assert short.loss == pytest.approx(evaluation.loss, rel=1e-6)


def test_outputs_do_not_depend_on_the_batch(network, dataset):
    part = dataset.train
    images = np.stack([part.frames[i] for i in range(len(part))])
    together = probabilities(network, images)
    alone = np.concatenate([probabilities(network, image[None]) for image in images])
    assert np.allclose(together, alone, atol=1e-6)


def test_predictions_are_sorted_and_carry_the_truth():
    given = np.array([[0.2, 0.7, 0.1]])
    (prediction,) = predictions(["a.png"], given, ("x", "y", "z"), ["x"])
    assert (prediction.label, prediction.truth) == ("y", "x")
    assert [name for name, _ in prediction.top] == ["y", "x", "z"]
