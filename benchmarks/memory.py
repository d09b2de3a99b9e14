"""Memory of a training step: one variant, in a process that does nothing else.

`speed.py --memory` starts it for each variant. It needs Linux, whose kernel counts the
most that a process ever held and forgets it when told to.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from apart import environment_for, keep_to
from cases import CASES

STEPS = 3
"""Samples of some steps each; the largest moment of them counts."""

ROUNDS = 3
"""Processes of each variant: where the C library finds room differs by a tenth."""


def of_variants(
    model: str, variants: Sequence[tuple[str, str]], threads: int
) -> dict[str, dict[str, Any]]:
    """Returns MiB by variant: `loaded`, libraries alone; `peak`, of the steps.

    These are medians; `peaks` has those of all processes, which run in turn.

    Args:
        model: A key of `CASES`.
        variants: Name and Keras backend of each.
        threads: How many processors it may use.
    """
    samples = [
        {
            variant: of_process(model, variant, backend, threads)
            for variant, backend in variants
        }
        for _ in range(ROUNDS)
    ]
    found = {}
    for variant, _ in variants:
        loaded, peaks = zip(*(sample[variant] for sample in samples), strict=True)
        found[variant] = {
            "loaded": median(loaded),
            "peak": median(peaks),
            "peaks": peaks,
        }
    return found


def of_process(
    model: str, variant: str, backend: str, threads: int
) -> tuple[float, float]:
    """Returns `loaded` and `peak` of one process."""
    done = subprocess.run(
        [sys.executable, __file__, model, variant, str(threads)],
        env=environment_for(backend),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return found["loaded"], found["peak"]


def main() -> None:
    """Builds a variant, runs it and prints what it held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=CASES)
    parser.add_argument("variant")
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    keep_to(arguments.threads)
    make = maker(arguments.model, arguments.variant)
    loaded = mib("VmRSS")
    run = make()
    # building may have held more than a step does: forget that
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    for _ in range(STEPS):
        run()
    print(json.dumps({"loaded": loaded, "peak": mib("VmHWM")}))


def maker(model: str, variant: str) -> Callable[[], Callable[[], object]]:
    """Returns what builds the variant; loads torch only for those that need it."""
    if os.environ["KERAS_BACKEND"] == "torch":
        from training import Training

        return Training(CASES[model], compiled=True).makers[variant]
    import keras_variants

    return partial(keras_variants.fit, CASES[model], variant.split(", ")[1])


def mib(field: str) -> float:
    """Returns a size of this process, as the kernel states it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise OSError(f"/proc/self/status has no {field}")


if __name__ == "__main__":
    main()
