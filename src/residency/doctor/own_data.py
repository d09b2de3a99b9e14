"""Our data sets, as the probe reads data: as a Keras `PyDataset`."""

import keras
import numpy as np

from residency.data import Pipeline
from residency.data.transforms import Transform


class PipelineBatches(keras.utils.PyDataset):
    """The batches of a pipeline, epoch after epoch, as training gets them."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.epoch = 0

    def __len__(self) -> int:
        return self.pipeline.steps_per_epoch

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        batch = next(self.pipeline.epoch(self.epoch, start=index))
        return np.asarray(batch.images), np.asarray(batch.labels)

    def on_epoch_end(self) -> None:
        self.epoch += 1


def batches_of(
    part: object,
    *,
    image_size: int,
    batch_size: int,
    transforms: tuple[Transform, ...] = (),
) -> PipelineBatches:
    """Returns a part of a data set as batches.

    Args:
        part: A `residency.data.Part`.
        image_size: Side of the square images, in pixels.
        batch_size: Images a batch.
        transforms: Augmentation, of the training part alone.
    """
    return PipelineBatches(
        Pipeline(
            part,  # pyright: ignore[reportArgumentType]
            image_size=image_size,
            batch_size=batch_size,
            transforms=transforms,
        )
    )
