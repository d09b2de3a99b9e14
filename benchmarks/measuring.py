"""Timing of variants in turn in one process, with an eye on the rest of the machine."""

import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from residency.engine.environment import describe_environment
from residency.files import write_json

RESULTS = Path(__file__).parent / "results"

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""Where Keras builds its models, and so where ours train; plain torch follows them."""

OTHERS = ("tensorflow-cpu", "jax", "onnxruntime", "openvino")
"""Packages of the extra `bench` that are measured beside ours."""


def in_turn(
    variants: Mapping[str, Callable[[], object]], images: int, repeats: int
) -> dict[str, list[dict[str, float]]]:
    """Returns `repeats` samples of each variant; the first round is left out.

    Each round has an order of its own, the same in each run: a sample may suffer from
    what ran before it.

    Args:
        variants: Name to a function that works on `images` images. One that works in
            another process says by `process_time()` how much that has used.
        images: How many that are.
        repeats: Rounds that count.
    """
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    order, draw = list(variants), random.Random(0)
    for repeat in range(repeats + 1):
        draw.shuffle(order)
        for name in order:
            sample = timed(variants[name], images)
            if repeat:  # the first round warms up
                samples[name].append(sample)
    return samples


def timed(run: Callable[[], object], images: int) -> dict[str, float]:
    """Returns images per second, and the share of all cores that others took."""
    clock: Callable[[], float] = getattr(run, "process_time", time.process_time)
    finish()
    own, busy, start = clock(), busy_seconds(), time.perf_counter()
    run()
    finish()
    wall = time.perf_counter() - start
    foreign = busy_seconds() - busy - (clock() - own)
    share = max(0.0, foreign) / wall / (os.cpu_count() or 1)
    return {"images_per_second": images / wall, "foreign_share": round(share, 3)}


def finish() -> None:
    """Waits until the GPU has done what it was given, if there is one."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def busy_seconds() -> float:
    """Returns the seconds that all cores together have worked since the start."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(n) for n in file.readline().split()[1:]]
    except OSError:  # no such file outside Linux: foreign load is unknown
        return 0.0
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def report(
    name: str,
    what: str,
    samples: dict[str, list[dict[str, float]]],
    out: Path | None = None,
    **more: Any,
) -> None:
    """Prints the medians and writes the samples to `results/` or to `out`."""
    rates = {n: [s["images_per_second"] for s in found] for n, found in samples.items()}
    medians = {n: statistics.median(found) for n, found in rates.items()}
    for variant, found in rates.items():
        spread = f"({min(found):,.1f} to {max(found):,.1f})"
        print(f"{variant:38} {medians[variant]:9,.1f}  {spread}")
    result = {
        "what": what,
        **conditions(),
        **more,
        "median": medians,
        "spread": {n: [min(found), max(found)] for n, found in rates.items()},
        "samples": samples,
    }
    write(name, result, out)


def conditions() -> dict[str, Any]:
    """Returns the date, the commit, the machine and the versions of what is there."""
    environment = describe_environment()
    # Folders are those of one machine: a result names what it was, not where.
    environment["command"] = [
        Path(part).name if Path(part).is_absolute() else part
        for part in environment["command"]
    ]
    for package in OTHERS:
        with suppress(PackageNotFoundError):
            environment["versions"][package] = version(package)
    return {
        "date": date.today().isoformat(),
        "commit": commit(),
        "environment": environment,
    }


def commit() -> str:
    """Returns the commit measured; `+` after it: with changes."""
    done = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
        cwd=RESULTS.parent,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or "not a git checkout"


def write(name: str, result: dict[str, Any], out: Path | None) -> None:
    """Writes a result to `results/` or to `out`, and prints where."""
    kind = "gpu" if DEVICE.type == "cuda" else "cpu"
    path = out or RESULTS / f"{name}_{kind}_{date.today()}.json"
    write_json(path, result)
    print(path)
