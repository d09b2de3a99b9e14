"""The examples of texts 1 and 2, on photos drawn here."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import residency as rs

EXAMPLES = Path(__file__).parents[2] / "examples"
BIRDS = ("Bananaquit", "Black Skimmer", "Black Throated Bushtiti", "Cockatoo")
SIZE = 96


def photo(kind: int, rng: np.random.Generator) -> Image.Image:
    """Returns a shape, one a kind, on a blurred background with grain."""
    coarse = rng.integers(40, 216, (4, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((120, 100), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    x, y, r = rng.integers(45, 75), rng.integers(40, 60), rng.integers(24, 36)
    color = tuple(int(value) for value in rng.integers(0, 256, 3))
    if kind == 0:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=color)
    elif kind == 1:
        draw.rectangle((x - r, y - 7, x + r, y + 7), fill=color)
    elif kind == 2:
        draw.rectangle((x - 7, y - r, x + 7, y + r), fill=color)
    else:
        draw.polygon(((x - r, y + r), (x + r, y + r), (x, y - r)), fill=color)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), dtype=float)
    grainy = soft + rng.normal(0, 6, soft.shape)
    return Image.fromarray(grainy.clip(0, 255).astype(np.uint8))


def draw_photos(folder: Path, classes: tuple[str, ...], count: int) -> Path:
    """Writes `count` JPEG files a class; returns `folder`."""
    rng = np.random.default_rng(0)
    for kind, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            photo(kind, rng).save(folder / name / f"{number:03d}.jpg", quality=90)
    return folder
