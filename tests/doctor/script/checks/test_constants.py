import pytest

from residency.doctor.script.checks.constants import check

SICK = (
    """\
x[..., 0] -= 103.939
x[..., 1] -= 116.779
x[..., 2] -= 123.86
""",
    """\
m = (0.485, 0.465, 0.406)
""",
    """\
s = [0.229, 0.244, 0.225]
""",
)
HEALTHY = (
    """\
m = [123.68, 116.779, 103.939]
""",
    """\
m = [123.675, 116.28, 103.53]
s = [58.395, 57.12, 57.375]
""",
    """\
m = [123.68, 116.28, 103.53]
""",
    """\
m = (0.485, 0.456, 0.406)
s = (0.229, 0.224, 0.225)
""",
    """\
m = [125.307, 122.95, 113.865]
s = [62.9932, 62.0887, 66.7048]
""",
    """\
m = [0.485, 0.456, 0.7]
""",
    """\
m = [130.1, 120.2, 103.939]
""",
    """\
m = (0.485, 0.456, 0.41)
""",
    """\
m = np.array([125.307, 122.95, 113.856])
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
