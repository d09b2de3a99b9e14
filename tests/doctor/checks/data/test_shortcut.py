import numpy as np

from residency.doctor.checks.data import shortcut

run = shortcut.CHECK.run


def test_brightness_that_tells_the_class_is_found(probe_of, pictures):
    x, y = pictures(160)
    x = np.clip(x * 0.3 + 45 * y[:, None, None, None], 0, 255)
    (found,) = run(probe_of((x, y)))
    assert (found.severity, found.label) == ("advice", "shortcut")
    assert found.evidence["accuracy"] > 0.85


def test_padding_that_tells_the_class_is_found(probe_of, pictures):
    x, y = pictures(160, classes=2)
    x[y == 0, :, :6] = x[y == 0, :, -6:] = 0
    x[y == 1, :4] = x[y == 1, -4:] = 0
    (found,) = run(probe_of((x, y)))
    assert "padding" in found.evidence["rule"]


def test_pictures_whose_content_tells_are_silent(probe_of, pictures):
    assert run(probe_of(pictures(160))) == []


def test_a_frequent_class_is_no_shortcut(probe_of, pictures):
    x, _ = pictures(160)
    assert run(probe_of((x, (np.arange(160) % 10 == 0).astype(int)))) == []
