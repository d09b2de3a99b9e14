"""The phases of a training as its recipe says: what trains, and on what."""

import logging
from dataclasses import replace

from residency.data import Batches, Pipeline
from residency.data.torch.resident import resident
from residency.engine.distributed import Processes
from residency.engine.features import (
    FeatureBatches,
    HeadFeatures,
    passes_that_fit,
)
from residency.engine.network import Network
from residency.engine.phases import Phases
from residency.models.freezing import phases_of
from residency.models.stages import head_of
from residency.recipes import Recipe
from residency.training import CrossEntropy

logger = logging.getLogger(__name__)


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
    features = None
    if settings.finetune is not None and phases[0].head_only:
        alone = settings.finetune.head_epochs if len(phases) > 1 else None
        total = settings.schedule.length(pipeline.steps_per_epoch)
        epochs = alone or -(-total // pipeline.steps_per_epoch)
        passes = min(settings.finetune.feature_passes, epochs)
        features = _features(network, settings, pipeline, passes, processes)
    images = on_device(pipeline, network)
    return Phases(network, phases, settings.optimizer, images, features)


def on_device(pipeline: Pipeline, network: Network) -> Batches:
    """Returns the pipeline, on the GPU where it can be there."""
    batches, why_not = resident(pipeline, network.device)
    if batches is None and network.device.type == "cuda":
        logger.info("batches are made outside the GPU: %s", why_not)
    return batches or pipeline


def _features(
    network: Network,
    settings: Recipe,
    pipeline: Pipeline,
    passes: int,
    processes: Processes,
) -> tuple[HeadFeatures, FeatureBatches] | None:
    """Returns the head with batches of what it takes; `None` where it needs images."""
    symbolic = head_of(network.model).features
    if symbolic is None or not isinstance(settings.loss, CrossEntropy):
        return None
    head = HeadFeatures(network, symbolic, settings.precision)
    if passes == 0:
        pipeline, passes = replace(pipeline, transforms=()), 1
    images = len(pipeline.part)
    kept = passes_that_fit(passes, images, head.body) if processes.size == 1 else 0
    batches = FeatureBatches(
        on_device(pipeline, network),
        head.body,
        pipeline.part.labels,
        batch_size=pipeline.batch_size,
        seed=pipeline.seed,
        passes=kept,
    )
    return head, batches
