"""What is measured: a network, its images, how many at once. Loads no torch."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from residency.models import build


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One network with the images that it is measured on."""

    name: str
    """Name of `residency.models`, or `mobilenet_v2`, which is keras.applications'."""
    plain: str
    """Class in `plain/`."""
    pixels: int
    """Side of an image."""
    batch: int
    classes: int = 1000
    steps: int = 1
    """Batches a sample."""

    @property
    def images_per_sample(self) -> int:
        """Images that one sample works on."""
        return self.batch * self.steps

    def images(self) -> np.ndarray:
        """Returns a batch of raw RGB, `(batch, pixels, pixels, 3)`, uint8."""
        shape = (self.batch, self.pixels, self.pixels, 3)
        return np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")

    def labels(self) -> np.ndarray:
        """Returns class numbers, `(batch,)`, int64."""
        return np.arange(self.batch) % self.classes

    def keras_model(self) -> Any:
        """Returns the network, untrained, on whatever backend Keras has."""
        if self.name == "mobilenet_v2":
            import keras  # late: residency.models has chosen the backend

            return keras.applications.MobileNetV2(
                weights=None,
                classes=self.classes,
                input_shape=(self.pixels, self.pixels, 3),
            )
        return build(self.name, num_classes=self.classes, image_size=self.pixels)


CASES = {
    "resnet20": Case(
        name="cifar_resnet20",
        plain="ResNet20",
        pixels=32,
        batch=128,
        classes=10,
        steps=6,
    ),
    "resnet50": Case(name="resnet50", plain="ResNet50", pixels=224, batch=16),
    "resnext29": Case(
        name="resnext29_8x16d",
        plain="ResNeXt29",
        pixels=32,
        batch=32,
        classes=10,
    ),
    "darknet53": Case(name="darknet53", plain="Darknet53", pixels=256, batch=8),
    "mobilenet_v2": Case(
        name="mobilenet_v2", plain="MobileNetV2", pixels=224, batch=32
    ),
    "vgg16": Case(name="vgg16", plain="VGG16", pixels=224, batch=8),
}
