import pytest

from residency.doctor.script.checks.lambda_closure import check

SICK = (
    "from keras.layers import Lambda\nxs = [Lambda(lambda z: z[c])(x) for c in range(3)]",
    "import tensorflow as tf\nfor c in range(3):\n    low = c * 4\n    tf.keras.layers.Lambda(lambda z: z[low:])(x)",
    "from keras.layers import Lambda\nfor c in range(3):\n    def cut(z):\n        return z[c]\n    Lambda(cut)(x)",
)
HEALTHY = (
    "from keras import layers\nfor c in range(3):\n    layers.Lambda(lambda z: z * 2)(x)",
    "from keras import layers\ndef f(c):\n    return layers.Lambda(lambda z: z[c])\nfor c in range(3):\n    f(c)(x)",
    "from keras import layers\nn = 4\nlayers.Lambda(lambda z: z * n)(x)",
    "for c in range(3):\n    fs.append(sorted(x, key=lambda z: z[c]))",
    "from keras import layers\nfor c in range(3):\n    layers.Lambda(lambda z, k: z[k], arguments={'k': c})(x)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
