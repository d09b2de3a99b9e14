"""Weights in and out: files of Keras and PyTorch, old and new, and safetensors.

A load works out the whole assignment first (`matching`, `plan`), then makes it or
leaves the model as it was; its `LoadReport` has a line for every layer. Here are also
the names that other projects gave their layers (`keras_origins`, `torch_origins`). No
reader runs code from a file, and none needs torch.
"""

from residency.models.weights.file import WeightFile
from residency.models.weights.file import read as read_weights
from residency.models.weights.loading import (
    load_weights,
    open_weights,
    require_match,
    settings,
)
from residency.models.weights.report import LayerLoad, LoadReport
from residency.models.weights.save import FORMATS, save_weights

__all__ = [
    "FORMATS",
    "LayerLoad",
    "LoadReport",
    "WeightFile",
    "load_weights",
    "open_weights",
    "read_weights",
    "require_match",
    "save_weights",
    "settings",
]
