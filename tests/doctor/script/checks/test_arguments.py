import warnings

import keras
import pytest

from residency.doctor.script.checks.arguments import ARGUMENTS, METHODS, check

NEEDED = {"Dense": (4,), "Conv2D": (4, 3), "Conv1D": (4, 3), "Conv3D": (4, 3)}
NEEDED |= {"Convolution2D": (4, 3), "Convolution1D": (4, 3), "SeparableConv2D": (4, 3)}
NEEDED |= {
    "DepthwiseConv2D": (3,),
    "ModelCheckpoint": ("a.keras",),
    "Policy": ("float32",),
}
NEEDED |= {"to_categorical": ([0, 1],)}
HOMES = (keras.layers, keras.optimizers, keras.callbacks, keras.regularizers)
HOMES += (keras.utils, keras.mixed_precision, keras)
CASES = [(n, a, c.does) for n, known in ARGUMENTS.items() for a, c in known.items()]


@pytest.mark.parametrize(("name", "argument", "does"), CASES)
def test_keras_does_with_the_argument_what_is_said(name, argument, does):
    make = next(getattr(home, name) for home in HOMES if hasattr(home, name))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        if does == "raises":
            with pytest.raises((TypeError, ValueError)):
                make(*NEEDED.get(name, ()), **{argument: 1})
        else:
            make(*NEEDED.get(name, ()), **{argument: 0.1})
            assert bool(warned) == (does == "deprecated")


@pytest.mark.parametrize(
    ("method", "argument"), [(m, a) for m, k in METHODS.items() for a in k]
)
def test_a_models_method_refuses_the_argument(method, argument):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises((TypeError, ValueError), match=argument):
        getattr(model, method)(**{argument: 1})


@pytest.mark.parametrize(
    "text",
    [
        "from keras import optimizers\noptimizers.SGD(0.1, epsilon=1)",
        "from torch.optim import SGD\nSGD(params, lr=0.1)",
        "import torch\nloader.fit(workers=2)",
        "from keras import layers\nlayers.Conv2D(8, 3, 2)\nlayers.Conv2D(8, 1, 1)",
        "from keras import layers\nlayers.Conv2D(8, (5, 5), 2)",
        "from keras.callbacks import ModelCheckpoint\n"
        "ModelCheckpoint('a.weights.h5', save_weights_only=True)",
        "import tf_keras\ntf_keras.optimizers.SGD(lr=0.1)",
    ],
)
def test_what_still_works_is_left_alone(findings, text):
    assert findings(check, text) == []


def test_strides_taken_for_a_window(findings):
    (found,) = findings(check, "from keras import layers\nlayers.Conv2D(8, 5, 5)")
    assert found.label == "stem_too_coarse"


def test_a_file_ending_keras_refuses(findings):
    text = "from keras.callbacks import ModelCheckpoint\nModelCheckpoint('best.hdf5')"
    (found,) = findings(check, text)
    assert found.snippet == "'best.keras'"
    with pytest.raises(ValueError, match=r"\.keras"):
        keras.callbacks.ModelCheckpoint("best.hdf5")
