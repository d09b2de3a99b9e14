import pytest

from residency.doctor.script.checks.black_corners import check

SICK = (
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(rotation_range=15, fill_mode="constant")
""",
    """\
import keras

keras.layers.RandomRotation(0.1, fill_mode="constant")
""",
    """\
from scipy import ndimage

x = ndimage.rotate(x, angle, reshape=False)
""",
    """\
from scipy.ndimage import rotate

x = rotate(x, 12)
""",
    """\
import tensorflow_addons as tfa

x = tfa.image.rotate(x, a)
""",
    """\
from torchvision import transforms as T

t = T.RandomRotation(7)
""",
    """\
import cv2

m = cv2.getRotationMatrix2D(c, angle, 1)
x = cv2.warpAffine(x, m, size)
""",
)
HEALTHY = (
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(rotation_range=15)
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(width_shift_range=0.1, fill_mode="constant")
""",
    """\
from keras.preprocessing.image import ImageDataGenerator

ImageDataGenerator(rotation_range=15, fill_mode="constant", cval=127)
""",
    """\
import keras

keras.layers.RandomRotation(0.1)
""",
    """\
from scipy import ndimage

x = ndimage.rotate(x, angle, mode="reflect")
""",
    """\
from scipy import ndimage

x = ndimage.rotate(x, 90)
""",
    """\
import numpy as np

x = np.rot90(x)
""",
    """\
from torchvision import transforms as T

t = T.RandomAffine(0, translate=(0.1, 0.1))
""",
    """\
from torchvision import transforms as T

t = T.RandomRotation(7, fill=128)
""",
    """\
import cv2

m = cv2.getRotationMatrix2D(c, angle, 1)
x = cv2.warpAffine(x, m, size, borderMode=cv2.BORDER_REFLECT)
""",
    """\
import keras
from keras.datasets import mnist

keras.layers.RandomRotation(0.1, fill_mode="constant")
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
