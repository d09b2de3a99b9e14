import pytest

from residency.doctor.script.checks.pretrained_input import check

SICK = (
    """\
import keras
from keras import applications as A

b = A.ResNet50()
d = keras.utils.image_dataset_from_directory("x")
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.InceptionV3()
d = ds.map(lambda x: A.vgg16.preprocess_input(x))
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.EfficientNetB0()
d = ds.map(lambda x: x / 255)
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A
from keras.applications.resnet import preprocess_input

b = A.ResNet50()
d = keras.utils.image_dataset_from_directory("x")
m.fit(d.map(lambda x: x / 255.0), epochs=1)
""",
)
HEALTHY = (
    """\
import keras
from keras import applications as A

b = A.ResNet50(weights=None)
d = ds.map(lambda x: x / 255)
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.EfficientNetB0()
d = keras.utils.image_dataset_from_directory("x")
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.VGG16()
d = ds.map(lambda x: A.vgg16.preprocess_input(x))
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.ResNet50()
m.fit(prepared, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.MobileNetV2()
d = ds.map(lambda x: x / 127.5 - 1)
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.DenseNet121()
d = ds.map(lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.Xception()
d = ds.map(lambda x: 2 * (x / 255) - 1)
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A
from own import preprocess_image

b = A.ResNet50()
d = keras.utils.image_dataset_from_directory("x").map(preprocess_image)
m.fit(d, epochs=1)
""",
    """\
import keras
from keras import applications as A

b = A.ResNet50()
n = keras.layers.Normalization()
n.adapt(x)
d = keras.utils.image_dataset_from_directory("x")
m.fit(d, epochs=1)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
