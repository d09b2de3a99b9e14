import warnings

import numpy as np
import pytest

from residency.doctor.script.checks.generator_fit import MEASURED, check

SICK = (
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(featurewise_center=True)
g.flow(x, y)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(zca_whitening=True).flow(x, y)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(horizontal_flip=True)
g.fit(x)
g.flow(x, y)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(featurewise_center=False, zca_whitening=False)
g.fit(x)
""",
)
HEALTHY = (
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(featurewise_std_normalization=True)
g.fit(x)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(horizontal_flip=True)
g.flow(x, y)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

a = ImageDataGenerator(featurewise_center=True)
a.fit(x)
b = ImageDataGenerator(featurewise_center=True)
b.mean = a.mean
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(featurewise_center=True)
prepare(g)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

def make():
    return ImageDataGenerator(featurewise_center=True)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(**options)
g.fit(x)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(featurewise_center=flag)
g.fit(x)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

gs = [ImageDataGenerator(zca_whitening=True)]
for g in gs:
    g.fit(x)
""",
    """\
model.fit(x, y)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []


def test_what_is_missing_is_worse_than_what_is_too_much(findings):
    severities = [findings(check, text)[0].severity for text in SICK]
    assert severities == ["warning", "warning", "advice", "advice"]


def test_the_options_are_those_that_keras_fits():
    """Standardised batches change by `fit` under each option, and under no other."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    images = np.random.default_rng(0).uniform(0, 255, (8, 6, 6, 3)).astype("float32")
    for option in (*MEASURED, "samplewise_center", "horizontal_flip"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of options that imply others
            generator = ImageDataGenerator(**{option: True})
            before = generator.standardize(images[0].copy())
            generator.fit(images)
            after = generator.standardize(images[0].copy())
        assert (option in MEASURED) != np.allclose(before, after)
