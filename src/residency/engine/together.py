"""What several processes do together, step by step.

Each step's batch is shared out, and what the processes compute is added up, so that
the result is that of one process on the whole batch.

Gradients travel once a step, in one buffer, after the backward pass, and not through
torch's `DistributedDataParallel`: a share of the images may be smaller or empty, some
variables have no gradient, and a step may be tried again or cut in smaller ones.
"""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import torch

from residency.engine.distributed import Processes
from residency.engine.hooks import Hook
from residency.engine.lowering import share_statistics
from residency.engine.network import Network
from residency.engine.state import INTERRUPTED, EpochSums, TrainState
from residency.errors import EngineError

logger = logging.getLogger(__name__)


class Together(Hook):
    """Keeps all processes at the same step, rate and weights; the last of the hooks.

    Each epoch starts from the first process's variables, so what its callbacks
    changed reaches all.

    Args:
        processes: More than one.
        network: What is trained.
        seed: Of the recipe; each process and step draws its own dropout from it.
        whole_batch: Batch normalization takes its statistics over the whole batch.

    Attributes:
        stop: Set by a signal, as `TrainState.stop` is in one process.
    """

    def __init__(
        self, processes: Processes, network: Network, seed: int, *, whole_batch: bool
    ) -> None:
        require_own_gpu(network.device)
        self.processes, self.network, self.seed = processes, network, seed
        self.stop: str | None = None
        reached = share_statistics(network.module, processes) if whole_batch else []
        self._apart: list[Any] = [
            layer
            for layer in network.model._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization)
            and not any(layer is each for each in reached)
        ]
        apart = [layer for layer in self._apart if layer.trainable]
        if whole_batch and apart:
            logger.warning(
                "batch normalization of each process's own images alone, as Keras runs "
                "these layers as they are: %s",
                ", ".join(layer.name for layer in apart),
            )
        self._look_at_what_trains()

    def _look_at_what_trains(self) -> None:
        self._moving: list[torch.Tensor] = [
            variable.value
            for layer in self._apart
            if layer.trainable
            for variable in (layer.moving_mean, layer.moving_variance)
        ]
        self._parameters = [variable.value for variable in self.network.trainable()]

    def average(self, loss: torch.Tensor) -> torch.Tensor:
        """Returns the mean loss of all images of the step, with the gradients of that.

        Gradients in place; so are moving statistics that each process moved by its own
        images. All are weighted by the number of images behind them.
        """
        gradients = [
            torch.zeros_like(p) if p.grad is None else p.grad for p in self._parameters
        ]
        loss = loss.clone()
        _at_once(self._add_up, [loss, *gradients, *self._moving])
        return loss

    def on_start(self, state: TrainState) -> None:
        """Makes sure that all processes go on from the same step.

        Raises:
            EngineError: They do not.
        """
        steps = self.processes.gather(state.step)
        if len(set(steps)) > 1:
            raise EngineError(
                f"the processes found checkpoints of different steps, {steps}. The run "
                "folder must be on a disk that all of them see."
            )

    def before_epoch(self, state: TrainState) -> None:
        """Takes over the first process's variables."""
        self._look_at_what_trains()
        _at_once(self.processes.copy_first, list(self.network.variables().values()))

    def before_step(self, state: TrainState) -> None:
        """Counts the step's images, takes over the first process's rate, and draws."""
        own = state.batch_images
        override = math.nan if state.rate_override is None else state.rate_override
        agreed = torch.tensor([own, override if self.processes.first else 0.0]).double()
        images, override = self.processes.sum(agreed).tolist()
        state.batch_images = int(images)
        state.rate_override = None if math.isnan(override) else override
        self.processes.share = own / max(1.0, images)
        key = (self.seed, state.step, self.processes.rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def after_step(self, state: TrainState) -> None:
        """Stops all if one was asked to; gathers the epoch's broken images."""
        self._agree_to_stop(state)
        if state.epoch_complete:
            for broken in self.processes.gather(state.broken):
                state.broken |= broken

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Waits for the first process, which measures and saves."""
        self._agree_to_stop(state)

    def _agree_to_stop(self, state: TrainState) -> None:
        ended = self.processes.first and state.stop is not None
        asked = torch.tensor([self.stop is not None, ended]).int()
        interrupted, ended = self.processes.sum(asked).tolist()
        if interrupted:
            state.stop = INTERRUPTED
        elif ended:
            state.stop = state.stop or "the first process ended it"

    def _add_up(self, flat: torch.Tensor) -> None:
        share = self.processes.share
        self.processes.sum(flat.mul_(share) if share else flat.zero_())


def require_own_gpu(device: torch.device) -> None:
    """Checks that a model is where this process trains.

    Raises:
        EngineError: It was built on another process's GPU.
    """
    if device.type == "cuda" and device.index != (own := torch.cuda.current_device()):
        raise EngineError(
            f"the model is on {device}, but this process trains on cuda:{own}. Before "
            "the model is built: torch.cuda.set_device(int(os.environ['LOCAL_RANK']))."
        )


def _at_once(collective: Callable[[Any], Any], tensors: Sequence[torch.Tensor]) -> None:
    """Applies `collective`, which works in place, to all tensors of a dtype as one."""
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        same = [tensor for tensor in tensors if tensor.dtype == dtype]
        with torch.no_grad():
            flat = torch.cat([tensor.reshape(-1) for tensor in same])
            collective(flat)
            parts = flat.split([tensor.numel() for tensor in same])
            for tensor, part in zip(same, parts, strict=True):
                tensor.copy_(part.view(tensor.shape))
