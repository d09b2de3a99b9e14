"""Augmentations: one a file, each a config that checks itself and applies itself.

A transform works on a batch of uint8 images, image by image, with uniforms that it
is handed: `draws` says how many an image. It holds no random state, so the same
draws give the same pixels. What mixes images with each other lives in `training`.
"""

from residency.data.transforms.color_jitter import ColorJitter
from residency.data.transforms.pad_crop import PadCrop
from residency.data.transforms.random_flip import RandomFlip
from residency.data.transforms.random_resized_crop import RandomResizedCrop

Transform = RandomFlip | PadCrop | RandomResizedCrop | ColorJitter

__all__ = ["ColorJitter", "PadCrop", "RandomFlip", "RandomResizedCrop", "Transform"]
