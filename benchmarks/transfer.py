"""Transfer beside training from scratch, on little data.

EfficientNet-Lite0 with its published weights on small photo sets, three seeds each. The
photo sets have no test part of their own: what is reported is the last epoch's
validation accuracy, which chose nothing. Of the solar cells, a quarter drawn at random
is the test part; cells of one module lie on both sides of it, so that figure is
optimistic. To train the whole network on them, not the head alone, was decided on a
fifth of the other three quarters: 87.2 against 84.9 % of 524. And a network of
CIFAR-10, that an earlier run trained, on 180 digits.

    python benchmarks/transfer.py --photos ../shared/data/photos --runs runs/transfer
    python benchmarks/transfer.py ... --cifar runs/cifar/best.keras
    python benchmarks/transfer.py --photos ... --runs ... --only ants-bees:head

Runs that stand in the folder already are read, not repeated.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from measuring import conditions, write
from trainings import result, train

from residency.records import Proportion

SEEDS = (0, 1, 2)
LAST_STAGES = '["stem","block1","block2","block3","block4","block5"]'
HOWS = {
    "head": ("finetune/head", "--set", "model.weights=imagenet"),
    "gradual": (
        "finetune/gradual",
        "--set",
        "model.weights=imagenet",
        "--set",
        f"finetune.freeze={LAST_STAGES}",
    ),
    "whole": (
        "finetune/gradual",
        *("--set", "model.weights=imagenet", "--set", "precision=bfloat16"),
        *("--set", "schedule.total_epochs=12", "--set", "finetune.head_epochs=5"),
    ),
    "scratch": ("quick/photos",),
}
SETS: dict[str, tuple[str, ...]] = {
    "ants-bees": (),
    "car-damage-severity": (),
    "car-views": (),
    "elpv": ("--set", "data.test=0.25", "--set", "data.validation=0"),
}
DIGITS = ("--set", "data.test=0.8", "--set", "data.validation=0.1")
DIGITS += ("--set", "schedule.total_epochs=12", "--set", "data.batch_size=16")
DIGITS += ("--set", "optimizer.learning_rate=0.03")
"""180 images to train on; a rate at which either way learns."""
SHORTER = ("--set", "schedule.total_epochs=12")
"""Of training from scratch on the larger sets: as long as there is time for."""
PUBLISHED = {
    "ants-bees": "93.5 to 96.1 % fine-tuned, 94.8 % with a frozen body (ResNet-18)",
    "car-damage-severity": "about 71 %",
    "car-views": "none",
    "elpv": "88.4 % (VGG-19, 25 % test part)",
    "digits": "none",
}


def main() -> None:
    """Trains what is missing, prints and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--cifar", type=Path, help="A model trained on CIFAR-10.")
    parser.add_argument("--only", nargs="+", help="Such as ants-bees:head.")
    parser.add_argument("--read", action="store_true", help="Train nothing.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = list(measure(arguments))
    for row in rows:
        print(line(row))
    if not arguments.only or arguments.out:
        what = "transfer beside training from scratch"
        found = {"what": what, **conditions(), "published": PUBLISHED, "rows": rows}
        write("transfer", found, arguments.out)


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yields a row for each set and way that has runs."""
    for name, how, command in commands(arguments):
        if arguments.only and f"{name}:{how}" not in arguments.only:
            continue
        found = []
        for seed in SEEDS:
            run = arguments.runs / f"{name}-{how}-{seed}"
            if not (run / "evaluation.json").exists() and not arguments.read:
                train(run, [*command, "--set", f"seed={seed}"])
            if (run / "evaluation.json").exists():
                found.append(result(run))
        if found:
            yield {"data": name, "how": how, "runs": found}


def commands(arguments: argparse.Namespace) -> Iterator[tuple[str, str, list[str]]]:
    """Yields the name of a data set, the way, and what `residency train` is told."""
    for name, settings in SETS.items():
        source = name if name == "elpv" else str(arguments.photos / name)
        for how, (recipe, *way) in HOWS.items():
            command = [recipe, "--data", source, *way, *settings]
            if how == "scratch":
                command += ["--set", "precision=bfloat16"]
                command += SHORTER if name != "ants-bees" else ()
            yield name, how, command
    digits = ["quick/digits", "--data", "digits", *DIGITS]
    yield "digits", "scratch", digits
    if arguments.cifar or arguments.read:
        weights = f"model.weights={arguments.cifar}"
        yield "digits", "cifar10", [*digits, "--set", weights]


def line(row: dict[str, Any]) -> str:
    """Returns a row in words."""
    runs = row["runs"]
    shares = [100 * r["correct"] / r["total"] for r in runs]
    together = Proportion(
        round(mean(r["correct"] for r in runs)), round(mean(r["total"] for r in runs))
    )
    low, high = (100 * x for x in together.interval)
    each = ", ".join(f"{x:.1f}" for x in shares)
    return (
        f"{row['data']:20} {row['how']:8} {mean(shares):.1f} % ({each}); one test part "
        f"of {together.total}: {low:.1f} to {high:.1f}; published "
        f"{PUBLISHED[row['data']]}"
    )


if __name__ == "__main__":
    main()
