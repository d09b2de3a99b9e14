"""Networks as plain `keras.Model`s: one file a family, one catalog of names.

Every model takes raw RGB pixels, 0..255, and gives class probabilities; its
first layer is the preprocessing. Here live also what a model file carries
(`contract`) and what a model costs (`complexity`). Training, data and the fast
torch path live elsewhere; nothing here imports torch.

Keras is imported when a model is first built, not when the catalog is read.
"""

import importlib
from typing import TYPE_CHECKING, Any

from residency import _backend  # noqa: F401  chooses the backend before Keras loads
from residency.models.building import build
from residency.models.catalog import Entry, list_models
from residency.models.head import Head
from residency.models.preprocessing import Preprocessing, Statistics, normalization
from residency.models.section import Model, OwnModel

if TYPE_CHECKING:
    from residency.models.cifar_resnet import CIFARResNet
    from residency.models.cifar_resnet_v2 import CIFARResNetV2
    from residency.models.complexity import multiply_adds
    from residency.models.contract import Contract, load_model, save_model
    from residency.models.darknet import Darknet53, darknet_taps
    from residency.models.densenet import (
        DenseNet121,
        DenseNet169,
        DenseNet201,
        DenseNetBC,
    )
    from residency.models.efficientnet_lite import EfficientNetLite0
    from residency.models.lenet import LeNet
    from residency.models.network_in_network import NetworkInNetwork
    from residency.models.residual_options import ResidualOptions
    from residency.models.resnet import (
        ResNet,
        ResNet18,
        ResNet34,
        ResNet50,
        ResNet101,
        ResNet152,
    )
    from residency.models.resnet_keras2 import ResNet50Keras2
    from residency.models.resnet_v2 import (
        ResNet50V2,
        ResNet101V2,
        ResNet152V2,
        ResNetV2,
    )
    from residency.models.resnext import ResNeXt, ResNeXt29, ResNeXt50, ResNeXt101
    from residency.models.vgg import VGG16, VGG19
    from residency.models.weights import (
        LoadReport,
        load_weights,
        read_weights,
        save_weights,
    )
    from residency.models.wide_resnet import WideResNet

_HOMES = {
    "CIFARResNet": "residency.models.cifar_resnet",
    "CIFARResNetV2": "residency.models.cifar_resnet_v2",
    "Darknet53": "residency.models.darknet",
    "darknet_taps": "residency.models.darknet",
    "EfficientNetLite0": "residency.models.efficientnet_lite",
    "ResNet": "residency.models.resnet",
    "ResNet18": "residency.models.resnet",
    "ResNet34": "residency.models.resnet",
    "ResNet50": "residency.models.resnet",
    "ResNet101": "residency.models.resnet",
    "ResNet152": "residency.models.resnet",
    "ResNet50Keras2": "residency.models.resnet_keras2",
    "ResNetV2": "residency.models.resnet_v2",
    "ResNet50V2": "residency.models.resnet_v2",
    "ResNet101V2": "residency.models.resnet_v2",
    "ResNet152V2": "residency.models.resnet_v2",
    "ResNeXt": "residency.models.resnext",
    "ResNeXt29": "residency.models.resnext",
    "ResNeXt50": "residency.models.resnext",
    "ResNeXt101": "residency.models.resnext",
    "VGG16": "residency.models.vgg",
    "VGG19": "residency.models.vgg",
    "DenseNet121": "residency.models.densenet",
    "DenseNet169": "residency.models.densenet",
    "DenseNet201": "residency.models.densenet",
    "DenseNetBC": "residency.models.densenet",
    "LeNet": "residency.models.lenet",
    "NetworkInNetwork": "residency.models.network_in_network",
    "WideResNet": "residency.models.wide_resnet",
    "ResidualOptions": "residency.models.residual_options",
    "Contract": "residency.models.contract",
    "load_model": "residency.models.contract",
    "load_weights": "residency.models.weights",
    "read_weights": "residency.models.weights",
    "save_weights": "residency.models.weights",
    "LoadReport": "residency.models.weights",
    "save_model": "residency.models.contract",
    "multiply_adds": "residency.models.complexity",
}

__all__ = [
    "VGG16",
    "VGG19",
    "CIFARResNet",
    "CIFARResNetV2",
    "Contract",
    "Darknet53",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "DenseNetBC",
    "EfficientNetLite0",
    "Entry",
    "Head",
    "LeNet",
    "LoadReport",
    "Model",
    "NetworkInNetwork",
    "OwnModel",
    "Preprocessing",
    "ResNeXt",
    "ResNeXt29",
    "ResNeXt50",
    "ResNeXt101",
    "ResNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet50Keras2",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "ResNetV2",
    "ResidualOptions",
    "Statistics",
    "WideResNet",
    "build",
    "darknet_taps",
    "list_models",
    "load_model",
    "load_weights",
    "multiply_adds",
    "normalization",
    "read_weights",
    "save_model",
    "save_weights",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'residency.models' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
