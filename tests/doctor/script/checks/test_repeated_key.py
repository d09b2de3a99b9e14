import pytest

from residency.doctor.script.checks.repeated_key import check

SICK = (
    """\
d = {"a": 1, "a": 1}
""",
    """\
d = {"a": 1, "b": 2, "a": 3}
""",
    """\
f({1: x, 2: y, 1: z})
""",
    """\
d = {**e, KEY: 1, KEY: 1}
""",
)
HEALTHY = (
    """\
d = {"a": 1, "b": 1}
""",
    """\
d = {"a": 1, **e, "a": 2}
""",
    """\
d = {f(): 1, f(): 2}
""",
    """\
d = {1: "a", "1": "b"}
""",
    """\
d = {n: 1 for n in x}
""",
    """\
d = [{"a": 1}, {"a": 2}]
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []


@pytest.mark.parametrize(
    ("text", "severity", "label"),
    [
        ('d = {"a": 1, "a": 1}', "advice", "redundant_code"),
        ('d = {"a": 1, "a": 2}', "warning", "config_not_applied"),
    ],
)
def test_a_lost_value_is_worse(findings, text, severity, label):
    (found,) = findings(check, text)
    assert (found.severity, found.label) == (severity, label)
