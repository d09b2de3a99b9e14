"""A step of training: ours, and plain torch as its tutorials write it."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import keras_variants
import torch
from cases import Case
from keras_variants import Run
from measuring import DEVICE
from twins import plain_network

from residency.engine.capture import Captured
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.step import Step
from residency.training import SGD, CrossEntropy

LAYOUTS = {
    "channels first": torch.contiguous_format,
    "channels last": torch.channels_last,
}


class Training:
    """The variants that train in this process, by name; each is built when asked for.

    Variants of the same network and layout share its weights and the optimizer's:
    twelve times VGG-16 would not fit the memory.
    """

    def __init__(self, case: Case, *, compiled: bool) -> None:
        self.case = case
        self._ours = cache(self._build_ours)
        self._plain = cache(self._build_plain)
        self.makers = {}
        for precision in precisions():
            self.makers[f"residency, {precision}"] = partial(self.ours, precision)
        for order, precision in _plain_choices():
            self.makers[f"plain torch, {order}, {precision}"] = partial(
                self.plain, order, precision
            )
        if compiled:
            best = precisions()[-1]
            self.makers[f"plain torch, compiled, {best}"] = partial(
                self.plain, "channels last", best, compiled=True
            )
        if DEVICE.type == "cuda":
            self.makers["plain torch, one CUDA graph, bfloat16"] = partial(
                self.plain, "channels last", "bfloat16", recorded=True
            )
        for precision in precisions():
            self.makers[f"keras fit on torch, {precision}"] = partial(
                keras_variants.fit, case, precision
            )
        for precision in precisions():
            self.makers[f"accelerated keras fit, {precision}"] = partial(
                keras_variants.fit, case, precision, accelerated=True
            )

    def ours(self, precision: str) -> Run:
        """Returns a sample of `residency train`'s step."""
        network, optimizer = self._ours()
        step = Step(network, optimizer, loss=CrossEntropy(), precision=precision)
        images, labels = self.case.images(), self.case.labels()
        return lambda: [step(images, labels, 0.01) for _ in range(self.case.steps)]

    def plain(
        self,
        order: str,
        precision: str,
        *,
        compiled: bool = False,
        recorded: bool = False,
    ) -> Run:
        """Returns a sample of a PyTorch user's step."""
        network, optimizer = self._plain(order)
        forward = compile_network(network) if compiled else network
        narrow = precision == "bfloat16"

        def step(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            x = images.permute(0, 3, 1, 2).float().div_(255)
            x = x.contiguous(memory_format=LAYOUTS[order])
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(DEVICE.type, torch.bfloat16, enabled=narrow):
                loss = torch.nn.functional.cross_entropy(forward(x), labels)
            loss.backward()
            optimizer.step()
            return loss.detach()

        run = Captured(step) if recorded else step
        given = [
            torch.from_numpy(array)
            for array in (self.case.images(), self.case.labels())
        ]

        def sample() -> None:
            for _ in range(self.case.steps):
                run(*(each.to(DEVICE, non_blocking=True) for each in given))

        return sample

    def _build_ours(self) -> tuple[Network, torch.optim.Optimizer]:
        network = Network(self.case.keras_model())
        config = SGD(learning_rate=0.01, weight_decay=1e-4)
        return network, build_optimizer(config, network)

    def _build_plain(self, order: str) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        network = plain_network(self.case).to(memory_format=LAYOUTS[order])
        network = network.to(DEVICE).train()
        optimizer = torch.optim.SGD(
            network.parameters(), 0.01, momentum=0.9, weight_decay=1e-4
        )
        return network, optimizer


def compile_network(network: torch.nn.Module) -> Callable[..., torch.Tensor]:
    """Returns it compiled; on a GPU with graphs, as a user would for speed."""
    mode = "reduce-overhead" if DEVICE.type == "cuda" else None
    return torch.compile(network, mode=mode)


def precisions() -> tuple[str, ...]:
    """Returns what this machine multiplies in fast."""
    if DEVICE.type == "cuda":
        return "float32", "bfloat16"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ("float32",)
    fast = "avx512_bf16" in flags or "amx_bf16" in flags
    return ("float32", "bfloat16") if fast else ("float32",)


def _plain_choices() -> list[tuple[str, str]]:
    return [("channels first", "float32")] + [
        ("channels last", precision) for precision in precisions()
    ]
