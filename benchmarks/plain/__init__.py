"""Networks as a careful PyTorch user writes them, to measure against.

Each has the parameters of the Keras network that it stands beside, and computes the
same on the same weights (`tests/integration/test_twins.py`). Its layers are declared in
the order of the way through the net, a shortcut's before its residual's.
"""

from plain.darknet import Darknet53
from plain.mobilenet import MobileNetV2
from plain.resnet import ResNet20, ResNet50
from plain.resnext import ResNeXt29
from plain.vgg import VGG16

__all__ = [
    "VGG16",
    "Darknet53",
    "MobileNetV2",
    "ResNeXt29",
    "ResNet20",
    "ResNet50",
]
