"""One optimizer step."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from residency.engine.network import Network
from residency.errors import EngineError
from residency.training import CrossEntropy

PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Step:
    """Forward, loss, backward, update: one batch.

    Args:
        network: What is trained.
        optimizer: Over the network's trainable variables.
        loss: The loss.
        precision: `"float32"`; or `"bfloat16"`, `"float16"`: autocast over float32
            variables. float16 needs a GPU and scales the loss.
        clip_norm: Largest norm of all gradients together; `None`: no clipping.
        average: Where other processes have images of the batch, too: makes the
            gradients, in place, and the loss, returned, those of the whole batch.
    """

    def __init__(
        self,
        network: Network,
        optimizer: torch.optim.Optimizer,
        *,
        loss: CrossEntropy,
        precision: str = "float32",
        clip_norm: float | None = None,
        average: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        kind = network.device.type
        if precision == "float16" and kind != "cuda":
            raise EngineError(
                f"precision='float16' needs a CUDA GPU, this is {kind}. "
                "Pass --set precision=bfloat16 or float32."
            )
        self.network = network
        self.optimizer = optimizer
        self.loss = loss
        self.precision = precision
        self.clip_norm = clip_norm
        self.average = average
        self.scaler = torch.amp.GradScaler(kind, enabled=precision == "float16")
        # Apple's GPUs have no float64 to add losses up in.
        self._sum_type = torch.float32 if kind == "mps" else torch.float64
        self._parameters = [value for _, value in network.trainable()]

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, rate: float
    ) -> torch.Tensor:
        """Trains on one batch and returns its loss: a scalar on the device, float64.

        Args:
            images: uint8 RGB, `(batch, height, width, 3)`.
            labels: Class numbers, int64, `(batch,)`.
            rate: Learning rate of this step.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.network.device, self.precision):
            logits = self.network.logits(images, training=True)
        loss = cross_entropy(
            logits,
            torch.from_numpy(labels).to(logits.device),
            label_smoothing=self.loss.label_smoothing,
        )
        penalty = self.network.penalty()
        total = loss if penalty is None else loss + penalty
        self.scaler.scale(total).backward()
        if self.average is not None:
            total = self.average(total.detach())
        if self.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self._parameters, self.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return total.detach().to(self._sum_type)


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Returns the context in which matrix products run in `precision`."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[precision])
