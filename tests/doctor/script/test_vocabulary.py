import inspect

import keras
import pytest

from residency.doctor.script import vocabulary


@pytest.mark.parametrize("name", vocabulary.OPTIMIZERS)
def test_the_default_rate_is_keras(name):
    signature = inspect.signature(getattr(keras.optimizers, name))
    assert (
        signature.parameters["learning_rate"].default == vocabulary.DEFAULT_RATE[name]
    )


@pytest.mark.parametrize(
    ("names", "module"),
    [
        (vocabulary.CALLBACKS, keras.callbacks),
        (vocabulary.LOSSES, keras.losses),
        (vocabulary.SCHEDULES, keras.optimizers.schedules),
        (vocabulary.RANDOM_LAYERS, keras.layers),
    ],
)
def test_the_names_are_keras(names, module):
    assert [name for name in names if not hasattr(module, name)] == []


def test_the_augmentations_are_those_of_the_generator():
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    known = inspect.signature(ImageDataGenerator).parameters
    assert set(vocabulary.GENERATOR_AUGMENTATIONS) <= set(known)
