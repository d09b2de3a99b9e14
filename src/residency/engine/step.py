"""One optimizer step."""

import logging
from collections.abc import Callable

import numpy as np
import torch

from residency.engine.capture import Captured
from residency.engine.losses import Teacher, loss_of
from residency.engine.network import Network
from residency.engine.nonfinite import where_not_finite
from residency.engine.numbers import numbers_on
from residency.engine.optimizers import give_state
from residency.engine.precision import autocast, require_precision
from residency.errors import EngineError
from residency.training import CrossEntropy, Distillation

logger = logging.getLogger(__name__)


class Step:
    """Forward, loss, backward, update: one batch.

    Args:
        network: What is trained.
        optimizer: Over the views of the network's trainable variables.
        loss: The loss.
        teacher: Whose logits it takes, if it does.
        precision: `"float32"`; or `"bfloat16"`, `"float16"`: autocast over float32
            variables. float16 needs a GPU and scales the loss.
        clip_norm: Largest norm of all gradients together; `None`: no clipping.
        micro_batch: Most images that go through the network at once; the gradients
            of a batch's parts are added up. `None`: the whole batch. Halved by itself
            when memory runs out.
        average: Where other processes have images of the batch, too: makes the
            gradients, in place, and the loss, returned, those of the whole batch.
        record: A GPU's step may be recorded as a CUDA graph; `False` where something
            from outside changes the model while it trains, as callbacks may.
    """

    def __init__(
        self,
        network: Network,
        optimizer: torch.optim.Optimizer,
        *,
        loss: CrossEntropy | Distillation,
        teacher: Teacher | None = None,
        precision: str = "float32",
        clip_norm: float | None = None,
        micro_batch: int | None = None,
        average: Callable[[torch.Tensor], torch.Tensor] | None = None,
        record: bool = True,
    ) -> None:
        kind = network.device.type
        require_precision(precision, network.device)
        if average is not None and micro_batch is not None:
            raise EngineError(
                "micro_batch: the shares of several processes cannot be cut into the "
                "same number of parts. Start more processes instead."
            )
        self.loss, self.teacher = loss, teacher
        self.precision = precision
        self.clip_norm = clip_norm
        self.micro_batch = micro_batch
        self.average = average
        self.scaler = torch.amp.GradScaler(kind, enabled=precision == "float16")
        self.record = record
        # Apple's GPUs have no float64 to add losses up in.
        self._sum_type = torch.float32 if kind == "mps" else torch.float64
        self._images: np.ndarray | torch.Tensor | None = None
        self._take(network, optimizer)

    def go_on_with(self, network: Network, optimizer: torch.optim.Optimizer) -> None:
        """Trains other variables from now on.

        Args:
            network: On the same device.
            optimizer: Over what `network` trains. Its first parameters are those
                trained so far, and it goes on with their momentum; others start at 0.
        """
        give_state(optimizer, self.optimizer.state_dict()["state"])
        self._take(network, optimizer)

    def _take(self, network: Network, optimizer: torch.optim.Optimizer) -> None:
        self.network = network
        self.optimizer = optimizer
        self._variables = network.trainable()
        model = network.model
        self._constrained = [v for v in model.trainable_variables if v.constraint]
        self._moving = network.moving()
        self._before = [value.clone() for value in self._moving]
        self._changed = [*(v.value for v in self._variables), *self._moving]
        self._run: Callable[..., torch.Tensor] = self._move
        self._rate: float | torch.Tensor = 0.0
        if self.record and self._can_be_recorded():
            self._run = Captured(self._move)
            self._rate = torch.zeros((), device=network.device)

    def _can_be_recorded(self) -> bool:
        """Tells whether nothing of a step waits for the GPU or changes its form."""
        return (
            self.network.device.type == "cuda"
            and self.average is None
            and self.micro_batch is None
            and not self.scaler.is_enabled()
        )

    def _is_recorded(self) -> bool:
        """Tells whether this very pass is being recorded."""
        on_gpu = self.network.device.type == "cuda"
        return on_gpu and torch.cuda.is_current_stream_capturing()

    def __call__(
        self,
        images: np.ndarray | torch.Tensor,
        labels: np.ndarray | torch.Tensor,
        rate: float,
    ) -> torch.Tensor:
        """Trains on one batch and returns its loss: a scalar on the device, float64.

        On a CPU, a batch whose loss is not finite changes nothing. Elsewhere the step
        does not wait to know.

        Args:
            images: uint8 RGB, `(batch, height, width, 3)`; or what else the network
                takes.
            labels: Class numbers, int64, `(batch,)`.
            rate: Learning rate of this step.

        Raises:
            EngineError: Memory does not suffice for one image at a time.
        """
        self._images = images
        if isinstance(self._rate, torch.Tensor):
            self._rate.fill_(rate)  # the recorded step reads it there
        else:
            self._rate = rate
        device = self.network.device
        loss = self._run(
            torch.as_tensor(images).to(device, non_blocking=True),
            torch.as_tensor(labels).to(device, non_blocking=True),
        )
        # Neither fused optimizers nor replays count as changes in place, which is what
        # folded inference looks at.
        torch.autograd.graph.increment_version(self._changed)
        return loss

    def _move(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Does the step on the device and returns its loss."""
        self._drop_gradients()
        copy_all(self._moving, self._before)
        loss = self._gradients(images, labels)
        if self.average is not None:
            loss = self.average(loss)
        if loss.device.type == "cpu" and not loss.isfinite():
            self._forget()
            return loss
        for variable in self._variables:
            variable.share_gradient()
        for group in self.optimizer.param_groups:
            factor = group.get("rate_factor")
            group["lr"] = self._rate if factor is None else self._rate * factor
        if self.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            values = [variable.value for variable in self._variables]
            torch.nn.utils.clip_grad_norm_(values, self.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        with torch.no_grad(), numbers_on(self.network.device):
            for variable in self._constrained:
                variable.assign(variable.constraint(variable))
        self._drop_gradients()
        return loss

    def where_not_finite(self) -> str:
        """Returns the first layer that made the last batch's values not finite."""
        if self._images is None:
            return "no batch was seen"
        with autocast(self.network.device, self.precision):
            some = self._images[: self.micro_batch]
            return where_not_finite(self.network.part, some)

    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Returns the loss, its gradients in the variables."""
        while True:
            try:
                return self._in_parts(images, labels)
            except (MemoryError, RuntimeError) as error:
                if self._is_recorded() or not is_out_of_memory(error):
                    raise
            self._forget()
            self._halve(len(images))

    def _in_parts(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        device = self.network.device
        parts = -(-len(images) // (self.micro_batch or len(images)))
        sums = []
        for some, their_labels in zip(
            images.tensor_split(parts), labels.tensor_split(parts), strict=True
        ):
            with numbers_on(device):
                with autocast(device, self.precision):
                    logits = self.network.logits(some, training=True)
                    taught = None if self.teacher is None else self.teacher.logits(some)
                penalty = self.network.penalty()
            loss = loss_of(self.loss, logits, their_labels, taught)
            share = len(some) / len(images)
            total = (loss if penalty is None else loss + penalty) * share
            self.scaler.scale(total).backward()
            sums.append(total.detach().to(self._sum_type))
        return torch.stack(sums).sum()

    def _halve(self, batch_size: int) -> None:
        if self.average is not None:
            raise EngineError(
                f"Memory ran out with {batch_size} images in one of several processes. "
                "Start more of them, or take a smaller batch "
                "(--set data.batch_size=...) or smaller images."
            )
        if isinstance(self._run, Captured):  # the graph keeps memory of its own
            self._run.let_go()
            self._run = self._move
            torch.cuda.empty_cache()
            return
        size = min(self.micro_batch or batch_size, batch_size)
        if size == 1:
            raise EngineError(
                "Memory does not suffice for one image at a time. Take smaller images "
                "(--set data.image_size=...), a smaller model or a lower precision "
                "(--set precision=bfloat16)."
            )
        self.micro_batch = -(-size // 2)
        if self.network.device.type == "cuda":
            torch.cuda.empty_cache()
        logger.warning(
            "memory ran out with %d images at once; from now on at most %d go through "
            "the network together and the gradients of a batch are added up. Batch "
            "normalization sees each part alone",
            size,
            self.micro_batch,
        )

    def _forget(self) -> None:
        """Undoes what a pass left behind: gradients, moved statistics."""
        self._drop_gradients()
        copy_all(self._before, self._moving)

    def _drop_gradients(self) -> None:
        for variable in self._variables:
            variable.value.grad = variable.view.grad = None


@torch.no_grad()
def copy_all(sources: list[torch.Tensor], targets: list[torch.Tensor]) -> None:
    """Copies values, tensor by tensor."""
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source)


def is_out_of_memory(error: Exception) -> bool:
    """Tells whether an error says that memory ran out, on any device."""
    told = ("out of memory", "can't allocate memory", "not enough memory")
    told += ("could not create a primitive",)  # oneDNN's word for it
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(text in str(error) for text in told)
