import pytest

from residency.doctor.script.checks.finite_repeat import check

SICK = ("it = iter(ds.repeat(2))\nfor epoch in range(80):\n    x = next(it)",)
HEALTHY = (
    "d = ds.repeat()\nm.fit(d, epochs=9, steps_per_epoch=5)",
    "d = ds.repeat(9)\nm.fit(d, epochs=9, steps_per_epoch=5)",
    "d = ds.repeat(2)\nm.fit(d, epochs=9)",
    "for epoch in range(80):\n    for x in ds.repeat(2):\n        pass",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
