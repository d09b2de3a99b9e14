import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.doctor.history import Curves, diagnose_history
from residency.errors import ConfigError
from tests.doctor.history.curves_of import healthy

SETTINGS = {
    "seed": st.integers(0, 10**6),
    "epochs": st.integers(12, 200),
    "classes": st.sampled_from([2, 4, 10, 100, 1000]),
    "schedule": st.sampled_from(["steps", "cosine", "constant"]),
    "validation_count": st.sampled_from([113, 500, 5000, 10000]),
    "final_accuracy": st.floats(0.72, 0.99),
    "gap": st.floats(0.0, 0.2),
    "slow_statistics": st.booleans(),
    "with_rates": st.booleans(),
}


@settings(max_examples=400, deadline=None)
@given(**SETTINGS)
def test_healthy_runs_are_left_alone(**how):
    found = [f for f in diagnose_history(healthy(**how)) if f.severity != "advice"]
    assert [(f.code, f.title) for f in found] == []


@settings(max_examples=60, deadline=None)
@given(**SETTINGS)
def test_the_same_runs_with_a_fault_are_not(**how):
    """A NaN in the middle, and training that never moves."""
    curves = healthy(**how)
    middle = curves.epochs // 2
    loss = (*curves.loss[:middle], math.nan, *curves.loss[middle + 1 :])
    assert diagnose_history({"loss": loss})[0].code == "RD501"
    still = [math.log(how["classes"]) * (1 + 0.002 * math.sin(n)) for n in range(8)]
    share = [1 / how["classes"]] * 8
    found = diagnose_history({"loss": still, "accuracy": share})
    assert [f.code for f in found if f.severity == "error"] == ["RD502"]


def test_after_a_nan_nothing_else_is_said():
    history = {"loss": [2.0, 1.0, math.inf], "val_loss": [1.0, 5.0, 90.0]}
    assert [f.code for f in diagnose_history(history)] == ["RD501"]


def test_a_recipe_that_is_not_there():
    with pytest.raises(ConfigError, match="no recipe"):
        diagnose_history({"loss": [1.0]}, recipe="he2015/resnet21")


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_a_run_that_has_hardly_begun(epochs):
    curves = Curves(source="", loss=(2.3,) * epochs, val_accuracy=(0.1,) * epochs)
    assert diagnose_history(curves) == ()


RUNS = sorted((Path(__file__).parent / "recorded").glob("*/metrics.jsonl"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.parent.name)
def test_recorded_runs_of_our_recipes_are_left_alone(path):
    """Trainings on real images, whole: 12 epochs of CIFAR-10, 30 of the digits."""
    found = [f for f in diagnose_history(path) if f.severity != "advice"]
    assert found == []


def test_a_recorded_run_that_goes_wrong_is_not(tmp_path):
    """The run on CIFAR-10 with its validation held at chance."""
    records = [json.loads(line) for line in RUNS[0].read_text().splitlines()]
    for record in records:
        record["validation_accuracy"] = {"correct": 500, "total": 5000}
    path = tmp_path / "metrics.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records))
    (found,) = [f for f in diagnose_history(path) if f.severity == "error"]
    assert found.label == "train_val_preprocess_mismatch"
    assert found.evidence["steps"] == records[-1]["step"]
