from residency.doctor.history import Curves
from residency.doctor.history.checks.claim import check


def curves(share: float, **other) -> Curves:
    given = {
        "val_accuracy": (0.3, share, share - 0.001),
        "validation_count": 5000,
        "claim_percent": 91.25,
        "total_epochs": 3,
        "recipe": "he2015/resnet20-cifar10",
    }
    return Curves(source="", **(given | other))


def test_short_of_the_promise():
    (found,) = check(curves(0.85))
    assert found.severity == "warning"
    assert "91.25 %" in found.title


def test_changed_settings_are_named_and_not_accused():
    (found,) = check(curves(0.85, changed=("optimizer.learning_rate",)))
    assert found.severity == "advice"
    assert "optimizer.learning_rate" in found.title


def test_within_the_interval_unfinished_or_without_a_promise():
    assert list(check(curves(0.905))) == []
    assert list(check(curves(0.3, total_epochs=200))) == []
    assert list(check(curves(0.3, claim_percent=None))) == []
    assert list(check(curves(0.8, validation_count=10))) == []  # ten images say nothing
