"""Evaluation against a plain forward pass."""

from dataclasses import replace

import numpy as np
import pytest
import torch
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


class Blind(Network):
    """Gives no numbers for every other image, as a diverged model does for all."""

    def logits(self, images, *, training):
        logits = super().logits(images, training=training)
        logits[torch.as_tensor(images).sum(dim=(1, 2, 3)) % 2 == 0, 1] = float("nan")
        return logits


def test_no_numbers_are_wrong_in_every_figure(dataset, caplog):
    """An accuracy of 0 % stood beside a recall of 100 % and a diagonal of hits."""
    part, blind = dataset.train, Blind(small_model(seed=5))
    images = np.stack([part.frames[i] for i in range(len(part))])
    seen = images.sum(axis=(1, 2, 3)) % 2 == 1
    said = blind.model.predict(images, verbose=0).argmax(axis=1)
    right = seen & (said == part.labels)
    assert 0 < right.sum() < seen.sum() < len(part)
    evaluation = evaluate(
        blind,
        dataset,
        part,
        used_for_choosing=False,
        teacher=Teacher(blind, [0, 1, 2]),
    )
    assert evaluation.accuracy.correct == right.sum()
    assert evaluation.accuracy == measure(blind, dataset, part).accuracy
    assert evaluation.teacher.accuracy.correct == right.sum()
    assert evaluation.teacher.agreement.correct == seen.sum()
    assert np.trace(evaluation.confusion) == right.sum()
    assert np.sum(evaluation.confusion) == seen.sum()
    for k, score in enumerate(evaluation.classes):
        assert score.support == (part.labels == k).sum()
        assert score.recall == pytest.approx(right[part.labels == k].mean())
    assert len(evaluation.wrong) == len(part) - right.sum()
    unanswered = evaluation.wrong[-int((~seen).sum()) :]
    assert {p.label for p in unanswered} == {""}
    assert all(np.isnan(p.confidence) for p in unanswered)
    told = f"gives no numbers for {(~seen).sum()} of {len(part)} images"
    assert caplog.text.count(told) == 1


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
