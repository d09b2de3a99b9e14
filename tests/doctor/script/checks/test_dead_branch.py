import pytest

from residency.doctor.script.checks.dead_branch import check

SICK = (
    "import numpy as np\nc = np.random.randint(3)\nif c == 3: pass",
    "import random\nc = random.randrange(0, 3)\nif c >= 3: pass",
    "import tensorflow as tf\ndef pick(n):\n    return int(tf.random.uniform((), maxval=n, dtype='int32'))\nc = pick(3)\nif c == 3: pass",
)
HEALTHY = (
    "import random\nc = random.randint(0, 3)\nif c == 3: pass",
    "import numpy as np\nrng = np.random.default_rng()\nc = rng.integers(0, 3, endpoint=True)\nif c == 3: pass",
    "import tensorflow as tf\nc = tf.random.uniform(())\nif c > 0.5: pass",
    "import numpy as np\nc = np.random.randint(n)\nif c == 3: pass",
    "import numpy as np\nc = np.random.randint(0, 3)\nif c < 3: pass",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
