import pytest

from residency.doctor.history import Curves
from residency.doctor.history.checks.too_short import check

RISING = {
    "loss": (1.9, 1.6, 1.38, 1.2),
    "val_accuracy": (0.33, 0.44, 0.52, 0.58),
    "learning_rate": (0.001,) * 4,
}


def test_all_still_gets_better():
    (found,) = check(Curves(source="", **RISING))
    assert found.severity == "warning"


@pytest.mark.parametrize(
    "other",
    [
        {"learning_rate": (0.01, 0.006, 0.002, 0.0005)},  # brought down to the end
        {"total_epochs": 100},  # unfinished
        {"val_accuracy": (0.6, 0.59, 0.58, 0.57)},  # validation does not follow
        {"loss": (1.9, 1.6, 1.58, 1.56)},  # flattens out
        {"loss": (2.0, 0.2, 0.15, 0.1)},  # nothing left
    ],
)
def test_what_is_long_enough(other):
    assert list(check(Curves(source="", **(RISING | other)))) == []


def test_the_floor_of_label_smoothing_is_known():
    """0.1 over 10 classes leaves 0.50 nats: 0.53 is the end of what can be learned."""
    loss = (1.9, 0.59, 0.56, 0.53)
    given = RISING | {"loss": loss}
    smooth = Curves(source="", **given, label_smoothing=0.1, num_classes=10)
    assert list(check(smooth)) == []
