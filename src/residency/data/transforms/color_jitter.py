"""Random changes of brightness, contrast, saturation and hue."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image, ImageEnhance

from residency.config import require, require_between


@dataclass(frozen=True, kw_only=True, slots=True)
class ColorJitter:
    """Changes brightness, contrast, saturation and hue, in this order, per image.

    A strength `b` draws the factor uniformly from `[max(0, 1 - b), 1 + b]`; factor 1
    changes nothing, 0 gives black, grey or colourless. Pixels are those of torchvision
    on Pillow images, whose order of the four is random instead.

    Example:

    >>> image = np.full((1, 1, 1, 3), 100, np.uint8)
    >>> draws = np.array([[0.25, 0.5, 0.5, 0.5]])
    >>> ColorJitter(brightness=1.0).apply(image, draws, 1).tolist()
    [[[[50, 50, 50]]]]
    """

    brightness: float = 0.0
    """Strength, at least 0; 0 leaves it alone. So do the next two."""
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    """Largest shift, as a share of the colour circle, in `[0, 0.5]`."""

    draws: ClassVar[int] = 4

    def __post_init__(self) -> None:
        for field in ("brightness", "contrast", "saturation"):
            require(self, field, getattr(self, field) >= 0, "a number of at least 0")
        require_between(self, "hue", 0, 0.5)

    def apply(self, images: np.ndarray, draws: np.ndarray, size: int) -> np.ndarray:
        """Returns a new batch.

        Args:
            images: uint8 of shape `(batch, height, width, 3)`.
            draws: Uniforms in `[0, 1)`, `(batch, 4)`, one for each property.
            size: Not used: colours change, the size does not.
        """
        strengths = np.array([self.brightness, self.contrast, self.saturation])
        low = np.maximum(0, 1 - strengths)
        factors = low + draws[:, :3] * (1 + strengths - low)
        shifts = self.hue * (2 * draws[:, 3] - 1)
        result = np.empty_like(images)
        for i, image in enumerate(images):
            result[i] = self._jittered(image, factors[i].tolist(), float(shifts[i]))
        return result

    def _jittered(
        self, pixels: np.ndarray, factors: list[float], shift: float
    ) -> np.ndarray:
        image = Image.fromarray(pixels)
        if self.brightness:
            image = ImageEnhance.Brightness(image).enhance(factors[0])
        if self.contrast:
            image = ImageEnhance.Contrast(image).enhance(factors[1])
        if self.saturation:
            image = ImageEnhance.Color(image).enhance(factors[2])
        return _hue_shifted(image, shift) if self.hue else np.asarray(image)


def _hue_shifted(image: Image.Image, shift: float) -> np.ndarray:
    """Turns the colour circle by `shift`, a share of it in `[-0.5, 0.5]`."""
    hue, saturation, value = image.convert("HSV").split()
    turn = np.uint8(int(shift * 255) % 256)
    hue = Image.fromarray(np.asarray(hue) + turn)  # uint8 wraps around the circle
    return np.asarray(Image.merge("HSV", (hue, saturation, value)).convert("RGB"))
