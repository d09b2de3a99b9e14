import pytest

from residency.doctor.script.checks.part_scaling import check

SICK = (
    """\
from keras.preprocessing.image import ImageDataGenerator

a = ImageDataGenerator(rescale=1 / 255)
b = ImageDataGenerator()
m.fit(a.flow(x), validation_data=b.flow(y), epochs=1)
""",
    """\
import keras

(x_train, y), (x_test, z) = keras.datasets.mnist.load_data()
x_train /= 255
m.fit(x_train, y, validation_data=(x_test, z), epochs=1)
""",
)
HEALTHY = (
    """\
from keras.preprocessing.image import ImageDataGenerator

a = ImageDataGenerator(
    rescale=1 / 255, featurewise_center=False, preprocessing_function=None
)
b = ImageDataGenerator(rescale=1.0 / 255)
m.fit(a.flow(x), validation_data=b.flow(y), epochs=1)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

a = ImageDataGenerator(rescale=1 / 255, shear_range=0.2)
b = ImageDataGenerator(rescale=1.0 / 255)
m.fit(a.flow(x), validation_data=b.flow(y), epochs=1)
""",
    """\
import keras

(x_train, y), (x_test, z) = keras.datasets.mnist.load_data()
x_train = x_train / 255
x_test = x_test / 255
m.fit(x_train, y, validation_data=(x_test, z), epochs=1)
""",
    """\
import keras

(x_train, y), (x_test, z) = keras.datasets.mnist.load_data()
x_train = prep(x_train / 255)
x_test = prep(x_test)
m.fit(x_train, y, validation_data=(x_test, z), epochs=1)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
