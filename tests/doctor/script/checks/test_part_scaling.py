import pytest

from residency.doctor.script.checks.part_scaling import check

SICK = (
    "from keras.preprocessing.image import ImageDataGenerator\na = ImageDataGenerator(rescale=1/255)\nb = ImageDataGenerator()\nm.fit(a.flow(x), validation_data=b.flow(y), epochs=1)",
    "import keras\n(x_train, y), (x_test, z) = keras.datasets.mnist.load_data()\nx_train /= 255\nm.fit(x_train, y, validation_data=(x_test, z), epochs=1)",
)
HEALTHY = (
    "from keras.preprocessing.image import ImageDataGenerator\na = ImageDataGenerator(rescale=1/255, shear_range=0.2)\nb = ImageDataGenerator(rescale=1./255)\nm.fit(a.flow(x), validation_data=b.flow(y), epochs=1)",
    "import keras\n(x_train, y), (x_test, z) = keras.datasets.mnist.load_data()\nx_train = x_train / 255\nx_test = x_test / 255\nm.fit(x_train, y, validation_data=(x_test, z), epochs=1)",
    "import keras\n(x_train, y), (x_test, z) = keras.datasets.mnist.load_data()\nx_train = prep(x_train / 255)\nx_test = prep(x_test)\nm.fit(x_train, y, validation_data=(x_test, z), epochs=1)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
