"""Images per second, each variant alone in a process, as its user runs it.

What a process sets for itself counts here, as what `residency train` does with freed
memory. The variants' processes take turns; the first sample of each is left out.

    python benchmarks/own_process.py --model resnet20
    python benchmarks/own_process.py --model resnet50 --work inference
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from cases import CASES, Case
from inference import Inference
from measuring import report, timed
from training import Training, precisions

SAMPLES = 3  # a process
WORKS = {"training": Training, "inference": Inference}


def main() -> None:
    """Measures, prints the medians and writes the samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=CASES, default="resnet20")
    parser.add_argument("--work", choices=WORKS, default="training")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="One variant here; prints its samples as JSON.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    case = CASES[arguments.model]
    if arguments.only:
        makers = WORKS[arguments.work](case, compiled=True).makers
        run = makers[arguments.only]()
        run()
        found = [timed(run, case.images_per_sample) for _ in range(SAMPLES)]
        print(json.dumps(found))
        return
    variants = competitors(arguments.work, case)
    samples: dict[str, list[dict[str, float]]] = {variant: [] for variant in variants}
    for _ in range(arguments.rounds):
        for variant in variants:
            command = [sys.executable, __file__, "--model", arguments.model]
            command += ["--work", arguments.work, "--only", variant]
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            samples[variant] += json.loads(done.stdout.splitlines()[-1])
    report(
        f"own-process-{arguments.work}-{arguments.model}",
        f"{arguments.work} {arguments.model}, each alone in a process, {case.pixels}x"
        f"{case.pixels}, batch {case.batch}; images a second",
        samples,
        arguments.out,
        images_per_sample=case.images_per_sample,
    )


def competitors(work: str, case: Case) -> list[str]:
    """Returns ours and what it is held against, by name."""
    best = precisions()[-1]
    if work == "training":
        ways = ("residency", "plain torch, channels last", "plain torch, compiled")
        return [f"{way}, {best}" for way in ways]
    rivals = ("residency", "onnxruntime", "openvino")
    return [
        name
        for name in Inference(case, compiled=False).makers
        if name.startswith(rivals)
    ]


if __name__ == "__main__":
    main()
