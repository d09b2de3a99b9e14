"""Records survive JSON, numbers that are none included."""

import json
import math

from residency.records import (
    epoch_from_json,
    epoch_to_json,
    evaluation_from_json,
    evaluation_to_json,
)


def _through(value):
    return json.loads(json.dumps(value, allow_nan=False))


def test_epochs(make_history):
    for record in [*make_history(2), *make_history(2, validation=False)]:
        assert epoch_from_json(_through(epoch_to_json(record))) == record


def test_no_number_survives(make_history):
    value = epoch_to_json(make_history(1)[0]) | {"loss": "nan", "train_loss": "-inf"}
    record = epoch_from_json(_through(value))
    assert math.isnan(record.loss)
    assert record.train_loss == -math.inf
    assert epoch_to_json(record) == value


def test_unknown_fields_are_passed_over(make_history):
    record = make_history(1)[0]
    assert epoch_from_json({**epoch_to_json(record), "later": 1}) == record


def test_evaluations(make_evaluation):
    for names in (["a", "b"], [f"n{i}" for i in range(12)]):
        evaluation = make_evaluation(names)
        assert evaluation_from_json(_through(evaluation_to_json(evaluation))) == (
            evaluation
        )
