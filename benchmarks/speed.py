"""Images per second of training and inference: ours, plain torch, Keras and others.

Variants in turn, each round in another order, the first round left out; the share of
the machine that other processes took is recorded with each sample. Every variant works
on the same images in memory; training includes loss, backward pass and optimizer. Keras
on TensorFlow and on JAX, ONNX Runtime and OpenVINO take part where they are installed
(`.[bench]`). With all of them, VGG-16 needs more than 24 GB.

    python benchmarks/speed.py --model resnet20
    python benchmarks/speed.py --model resnet50 --repeats 5 --compile
    python benchmarks/speed.py --model vgg16 --backends tensorflow
    python benchmarks/speed.py --model resnet20 --memory
"""

import argparse
import gc
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import memory
import torch
from apart import Apart
from cases import CASES
from inference import Inference
from measuring import conditions, in_turn, report, write
from training import Training, precisions
from twins import require_same_size

BACKENDS = tuple(name for name in ("tensorflow", "jax") if find_spec(name))
"""Of Keras, beside torch."""
KERAS_CALLS = {"training": "keras fit", "inference": "keras predict"}


def main() -> None:
    """Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=CASES, default="resnet20")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--compile", action="store_true", help="with torch.compile; costs a minute"
    )
    parser.add_argument(
        "--memory", action="store_true", help="memory of training, in place of speed"
    )
    parser.add_argument(
        "--backends",
        nargs="*",
        choices=BACKENDS,
        default=BACKENDS,
        help="of Keras, beside torch; all variants are in memory at once",
    )
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    require_same_size(CASES[arguments.model])
    if arguments.memory:
        measure_memory(arguments)
    else:
        measure_speed("training", Training, arguments)
        gc.collect()  # models refer to themselves
        measure_speed("inference", Inference, arguments)


def measure_speed(work: str, variants_of: Any, arguments: argparse.Namespace) -> None:
    """Takes the samples of training or of inference."""
    model, case = arguments.model, CASES[arguments.model]
    here = variants_of(case, compiled=arguments.compile)
    variants: dict[str, Callable[[], object]] = {
        name: make() for name, make in here.makers.items()
    }
    others = {
        f"{KERAS_CALLS[work]} on {backend}, {precision}": Apart(
            model, work, backend, precision, torch.get_num_threads()
        )
        for backend in arguments.backends
        for precision in precisions()
    }
    try:
        samples = in_turn(variants | others, case.images_per_sample, arguments.repeats)
    finally:
        for other in others.values():
            other.close()
    print(work)
    report(
        f"{work}-{model}",
        f"{work} {describe(model)}; images a second",
        samples,
        arguments.out and arguments.out.with_suffix(f".{work}.json"),
        images_per_sample=case.images_per_sample,
    )


def measure_memory(arguments: argparse.Namespace) -> None:
    """Takes the memory of each training variant, in a process of its own."""
    model = arguments.model
    here = Training(CASES[model], compiled=arguments.compile).makers
    variants = [(name, "torch") for name in here]
    variants += [
        (f"keras fit on {backend}, {precision}", backend)
        for backend in arguments.backends
        for precision in precisions()
    ]
    found = memory.of_variants(model, variants, torch.get_num_threads())
    print_memory(found)
    result = {
        "what": f"memory of training {describe(model)}; MiB above the libraries",
        **conditions(),
        "memory_mib": found,
    }
    write(
        f"memory-{model}",
        result,
        arguments.out and arguments.out.with_suffix(".memory.json"),
    )


def print_memory(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Prints a line a variant."""
    for variant, mib in found.items():
        least, middle, most = (
            f"{peak - mib['loaded']:,.0f}"
            for peak in (min(mib["peaks"]), mib["peak"], max(mib["peaks"]))
        )
        loaded = f"{mib['loaded']:,.0f} before"
        print(f"{variant:38} {middle:>7} MiB ({least} to {most}; {loaded})")


def describe(model: str) -> str:
    """Returns the model with the sizes it is measured at."""
    case = CASES[model]
    return f"{model}, {case.pixels}x{case.pixels}, batch {case.batch}"


if __name__ == "__main__":
    main()
