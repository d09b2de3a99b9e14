"""Distillation beside the same training without a teacher, three seeds each.

Ants and bees: ResNet-18 by `quick/photos`, taught by EfficientNet-Lite0 with a new head
on photos framed alike. There is no test part: what is reported is the last epoch's
validation accuracy, which chose nothing. CIFAR-10: LeNet by `quick/cifar10`, shorter,
taught by the ResNet-20 of that recipe; test accuracy.

The arms differ in more than the teacher: those without one smooth labels by 0.1, and
LeNet learns from its teacher at a quarter of the rate, as it dies at the recipe's.

    python benchmarks/distillation.py --photos ../shared/data/photos/ants-bees \
        --cifar10 cifar10 --runs runs/distillation

Runs that stand in the folder already are read, not repeated.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from full_table import seeds_text
from measuring import conditions, write
from trainings import result, train

SEEDS = (0, 1, 2)
FAST = ("--set", "precision=bfloat16")
HEAD = ("finetune/head", "--set", "model.weights=imagenet")
FRAMED = ("--set", "data.image_size=96", "--set", "data.resize=crop")
RESNET18 = ("quick/photos", *FAST)
LENET = ("quick/cifar10", *FAST, "--model", "lenet", "--set", "schedule.total_epochs=4")
TEACHERS = {
    "ants-bees": (*HEAD, *FRAMED),
    # Smoothed labels make a worse teacher (Mueller et al., 2019).
    "cifar10": ("quick/cifar10", *FAST, "--set", "loss.label_smoothing=0"),
}
TEACHER_SEEDS = {"ants-bees": SEEDS, "cifar10": SEEDS[:1]}
TAUGHT = ("--set", "loss=Distillation")
LESSONS = {
    "ants-bees": TAUGHT,
    # At the recipe's 0.3 it dies, as gradients are up to T = 4 times as large.
    "cifar10": (*TAUGHT, "--set", "optimizer.sgd_rate=0.075"),
}
PUPILS = {"ants-bees": RESNET18, "cifar10": LENET}


def main() -> None:
    """Trains what is missing, prints and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", required=True, help="Of ants and bees.")
    parser.add_argument("--cifar10", required=True, help="A folder, or cifar10.")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = [
        row
        for name, source in (
            ("ants-bees", arguments.photos),
            ("cifar10", arguments.cifar10),
        )
        for row in measure(name, source, arguments.runs)
    ]
    for row in rows:
        print(f"{row['data']:10} {row['how']:10} {seeds_text(row['runs'])}")
    what = "distillation beside the same training without a teacher"
    write("distillation", {"what": what, **conditions(), "rows": rows}, arguments.out)


def measure(name: str, source: str, runs: Path) -> Iterator[dict[str, Any]]:
    """Yields a row for the teacher, and for the pupil without it and with it."""
    ways = {
        "teacher": (TEACHERS[name], TEACHER_SEEDS[name]),
        "scratch": (PUPILS[name], SEEDS),
        "distilled": ((*PUPILS[name], *LESSONS[name]), SEEDS),
    }
    for how, (settings, seeds) in ways.items():
        found: list[dict[str, Any]] = []
        for seed in seeds:
            taught = seed if seed in TEACHER_SEEDS[name] else 0
            file = runs / f"{name}-teacher-{taught}"
            more = ["--set", f"loss.teacher={file}"] if how == "distilled" else []
            run = runs / f"{name}-{how}-{seed}"
            if not (run / "evaluation.json").exists():
                told = [*settings, *more, "--data", source, "--set", f"seed={seed}"]
                train(run, told)
            found.append(result(run))
        yield {"data": name, "how": how, "runs": found}


if __name__ == "__main__":
    main()
