import pytest

from residency.doctor.script.checks.finite_repeat import check

SICK = (
    """\
it = iter(ds.repeat(2))
for epoch in range(80):
    x = next(it)
""",
)
HEALTHY = (
    """\
d = ds.repeat()
m.fit(d, epochs=9, steps_per_epoch=5)
""",
    """\
d = ds.repeat(9)
m.fit(d, epochs=9, steps_per_epoch=5)
""",
    """\
d = ds.repeat(2)
m.fit(d, epochs=9)
""",
    """\
for epoch in range(80):
    for x in ds.repeat(2):
        pass
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
