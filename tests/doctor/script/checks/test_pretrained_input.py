import pytest

from residency.doctor.script.checks.pretrained_input import check

SICK = (
    "import keras\nfrom keras import applications as A\nb = A.ResNet50()\nd = keras.utils.image_dataset_from_directory('x')\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.InceptionV3()\nd = ds.map(lambda x: A.vgg16.preprocess_input(x))\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.EfficientNetB0()\nd = ds.map(lambda x: x / 255)\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nfrom keras.applications.resnet import preprocess_input\nb = A.ResNet50()\nd = keras.utils.image_dataset_from_directory('x')\nm.fit(d.map(lambda x: x / 255.), epochs=1)",
)
HEALTHY = (
    "import keras\nfrom keras import applications as A\nb = A.ResNet50(weights=None)\nd = ds.map(lambda x: x / 255)\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.EfficientNetB0()\nd = keras.utils.image_dataset_from_directory('x')\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.VGG16()\nd = ds.map(lambda x: A.vgg16.preprocess_input(x))\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.ResNet50()\nm.fit(prepared, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.MobileNetV2()\nd = ds.map(lambda x: x / 127.5 - 1)\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.DenseNet121()\nd = ds.map(lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])\nm.fit(d, epochs=1)",
    "import keras\nfrom keras import applications as A\nb = A.ResNet50()\nn = keras.layers.Normalization()\nn.adapt(x)\nd = keras.utils.image_dataset_from_directory('x')\nm.fit(d, epochs=1)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
