"""Batches made on the GPU from images that stay there: the same pixels as `Pipeline`'s.

What moves to the GPU for a step are a few numbers an image, not its pixels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from residency.data.batch import Batch
from residency.data.draws import permutation, uniforms
from residency.data.frames import MemoryFrames
from residency.data.pipeline import Pipeline
from residency.data.transforms import PadCrop, RandomFlip

MEMORY_SHARE = 0.25  # of the GPU's free memory; the rest is for the network


@dataclass(frozen=True, slots=True, eq=False)
class ResidentPipeline:
    """A `Pipeline` whose images lie on a device."""

    pipeline: Pipeline
    images: torch.Tensor
    """uint8, `(images, size, size, 3)`, in the order of the part."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return self.pipeline.steps_per_epoch

    @property
    def workers(self) -> int:
        """No process makes batches."""
        return 0

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yields the batches of one epoch; images and labels are tensors there."""
        part, size = self.pipeline.part, self.pipeline.batch_size
        order = permutation(self.pipeline.seed, epoch, len(part))
        labels = torch.from_numpy(part.labels).to(self.images.device)
        for step in range(start, self.steps_per_epoch):
            rows = order[step * size : (step + 1) * size]
            there = torch.from_numpy(rows).to(self.images.device, non_blocking=True)
            yield Batch(self._augmented(epoch, rows, there), labels[there], rows)

    def _augmented(
        self, epoch: int, rows: np.ndarray, there: torch.Tensor
    ) -> torch.Tensor:
        """Returns what the transforms make of the images, in one gathering each."""
        images = self.images[there]
        for stream, transform in enumerate(self.pipeline.transforms):
            draws = uniforms(self.pipeline.seed, epoch, rows, stream, transform.draws)
            images = KNOWN[type(transform)](transform, images, draws)
        return images


def resident(
    pipeline: Pipeline, device: torch.device
) -> tuple[ResidentPipeline | None, str]:
    """Puts the images of a pipeline on a GPU.

    Returns:
        The new pipeline and an empty text; or `None`, and why it cannot be made.
    """
    frames = pipeline.part.frames
    if device.type != "cuda":
        return None, "the network is not on a GPU"
    if not isinstance(frames, MemoryFrames) or not isinstance(
        frames.images, np.ndarray
    ):
        return None, "the images are not all in memory at one size"
    unknown = [type(t).__name__ for t in pipeline.transforms if type(t) not in KNOWN]
    if unknown:
        return None, f"{', '.join(unknown)} is not done on the GPU"
    if pipeline.share != (0, 1):
        return None, "several processes share each batch"
    free, _ = torch.cuda.mem_get_info(device)
    wanted = len(frames) * frames.images[0].nbytes
    if wanted > MEMORY_SHARE * free:
        return None, f"{wanted / 1e9:.1f} GB are too much for it"
    return move(pipeline, frames, device), ""


def move(
    pipeline: Pipeline, frames: MemoryFrames, device: torch.device
) -> ResidentPipeline:
    """Returns the pipeline with its images on `device`."""
    images = torch.from_numpy(frames.images[frames.rows]).to(device)
    return ResidentPipeline(pipeline, images)


def _crop(crop: PadCrop, images: torch.Tensor, draws: np.ndarray) -> torch.Tensor:
    height, width = images.shape[1:3]
    offsets = (draws * (2 * crop.padding + 1)).astype(np.int64) - crop.padding
    down, right = torch.from_numpy(offsets.T).to(images.device, non_blocking=True)
    rows = down[:, None] + torch.arange(height, device=images.device)
    columns = right[:, None] + torch.arange(width, device=images.device)
    if crop.reflect:
        return _gathered(images, _mirrored(rows, height), _mirrored(columns, width))
    found = _gathered(images, rows.clamp(0, height - 1), columns.clamp(0, width - 1))
    inside = ((rows >= 0) & (rows < height))[:, :, None, None]
    inside = inside & ((columns >= 0) & (columns < width))[:, None, :, None]
    fill = torch.tensor(crop.fill, dtype=torch.uint8)
    fill = fill.to(images.device, non_blocking=True)
    return torch.where(inside, found, fill)


def _flip(flip: RandomFlip, images: torch.Tensor, draws: np.ndarray) -> torch.Tensor:
    flipped = torch.from_numpy(draws[:, 0] < flip.probability)
    flipped = flipped.to(images.device, non_blocking=True)
    return torch.where(flipped[:, None, None, None], images.flip(2), images)


KNOWN: dict[type, Callable[[Any, torch.Tensor, np.ndarray], torch.Tensor]] = {
    PadCrop: _crop,
    RandomFlip: _flip,
}


def _gathered(
    images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> torch.Tensor:
    """Returns, for each image, its `rows` `(batch, height)` and `columns`."""
    which = torch.arange(len(images), device=images.device)[:, None, None]
    return images[which, rows[:, :, None], columns[:, None, :]]


def _mirrored(places: torch.Tensor, size: int) -> torch.Tensor:
    """Returns places outside `0..size-1` as those mirrored at the border pixel."""
    if size == 1:
        return torch.zeros_like(places)
    period = 2 * (size - 1)
    return (size - 1) - ((places % period) - (size - 1)).abs()
