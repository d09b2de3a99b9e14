import importlib

import pytest

from residency.doctor.script.checks.names import BACKEND, REMOVED, check


def reach(name: str) -> object:
    """Imports or looks up a dotted name, as a script would."""
    module, _, last = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ImportError:
        return getattr(importlib.import_module(module), last)


@pytest.mark.parametrize("name", REMOVED)
def test_what_is_called_gone_is_gone(name):
    if name in ("keras.optimizers.legacy",):
        with pytest.raises(ImportError):
            reach(name).SGD()
        return
    with pytest.raises((ImportError, AttributeError)):
        reach(name)


def test_what_is_left_of_the_backend_is_there():
    backend = importlib.import_module("keras.backend")
    assert [n for n in BACKEND if not hasattr(backend, n)] in ([], ["name_scope"])


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as tf\ntf.keras.preprocessing.image.ImageDataGenerator()",
        "from keras import backend as K\nK.clear_session()\nK.image_data_format()",
        "import tensorflow as tf\ntf.keras.backend.mean(x)",
        "import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\n"
        "import keras\nm.fit_generator(g)",
        "import tf_keras as keras\nmodel.fit_generator(g)",
        "from keras.utils import to_categorical\nfrom keras.layers import add",
        "scheduler.lr\nconfig.lr",
        "import keras\nfrom sklearn.svm import SVC\nmodel.predict_proba(x)",
        "import keras, own\nmodel = own.Forest()\nmodel.predict_proba(x)",
    ],
)
def test_what_still_works_is_left_alone(findings, text):
    assert findings(check, text) == []


def test_each_name_is_told_once(findings):
    text = "from keras import backend as K\nK.mean(x)\nK.mean(y)\nK.sum(z)\n"
    assert [f.evidence["today"] for f in findings(check, text)] == [
        "keras.ops.mean",
        "keras.ops.sum",
    ]
