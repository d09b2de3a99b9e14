"""Images per second of our training loop and of `keras.Model.fit`, side by side.

One process, variants in turn, the first round left out; the share of the machine
that other processes took is recorded with each sample.

    python benchmarks/loop_against_fit.py --repeats 7
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import in_turn, report

from residency.data import Pipeline, load
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.step import Step
from residency.models import build
from residency.recipes import get_recipe

import keras  # isort: skip  after residency.models, which chooses the backend

BATCH, STEPS = 128, 12


def main() -> None:
    """Measures, prints the medians and writes the samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (BATCH * STEPS, 32, 32, 3)).astype("uint8")
    labels = np.arange(len(images)) % 10
    variants = {
        "loop, float32": our_loop(images, labels, "float32"),
        "loop, bfloat16": our_loop(images, labels, "bfloat16"),
        "keras fit, float32": keras_fit(images, labels, "float32"),
        "keras fit, mixed_bfloat16": keras_fit(images, labels, "mixed_bfloat16"),
    }
    report(
        "loop-against-fit",
        "training CIFAR ResNet-20, 32x32, batch 128; images per second",
        in_turn(variants, len(images), arguments.repeats),
        arguments.out,
        images_per_sample=len(images),
        notes="the loop augments (pad, crop, flip); fit does not",
    )


def our_loop(images: np.ndarray, labels: np.ndarray, precision: str) -> Callable:
    """Returns a function that trains one epoch through our pipeline and step."""
    recipe = get_recipe("he2015/resnet20-cifar10")
    data = load((images, labels), validation=0.0, test=0.0)
    pipeline = Pipeline(
        data.train, image_size=32, batch_size=BATCH, transforms=recipe.data.transforms
    )
    network = Network(build("cifar_resnet20", num_classes=10))
    optimizer = build_optimizer(recipe.optimizer, network)
    step = Step(network, optimizer, loss=recipe.loss, precision=precision)

    def epoch() -> None:
        for batch in pipeline.epoch(0):
            loss = step(batch.images, batch.labels, 0.1)
        float(loss)

    return epoch


def keras_fit(images: np.ndarray, labels: np.ndarray, policy: str) -> Callable:
    """Returns a function that trains one epoch by `fit` on arrays in memory."""
    keras.config.set_dtype_policy(policy)
    model = build("cifar_resnet20", num_classes=10)
    keras.config.set_dtype_policy("float32")
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy"
    )
    return lambda: model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)


if __name__ == "__main__":
    main()
