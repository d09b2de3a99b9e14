"""The head of a network on what its frozen body makes of the images.

While nothing but the head trains, the body gives the same for the same pixels, so it
runs without gradients, in inference mode, and what it gives is kept.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, cast

import keras
import numpy as np
import torch

from residency.data import Batch, Batches, Dataset, Part, in_order
from residency.data.draws import permutation
from residency.data.memory import available_memory
from residency.engine.evaluation import BATCH_SIZE
from residency.engine.lowering import lower
from residency.engine.network import Network, without_activation
from residency.engine.precision import autocast

MEMORY_SHARE = 0.25  # of the free memory; the rest is for images and network


class Body:
    """All of a network but its head, in inference mode.

    Args:
        network: The whole.
        features: What the body gives, a symbolic tensor of the network's graph.
        precision: Of the products.
    """

    def __init__(self, network: Network, features: Any, precision: str) -> None:
        self.module = lower(keras.Model(network.model.inputs, features))
        self.device, self.precision = network.device, precision
        self.shape: tuple[int, ...] = tuple(features.shape[1:])

    @torch.no_grad()
    def __call__(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Returns float32 features `(batch, ...)` of uint8 `images`, on the device."""
        pixels = torch.as_tensor(images).to(self.device, non_blocking=True).float()
        with autocast(self.device, self.precision):
            return self.module(pixels, training=False).float()


def head_network(network: Network, features: Any) -> Network:
    """Returns the network that takes `features` instead of images.

    Its model, variables and statistics are those of the whole.
    """
    head = copy.copy(network)
    head.part = keras.Model(features, without_activation(network.model).outputs[0])
    head.module = lower(head.part)
    return head


def network_behind(body: Body, head: Network) -> Network:
    """Returns the network that takes images, its body in inference mode."""
    whole = copy.copy(head)
    whole.part = head.model

    def run(pixels: torch.Tensor, *, training: bool) -> torch.Tensor:
        return head.module(body(pixels), training=training)

    whole.module = cast(Any, run)
    return whole


def fits(passes: int, images: int, body: Body) -> bool:
    """Tells whether the features of some passes may be kept in memory."""
    free = available_memory()
    if body.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(body.device)
    return kept_bytes(images, passes, body.shape) <= MEMORY_SHARE * free


def kept_bytes(images: int, passes: int, shape: tuple[int, ...]) -> int:
    """Returns the memory of some passes' features.

    Example:

    >>> kept_bytes(1000, 4, (1280,))
    20480000
    """
    return images * passes * math.prod(shape) * 4


class FeatureBatches:
    """A pipeline's batches with features in place of images.

    The features of the first epochs are kept and used again in turn, each time in the
    epoch's own order. The batches in which they are computed are those of the epochs
    they come from, so a resumed training computes the same numbers.

    Args:
        batches: Gives the images, augmented anew in each epoch.
        body: Gives their features.
        labels: Of the part, int64, `(images,)`.
        batch_size: Images a step.
        seed: Of the pipeline's order.
        passes: Epochs whose features are kept; 0: none, each is computed anew.
    """

    def __init__(
        self,
        batches: Batches,
        body: Body,
        labels: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        passes: int,
    ) -> None:
        self.batches, self.body = batches, body
        self.labels = torch.from_numpy(labels).to(body.device)
        self.batch_size, self.seed, self.passes = batch_size, seed, passes
        self._kept = {n: _Pass(body, len(labels)) for n in range(passes)}

    @property
    def kept_bytes(self) -> int:
        """Memory of the kept features, once all are computed."""
        return kept_bytes(len(self.labels), self.passes, self.body.shape)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yields the batches of one epoch, from step `start` on."""
        if epoch < self.passes or not self.passes:
            kept = self._kept.get(epoch)
            for step, batch in enumerate(self.batches.epoch(epoch, start), start):
                yield self._with_features(batch, kept, step)
            return
        number = epoch % self.passes
        kept = self._kept[number]
        missing = islice(self.batches.epoch(number), kept.first_step)
        for step, batch in enumerate(missing):
            self._with_features(batch, kept, step)
        yield from self._again(kept, epoch, start)

    def _with_features(self, batch: Batch, kept: "_Pass | None", step: int) -> Batch:
        if not len(batch.images):
            return batch
        features = self.body(batch.images)
        if kept is not None:
            kept.add(features, batch.rows, step)
        return replace(batch, images=features)

    def _again(self, kept: "_Pass", epoch: int, start: int) -> Iterator[Batch]:
        order = permutation(self.seed, epoch, len(self.labels))
        for first in range(start * self.batch_size, len(order), self.batch_size):
            rows = order[first : first + self.batch_size]
            rows = rows[kept.known[rows]]
            there = torch.from_numpy(rows).to(self.labels.device, non_blocking=True)
            yield Batch(kept.features[there], self.labels[there], rows)


class _Pass:
    """The features of all images, once."""

    def __init__(self, body: Body, images: int) -> None:
        self.features = torch.empty((images, *body.shape), device=body.device)
        self.known = np.zeros(images, bool)  # the others are broken, or to come
        self.first_step: int | None = None  # of the epoch it is from; the rest follows

    def add(self, features: torch.Tensor, rows: np.ndarray, step: int) -> None:
        there = torch.from_numpy(rows).to(features.device, non_blocking=True)
        self.features[there] = features
        self.known[rows] = True
        if step == 0:
            self.first_step = 0
        elif self.first_step is None:
            self.first_step = step


class HeadFeatures:
    """What a training of the head alone works on.

    Args:
        network: The whole.
        features: What its head takes, a symbolic tensor of the network's graph.
        precision: Of the products.
    """

    def __init__(self, network: Network, features: Any, precision: str) -> None:
        self.network = head_network(network, features)
        self.body = Body(network, features, precision)
        self._of_parts: dict[str, list[Batch]] = {}

    def outputs(
        self, dataset: Dataset, part: Part
    ) -> Iterator[tuple[Batch, torch.Tensor]]:
        """Yields the batches of `part` in order, each with its logits.

        Their features are computed at the first call for a part of this name and size.
        """
        key = f"{part.name} {len(part)}"
        if key not in self._of_parts:
            found = in_order(part, dataset.image_size, BATCH_SIZE)
            self._of_parts[key] = [
                replace(batch, images=self.body(batch.images))
                for batch in found
                if len(batch)
            ]
        with torch.inference_mode():
            for batch in self._of_parts[key]:
                yield batch, self.network.logits(batch.images, training=False)
