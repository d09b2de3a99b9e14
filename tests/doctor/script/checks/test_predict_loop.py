import pytest

from residency.doctor.script.checks.predict_loop import check

SICK = (
    """\
for i in range(9):
    m.predict(x[i : i + 1])
""",
    """\
for x in xs:
    b = x[np.newaxis]
    m.predict(b)
""",
)
HEALTHY = (
    """\
for x, y in ds:
    m.predict(x)
""",
    """\
import numpy as np

m.predict(np.expand_dims(x, 0))
""",
    """\
def one(x):
    return m.predict(x[None])
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
