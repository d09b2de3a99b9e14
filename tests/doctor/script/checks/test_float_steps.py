import pytest

from residency.doctor.script.checks.float_steps import check

SICK = (
    """\
import numpy as np

m.fit(g, epochs=1, steps_per_epoch=np.ceil(n / 8))
""",
    """\
steps = len(x) / 8
m.fit(g, epochs=1, steps_per_epoch=steps)
""",
    """\
m.fit(g, epochs=1, validation_steps=100.0)
""",
)
HEALTHY = (
    """\
import math, keras

m.fit(g, epochs=1, steps_per_epoch=math.ceil(len(x) / 8))
""",
    """\
import keras

m.fit(g, epochs=1, steps_per_epoch=int(len(x) / 8), validation_steps=len(v) // 8)
""",
    """\
import keras

m.fit(g, epochs=1, steps_per_epoch=steps)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
