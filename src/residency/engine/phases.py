"""A training in phases: first the head on the body's features, then more of it."""

import logging
from collections.abc import Iterator, Sequence

import torch

from residency.data import Batch, Batches, Dataset, Part
from residency.engine.evaluation import Measurement, measured, outputs
from residency.engine.features import FeatureBatches, HeadFeatures, network_behind
from residency.engine.hooks import Hook
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.state import TrainState
from residency.engine.step import Step
from residency.models.freezing import Phase
from residency.training import SGD, AdamW, Muon

logger = logging.getLogger(__name__)


class Phases(Hook):
    """Moves a step from phase to phase, and gives it the batches of each.

    Args:
        network: The whole.
        phases: In order; the first starts at epoch 0.
        optimizer: Settings of each phase's optimizer.
        images: The batches of images.
        head: For phases in which the head trains alone; `None`: it cannot be told from
            the body.
        features: What these phases train on; `None`: on images, too.
    """

    def __init__(
        self,
        network: Network,
        phases: Sequence[Phase],
        optimizer: SGD | AdamW | Muon,
        images: Batches,
        head: HeadFeatures | None = None,
        features: FeatureBatches | None = None,
    ) -> None:
        self.network, self.phases, self.optimizer = network, phases, optimizer
        self.images, self.head, self.features = images, head, features
        self.now = phases[0]
        self.step: Step | None = None

    def enter(self, epoch: int) -> tuple[Network, torch.optim.Optimizer]:
        """Lets train what trains in an epoch; returns the network and its optimizer."""
        self.now = self._phase(epoch)
        self.now.apply()
        network = self.network
        if self.head is not None and self.now.head_only:
            network = self.head.network
            if self.features is None:
                network = network_behind(self.head.body, network)
        rates = self.now.rates or None
        return network, build_optimizer(self.optimizer, network, rates)

    def before_epoch(self, state: TrainState) -> None:
        """Begins the phase that starts with this epoch."""
        if self.step is not None and self._phase(state.epoch) is not self.now:
            self.step.go_on_with(*self.enter(state.epoch))
            logger.info("epoch %d: more layers train from now on", state.epoch + 1)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yields the batches of an epoch in the phase under way."""
        if self.features is not None and self.now.head_only:
            return self.features.epoch(epoch, start)
        return self.images.epoch(epoch, start)

    def measure(self, dataset: Dataset, part: Part) -> Measurement:
        """Returns accuracy and loss on `part`, on kept features in their phase."""
        if self.head is not None and self.now.head_only:
            return measured(self.head.outputs(dataset, part), dataset, part)
        return measured(outputs(self.network, dataset, part), dataset, part)

    def _phase(self, epoch: int) -> Phase:
        return [phase for phase in self.phases if phase.start <= epoch][-1]
