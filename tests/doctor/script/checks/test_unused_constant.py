import pytest

from residency.doctor.script.checks.unused_constant import check

SICK = (
    """\
DROPOUT = 0.2
USE_BN = True
m.compile("sgd")
""",
    """\
dropout = 0.2
m.compile("sgd")
""",
    """\
EPOCHS = 10
m.fit(x, epochs=20)
""",
    """\
SIZE: int = 32
m.compile("sgd")
""",
    """\
SEED = 2 * 21
SEED_TOO = SEED
m.compile("sgd")
""",
)
HEALTHY = (
    """\
DROPOUT = 0.2
""",
    """\
DROPOUT = 0.2
m.compile(f(DROPOUT))
""",
    """\
N = 3


def f():
    return N


m.compile("sgd")
""",
    """\
__all__ = ["N"]
N = 3
m.compile("sgd")
""",
    """\
N = 3
print(globals()["N"])
m.compile("sgd")
""",
    """\
N = load()
m.compile("sgd")
""",
    """\
n = 3
m.compile("sgd")
""",
    """\
def f():
    N = 3


m.compile("sgd")
""",
    """\
N = 1
N += 1
m.compile("sgd")
""",
    """\
import settings

N = 3
print(settings.N)
m.compile("sgd")
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
