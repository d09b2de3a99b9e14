"""Records survive JSON, numbers that are none included; intervals, the best epoch."""

import json
import math
from dataclasses import replace

import pytest
from scipy import stats

from residency.records import (
    ClassScore,
    EpochRecord,
    Evaluation,
    Prediction,
    Proportion,
    best_epoch,
    duration,
    epoch_from_json,
    epoch_to_json,
    evaluation_from_json,
    evaluation_to_json,
)

EPOCH = EpochRecord(
    epoch=3,
    step=1170,
    learning_rate=0.1,
    loss=0.7,
    train_accuracy=Proportion(450, 500),
    train_loss=0.4,
    validation_accuracy=Proportion(95, 113),
    validation_loss=0.6,
    seconds=12.5,
    images_per_second=1800.0,
)
WRONG = Prediction("a/Möwe.jpg", "Heron", 0.7, (("Heron", 0.7), ("Möwe", 0.3)), "Möwe")
EVALUATION = Evaluation(
    part="test",
    used_for_choosing=False,
    accuracy=Proportion(3, 4),
    top5=None,
    loss=0.5,
    classes=(ClassScore("Heron", 2 / 3, 1.0, 0.8, 2), ClassScore("Möwe", 1, 0.5, 0, 2)),
    confusion=((2, 0), (1, 1)),
    wrong=(WRONG,),
)


def through_json(value):
    return json.loads(json.dumps(value, allow_nan=False))


@pytest.mark.parametrize(
    "epoch", [EPOCH, replace(EPOCH, validation_accuracy=None, validation_loss=None)]
)
def test_epochs(epoch):
    assert epoch_from_json(through_json(epoch_to_json(epoch))) == epoch


def test_no_number_survives():
    value = epoch_to_json(EPOCH) | {"loss": "nan", "train_loss": "-inf"}
    record = epoch_from_json(through_json(value))
    assert math.isnan(record.loss)
    assert record.train_loss == -math.inf
    assert epoch_to_json(record) == value


def test_unknown_fields_are_passed_over():
    assert epoch_from_json({**epoch_to_json(EPOCH), "of_later": 1}) == EPOCH


@pytest.mark.parametrize("top5", [None, Proportion(4, 4)])
def test_evaluations(top5):
    evaluation = replace(EVALUATION, top5=top5)
    assert evaluation_from_json(through_json(evaluation_to_json(evaluation))) == (
        evaluation
    )


@pytest.mark.parametrize(("correct", "total"), [(106, 113), (0, 10), (10, 10)])
def test_the_interval_is_scipys(correct, total):
    theirs = stats.binomtest(correct, total).proportion_ci(method="wilson")
    assert Proportion(correct, total).interval == pytest.approx(tuple(theirs))


def test_of_equal_accuracies_the_lowest_loss_is_best():
    later = replace(EPOCH, epoch=4, validation_loss=0.5)
    worse = replace(EPOCH, epoch=5, validation_accuracy=Proportion(94, 113))
    diverged = replace(EPOCH, epoch=6, validation_loss=math.nan)
    assert best_epoch([EPOCH, later, worse, diverged]) is later


def test_nothing_held_out_has_no_best_epoch():
    unmeasured = replace(EPOCH, validation_accuracy=None, validation_loss=None)
    assert best_epoch([unmeasured]) is None


def test_durations_are_rounded_before_they_are_put_in_words():
    assert duration(59.6) == "1 min 00 s"
    assert duration(3599.7) == "1 h 00 min"
    assert duration(math.nan) == "nan s"
