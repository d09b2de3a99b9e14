import pytest

from residency.doctor.script.checks.augmentation_range import check

SICK = (
    """\
from keras import layers

layers.RandomRotation(40)
""",
    """\
from keras import layers

layers.RandomZoom(1.0)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(zoom_range=1.0)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(brightness_range=(1.2, 2))
""",
)
HEALTHY = (
    """\
from keras import layers

layers.RandomRotation(0.1)
layers.RandomZoom(0.2)
layers.RandomTranslation(0.1, 0.1)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(
    zoom_range=(0.8, 1.2),
    shear_range=20,
    brightness_range=[0.5, 1.5],
    width_shift_range=30,
)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(zoom_range=z, brightness_range=(a, b))
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
