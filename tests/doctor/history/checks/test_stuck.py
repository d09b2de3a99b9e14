import math

import pytest

from residency.doctor.history import Curves
from residency.doctor.history.checks.stuck import check

STILL = (2.303, 2.3025, 2.3027, 2.3026, 2.3025)


def test_the_largest_class_alone():
    """70 % of one class: loss below ln 2, accuracy the share of that class."""
    loss = (0.6109, 0.6108, 0.6109, 0.611, 0.6108)
    curves = Curves(source="", loss=loss, accuracy=(0.7,) * 5, num_classes=2)
    (found,) = check(curves)
    assert found.severity == "error"
    assert found.label == "not_learning"


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_classes_are_seen_in_loss_and_accuracy_together(classes):
    loss = (math.log(classes),) * 4
    (found,) = check(Curves(source="", loss=loss, accuracy=(1 / classes,) * 4))
    assert found.evidence["classes"] == classes
    assert found.severity == "warning"


@pytest.mark.parametrize(
    "curves",
    [
        Curves(source="", loss=STILL[:2], accuracy=(0.1,) * 2),
        Curves(source="", loss=STILL),
        Curves(source="", loss=(6.9, 6.8, 6.7, 6.6), accuracy=(0.001,) * 4),
        Curves(source="", loss=(0.01,) * 6, accuracy=(0.999,) * 6),
        Curves(source="", loss=(0.5,) * 6, accuracy=(0.8, 0.82, 0.79, 0.81, 0.8, 0.82)),
    ],
    ids=["two epochs", "no accuracy", "slowly falling", "perfect", "resting high"],
)
def test_what_is_not_stuck(curves):
    assert list(check(curves)) == []
