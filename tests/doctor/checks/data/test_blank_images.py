from residency.doctor.checks.data import blank_images

run = blank_images.CHECK.run


def test_pictures_of_one_colour_are_counted(probe_of, pictures):
    x, y = pictures(64)
    x[:8] = 17
    (found,) = run(probe_of((x, y)))
    assert (found.severity, found.evidence["blank"]) == ("advice", 8)
    (found,) = run(probe_of((x // 255 * 0, y)))
    assert found.severity == "warning"


def test_pictures_are_silent(probe_of, pictures):
    x, y = pictures(64)
    assert run(probe_of((x, y))) == []
    assert run(probe_of((x / 255, y))) == []
    assert run(probe_of((x.reshape(64, -1), y))) is None
