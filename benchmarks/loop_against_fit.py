"""Images per second of our training loop and of `keras.Model.fit`, side by side.

One process, variants in turn, the first round left out; the share of the machine
that other processes took is recorded with each sample.

    python benchmarks/loop_against_fit.py --repeats 7
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from residency.data import Pipeline, load
from residency.engine.environment import describe_environment
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.step import Step
from residency.files import write_json
from residency.models import build
from residency.recipes import get_recipe

import keras  # isort: skip  after residency.models, which chooses the backend

BATCH, STEPS = 128, 12
RESULTS = Path(__file__).parent / "results"


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
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for repeat in range(arguments.repeats + 1):
        for name, epoch in variants.items():
            sample = timed(epoch, len(images))
            if repeat:  # the first round warms up
                samples[name].append(sample)
    result = {
        "what": "training CIFAR ResNet-20, 32x32, batch 128; images per second",
        "date": date.today().isoformat(),
        "environment": describe_environment(),
        "images_per_sample": len(images),
        "notes": "the loop augments (pad, crop, flip); fit does not",
        "median": {n: median(s) for n, s in samples.items()},
        "samples": samples,
    }
    for name, value in result["median"].items():
        rates = [s["images_per_second"] for s in samples[name]]
        print(f"{name:28} {value:7,.0f}  ({min(rates):,.0f} to {max(rates):,.0f})")
    path = arguments.out or RESULTS / f"loop-against-fit_cpu_{date.today()}.json"
    write_json(path, result)
    print(json.dumps(str(path)))


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


def timed(epoch: Callable[[], object], images: int) -> dict[str, float]:
    """Returns images per second, and the share of all cores that others took."""
    own, busy, start = time.process_time(), busy_seconds(), time.perf_counter()
    epoch()
    wall = time.perf_counter() - start
    foreign = busy_seconds() - busy - (time.process_time() - own)
    share = max(0.0, foreign) / wall / (os.cpu_count() or 1)
    return {"images_per_second": images / wall, "foreign_share": round(share, 3)}


def busy_seconds() -> float:
    """Returns the seconds that all cores together have worked since the start."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(n) for n in file.readline().split()[1:]]
    except OSError:  # no such file outside Linux: foreign load is unknown
        return 0.0
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def median(samples: list[dict[str, float]]) -> float:
    """Returns the median rate."""
    return statistics.median(s["images_per_second"] for s in samples)


if __name__ == "__main__":
    main()
