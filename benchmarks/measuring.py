"""Timing of variants in turn in one process, with an eye on the rest of the machine."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from residency.engine.environment import describe_environment
from residency.files import write_json

RESULTS = Path(__file__).parent / "results"


def in_turn(
    variants: Mapping[str, Callable[[], object]], images: int, repeats: int
) -> dict[str, list[dict[str, float]]]:
    """Returns `repeats` samples of each variant; the first round is left out.

    Args:
        variants: Name to a function that works on `images` images.
        images: How many that are.
        repeats: Rounds that count.
    """
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for repeat in range(repeats + 1):
        for name, run in variants.items():
            sample = timed(run, images)
            if repeat:  # the first round warms up
                samples[name].append(sample)
    return samples


def timed(run: Callable[[], object], images: int) -> dict[str, float]:
    """Returns images per second, and the share of all cores that others took."""
    own, busy, start = time.process_time(), busy_seconds(), time.perf_counter()
    run()
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
        print(f"{variant:34} {medians[variant]:9,.1f}  {spread}")
    result = {
        "what": what,
        "date": date.today().isoformat(),
        "environment": describe_environment(),
        **more,
        "median": medians,
        "samples": samples,
    }
    path = out or RESULTS / f"{name}_cpu_{date.today()}.json"
    write_json(path, result)
    print(path)
