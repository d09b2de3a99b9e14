from residency.doctor.history import Curves
from residency.doctor.history.checks.best_epoch import check

FALLS = (0.5, 0.7, 0.8, 0.81, 0.8, 0.74, 0.68, 0.6)


def test_twenty_points_lost():
    (found,) = check(Curves(source="", val_accuracy=FALLS))
    assert found.severity == "warning"
    assert (found.evidence["best_epoch"], found.evidence["last"]) == (4, 0.6)


def test_kept_or_within_the_noise():
    assert list(check(Curves(source="", val_accuracy=FALLS, kept_best=True))) == []
    # 113 images: 93.8 % and 92.0 % are two images apart (text 1)
    shares = tuple(n / 113 for n in (90, 99, 104, 103, 105, 104, 106, 105, 103, 104))
    assert (
        list(check(Curves(source="", val_accuracy=shares, validation_count=113))) == []
    )
    assert list(check(Curves(source="", val_accuracy=(0.9, 0.5)))) == []
