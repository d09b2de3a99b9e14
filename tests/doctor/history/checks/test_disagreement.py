import pytest

from residency.doctor.history import Curves
from residency.doctor.history.checks.disagreement import check


def curves(**other) -> Curves:
    given = {
        "accuracy": (0.7, 0.85, 0.92, 0.95, 0.96),
        "loss": (0.6, 0.4, 0.25, 0.15, 0.1),
        "val_accuracy": (0.5, 0.5, 0.51, 0.5, 0.5),
        "num_classes": 2,
        "steps_per_epoch": 100,
    }
    return Curves(source="", **(given | other))


def test_text_2_preprocessing_is_what_remains():
    """95 % in training, one half in validation, after 500 steps."""
    (found,) = check(curves())
    assert (found.label, found.severity) == ("train_val_preprocess_mismatch", "error")
    assert found.evidence["other preprocessing or labels"] == "yes"
    verdicts = [v for v in found.evidence.values() if isinstance(v, str)]
    assert [v.partition(":")[0] for v in verdicts] == ["no", "no", "no", "yes"]


def test_a_few_steps_leave_batch_normalization_open():
    """50 steps: 0.99^50 = 61 % of the first statistics are left. No accusation."""
    (found,) = check(curves(steps_per_epoch=10))
    assert (found.label, found.severity) == ("bn_stats_not_converged", "advice")


def test_the_same_images_leave_nothing_but_statistics():
    same = curves(train_loss=(5.0, 4.0, 4.2, 4.1, 4.4), val_accuracy=(0.9,) * 5)
    (found,) = check(same)
    assert (found.label, found.severity) == ("bn_stats_not_converged", "error")


@pytest.mark.parametrize(
    "other",
    [
        {"val_accuracy": (0.5, 0.5, 0.7, 0.9, 0.94)},  # slow statistics, then good
        {"val_accuracy": (0.8, 0.9, 0.95, 0.97, 0.98)},  # above training: dropout
        {"val_accuracy": (0.6, 0.65, 0.7, 0.71, 0.72)},  # overfitting, not chance
        {"accuracy": (0.5, 0.5, 0.52, 0.5, 0.51)},  # training does not learn either
        {"train_loss": (0.5, 0.3, 0.2, 0.1, 0.1), "val_accuracy": (0.9,) * 5},
        {"val_accuracy": ()},
    ],
)
def test_what_is_normal(other):
    assert list(check(curves(**other))) == []
