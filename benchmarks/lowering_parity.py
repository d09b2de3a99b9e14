"""How far lowered networks are from Keras: all of `keras.applications` and of ours.

Random weights and images, batches of 3. float64 is Keras with its promotion of float64
to float32 taken out (tests/engine/lowering/parity.py); dropout draws the same numbers
in both, and is off where float32 is compared with float64.

    python benchmarks/lowering_parity.py              # all, about 40 minutes
    python benchmarks/lowering_parity.py VGG16 resnet18
"""

import argparse
import gc
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring import RESULTS

from residency.engine import lower
from residency.engine.environment import describe_environment
from residency.files import write_json
from residency.models import list_models
from tests.contracts.test_lowering import of_keras, of_ours
from tests.engine.lowering.parity import (
    differences,
    float64,
    random_inputs,
    rounding,
    scramble,
)

import keras  # isort: skip  after residency, which chooses the backend

SIZES = {
    "InceptionV3": 139,
    "InceptionResNetV2": 139,
    "Xception": 96,
    "densenet_bc250_24": 32,
}
"""In pixels, where 64 leave too few values to normalize by, or fill 24 GB."""

OPTIONS = {"network_in_network": {"dropout": 0.0}}
"""Torch draws the dropout of maps in the order of their memory, which is not Keras'."""


def main() -> None:
    """Measures each network, prints a line each and writes them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found, refused = {}, {}
    for name in arguments.names or every_name():
        try:
            found[name] = measured(name)
        except ValueError as error:  # what Keras does not build on torch
            refused[name] = str(error)
        print(name, found.get(name, refused.get(name)), flush=True)
        keras.backend.clear_session()
        gc.collect()
    result = {
        "what": "lowered networks against Keras; relative differences",
        "date": date.today().isoformat(),
        "environment": describe_environment(),
        "batch": 3,
        "refused_by_keras": refused,
        "networks": found,
    }
    path = arguments.out or RESULTS / f"lowering-parity_cpu_{date.today()}.json"
    write_json(path, result)
    print(path)


def every_name() -> list[str]:
    """Returns the builders of `keras.applications`, then the names of our catalog."""
    theirs = sorted(name for name in dir(keras.applications) if name[0].isupper())
    return [*theirs, *(entry.name for entry in list_models())]


def measured(name: str) -> dict[str, Any]:
    """Returns one network's size, kept layers, differences and rounding errors."""
    theirs = name[0].isupper()
    size, build = (of_keras if theirs else of_ours)(
        name, SIZES.get(name, 64), **OPTIONS.get(name, {})
    )
    with float64():
        exact, kept = compared(build, size)
    against = rounding(build, (3, size, size, 3), largest=255)
    return {
        "image_size": size,
        "float64": exact,
        "float32": compared(build, size)[0],
        "float32_against_float64": asdict(against),
        "kept": kept,
    }


def compared(
    build: Callable[[], keras.Model], size: int
) -> tuple[dict[str, float], list[str]]:
    """Returns the differences on random weights, and the kinds of kept layers."""
    model = build()
    scramble(model)
    inputs = random_inputs(model, (3, size, size, 3), largest=255)
    calls = lower(model).calls
    kept = sorted({type(call.operation).__name__ for call in calls if call.kept})
    return asdict(differences(model, inputs)), kept


if __name__ == "__main__":
    main()
