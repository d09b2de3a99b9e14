import pytest

from residency.doctor.script.checks.class_order import check

SICK = (
    """\
import os

labels = [d for d in os.listdir("x") if d[0] != "."]
""",
    """\
import pathlib

CLASSES = [p.name for p in pathlib.Path("x").glob("*")]
""",
)
HEALTHY = (
    """\
import os

class_names = sorted(os.listdir("x"))
""",
    """\
import os

labels = os.listdir("x")
labels.sort()
""",
    """\
import os

num_classes = len(os.listdir("x"))
""",
    """\
import glob

files = glob.glob("*")
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
