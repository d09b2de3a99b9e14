"""Images per second of training and inference: ours, plain torch, plain Keras.

One process, variants in turn, the first round left out; the share of the machine
that other processes took is recorded with each sample. Every variant works on the
same images in memory; training includes loss, backward pass and optimizer.

    python benchmarks/speed.py --model resnet20
    python benchmarks/speed.py --model resnet50 --repeats 5
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from measuring import in_turn, report
from plain_torch import ResNet20, ResNet50

from residency.engine import accelerate, lower
from residency.engine.network import Network, without_softmax
from residency.engine.optimizers import build_optimizer
from residency.engine.step import Step
from residency.models import build
from residency.training import SGD, CrossEntropy

import keras  # isort: skip  after residency.models, which chooses the backend

CASES = {
    "resnet20": ("cifar_resnet20", ResNet20, 32, 128, 10, 6),
    "resnet50": ("resnet50", ResNet50, 224, 16, 1000, 1),
}
"""Our name, plain network, pixels, batch, classes, batches a sample."""


def main() -> None:
    """Measures, prints the medians and writes the samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=CASES, default="resnet20")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    name, plain, size, batch, classes, steps = CASES[arguments.model]
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (batch, size, size, 3)).astype("uint8")
    labels = np.arange(batch) % classes

    def model() -> keras.Model:
        return build(name, num_classes=classes, image_size=size)

    precisions = ("float32", "bfloat16") if fast_bfloat16() else ("float32",)
    training, inference = {}, {}
    for precision in precisions:
        training[f"residency, {precision}"] = ours(model(), images, labels, precision)
    for precision in precisions:
        for order in ("channels first", "channels last"):
            training[f"plain torch, {order}, {precision}"] = plain_step(
                plain(classes), images, labels, order, precision
            )
    training["keras fit"] = fit(model(), images, labels)
    training["keras fit, accelerated"] = fit(accelerate(model()), images, labels)
    inference["residency"] = forward(lower(without_softmax(model())), images, False)
    inference["plain torch, channels last"] = forward(plain(classes), images, True)
    inference["keras"] = forward(without_softmax(model()), images, False)

    def often(run: Callable[[], object]) -> Callable[[], object]:
        return lambda: [run() for _ in range(steps)]

    for what, variants in (("training", training), ("inference", inference)):
        repeated = {variant: often(run) for variant, run in variants.items()}
        print(what)
        report(
            f"{what}-{arguments.model}",
            f"{what} {arguments.model}, {size}x{size}, batch {batch}; images a second",
            in_turn(repeated, steps * batch, arguments.repeats),
            arguments.out and arguments.out.with_suffix(f".{what}.json"),
            images_per_sample=steps * batch,
        )


def fast_bfloat16() -> bool:
    """Tells whether this processor multiplies in bfloat16."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def ours(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, precision: str
) -> Callable[[], object]:
    """Returns a step of `residency train`."""
    network = Network(model)
    config = SGD(learning_rate=0.01, weight_decay=1e-4)
    step = Step(
        network,
        build_optimizer(config, network),
        loss=CrossEntropy(),
        precision=precision,
    )
    return lambda: step(images, labels, 0.01)


def plain_step(
    network: torch.nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    order: str,
    precision: str,
) -> Callable[[], object]:
    """Returns a step as PyTorch's tutorials write it."""
    last = order == "channels last"
    layout = torch.channels_last if last else torch.contiguous_format
    network = network.to(memory_format=layout).train()
    optimizer = torch.optim.SGD(
        network.parameters(), 0.01, momentum=0.9, weight_decay=1e-4
    )
    targets = torch.from_numpy(labels)

    def step() -> None:
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255)
        x = x.contiguous(memory_format=layout)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = torch.nn.functional.cross_entropy(network(x), targets)
        loss.backward()
        optimizer.step()

    return step


def fit(
    model: keras.Model, images: np.ndarray, labels: np.ndarray
) -> Callable[[], object]:
    """Returns one batch of `keras.Model.fit`."""
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy"
    )
    return lambda: model.fit(images, labels, batch_size=len(images), verbose=0)


def forward(
    network: Callable, images: np.ndarray, channels_first: bool
) -> Callable[[], object]:
    """Returns one batch of inference in float32."""
    if isinstance(network, torch.nn.Module):
        network.eval()
    x = torch.from_numpy(images).float()
    if channels_first:
        network = network.to(memory_format=torch.channels_last)
        x = x.permute(0, 3, 1, 2)

    def run() -> None:
        with torch.inference_mode():
            network(x)

    return run


if __name__ == "__main__":
    main()
