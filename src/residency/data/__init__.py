"""Images and labels: found, checked, decoded, split, augmented and batched.

Here: sources (`sources/`), splits, decoding, framing, augmentation
(`transforms/`) and the order of the batches, all in NumPy. Not here: anything that
needs Keras or torch, save `torch/`, which feeds the device and is imported by the
engine alone.
"""

from residency.data.batch import Batch, Batches
from residency.data.dataset import Dataset, Part
from residency.data.index import Index
from residency.data.load import Data, load
from residency.data.pipeline import Pipeline, in_order
from residency.data.sources import list_datasets
from residency.data.transforms import (
    ColorJitter,
    PadCrop,
    RandomFlip,
    RandomResizedCrop,
    Transform,
)

__all__ = [
    "Batch",
    "Batches",
    "ColorJitter",
    "Data",
    "Dataset",
    "Index",
    "PadCrop",
    "Part",
    "Pipeline",
    "RandomFlip",
    "RandomResizedCrop",
    "Transform",
    "in_order",
    "list_datasets",
    "load",
]
