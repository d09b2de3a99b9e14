import pytest

from residency.doctor.script.checks.choosing_on_test import check

SICK = (
    """\
m.fit(x, epochs=1, validation_data=(x_test, y_test))
""",
    """\
m.fit(x, epochs=1, validation_data=test_generator)
""",
    """\
m.fit(x, epochs=1, validation_data=(testX, testY))
""",
)
HEALTHY = (
    """\
m.fit(x, epochs=1, validation_data=(x_val, y_val))
""",
    """\
m.fit(x, epochs=1, validation_data=latest)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
