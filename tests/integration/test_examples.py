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
    """Returns a disc with stripes, whose direction is the kind, before a blurred wall.

    Colours, phase and place are drawn, so a kind is no colour and no place.
    """
    wall = rng.integers(60, 200, (4, 5, 3), dtype=np.uint8)
    scene = np.asarray(Image.fromarray(wall).resize((120, 100)), dtype=float)
    rows, columns = np.mgrid[:100, :120]
    angle = kind * np.pi / 4
    along = columns * np.cos(angle) + rows * np.sin(angle)
    wave = np.sin(2 * np.pi * along / rng.uniform(9, 13) + rng.uniform(0, 2 * np.pi))
    light, dark = rng.uniform(150, 255, 3), rng.uniform(0, 105, 3)
    disc = np.hypot(rows - rng.uniform(45, 55), columns - rng.uniform(52, 68)) < 42
    scene[disc] = np.where(wave[disc][:, None] > 0, light, dark)
    grainy = scene + rng.normal(0, 6, scene.shape)
    return Image.fromarray(grainy.clip(0, 255).astype(np.uint8))


def draw_photos(folder: Path, classes: tuple[str, ...], count: int) -> Path:
    """Writes `count` JPEG files a class; returns `folder`."""
    rng = np.random.default_rng(0)
    for kind, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            photo(kind, rng).save(folder / name / f"{number:03d}.jpg", quality=90)
    return folder
