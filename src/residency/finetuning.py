"""The phases of a training as its recipe says: what trains, and on what."""

import logging
from dataclasses import replace

from residency.data import Batches, Pipeline
from residency.data.torch.resident import resident
from residency.engine.distributed import Processes
from residency.engine.features import (
    FeatureBatches,
    HeadFeatures,
    fits,
)
from residency.engine.network import Network
from residency.engine.phases import Phases
from residency.errors import ConfigError
from residency.models import Model, build, weights
from residency.models.catalog import find
from residency.models.freezing import phases_of
from residency.models.stages import head_of
from residency.models.weights import WeightFile
from residency.recipes import Recipe
from residency.training import CrossEntropy, Finetune

import keras  # isort: skip  after residency.models, which chooses the backend

logger = logging.getLogger(__name__)


def read_weights(settings: Recipe) -> WeightFile | None:
    """Reads the weights that a recipe starts from, before its data are read.

    They are compared with the network, where the recipe says the side of its images,
    and so is what the recipe freezes; the data would add but the number of classes, and
    a head for others is new.

    Raises:
        ConfigError: A network of random weights would be fine-tuned; no such file, or
            the weights of another network; or `finetune` names what it has not.
        DataError: They cannot be downloaded.
        ExportError: The file is damaged, cut short, or made to do harm.
    """
    model = settings.model
    if not isinstance(model, Model):
        return None
    if model.weights is None:
        _require_training_from_nothing(settings)
        return None
    file = weights.open_weights(model.weights, model.name)
    pixels, options = weights.settings(file, find(model.name), None, model.options)
    if settings.data.image_size is not None:
        with keras.device("meta"):  # shapes without numbers: built at once
            network = build(
                model.name,
                num_classes=2,
                image_size=settings.data.image_size,
                preprocessing=pixels,
                **options,
            )
            headed = network if model.head is None else model.head.on(network, 2)
        weights.require_match(network, file)
        phases_of(headed, settings.finetune)
    return file


def _require_training_from_nothing(settings: Recipe) -> None:
    if settings.finetune:
        raise ConfigError(
            f"recipe {settings.name!r} goes on from trained weights, and names none. "
            "Pass --set model.weights=FILE, or train from nothing with "
            "--set finetune=none."
        )


def build_phases(
    network: Network,
    settings: Recipe,
    pipeline: Pipeline,
    processes: Processes,
) -> Phases:
    """Returns the phases of a recipe; one, in which all trains, where it names none.

    Raises:
        ConfigError: `finetune.freeze` does not fit the model.
    """
    phases = phases_of(network.model, settings.finetune)
    head = features = None
    if phases[0].head_only:
        head = _head(network, settings.precision)
    if head is not None and isinstance(settings.loss, CrossEntropy):
        steps = settings.schedule.length(pipeline.steps_per_epoch)
        ends = [phase.start for phase in phases[1:]]
        epochs = min([*ends, -(-steps // pipeline.steps_per_epoch)])
        features = _features(head, settings, pipeline, processes, epochs)
    images = on_device(pipeline, network)
    return Phases(network, phases, settings.optimizer, images, head, features)


def _head(network: Network, precision: str) -> HeadFeatures | None:
    symbolic = head_of(network.model).features
    return None if symbolic is None else HeadFeatures(network, symbolic, precision)


def on_device(pipeline: Pipeline, network: Network) -> Batches:
    """Returns the pipeline, on the GPU where it can be there."""
    batches, why_not = resident(pipeline, network.device)
    if batches is None and network.device.type == "cuda":
        logger.info("batches are made outside the GPU: %s", why_not)
    return batches or pipeline


def _features(
    head: HeadFeatures,
    settings: Recipe,
    pipeline: Pipeline,
    processes: Processes,
    epochs: int,
) -> FeatureBatches:
    """Returns the batches of features; of one pass that is clean, if so wished."""
    finetune = settings.finetune or Finetune()
    if finetune.feature_passes == 0:
        pipeline = replace(pipeline, transforms=())
    passes = min(max(1, finetune.feature_passes), epochs)
    kept = processes.size == 1 and fits(passes, len(pipeline.part), head.body)
    return FeatureBatches(
        on_device(pipeline, head.network),
        head.body,
        pipeline.part.labels,
        batch_size=pipeline.batch_size,
        seed=pipeline.seed,
        passes=passes if kept else 0,
    )
