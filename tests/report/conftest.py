"""Made-up runs whose every number is known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from residency.records import (
    ClassScore,
    EpochRecord,
    Evaluation,
    Prediction,
    Proportion,
    epoch_to_json,
    evaluation_to_json,
)


def history_of(epochs: int, *, validation: bool = True) -> list[EpochRecord]:
    """Returns a run that learns smoothly; its best epoch is the last but one."""
    history: list[EpochRecord] = []
    for epoch in range(1, epochs + 1):
        learned = 1 - math.exp(-4 * epoch / epochs)
        correct = round(113 * (0.2 + 0.7 * learned)) - (epoch == epochs)
        history.append(
            EpochRecord(
                epoch=epoch,
                step=390 * epoch,
                learning_rate=0.1 * 0.1 ** (2 * epoch // max(epochs, 3)),
                loss=2.3 - 1.9 * learned,
                train_accuracy=Proportion(round(500 * (0.2 + 0.78 * learned)), 500),
                train_loss=2.2 - 2.0 * learned,
                validation_accuracy=Proportion(correct, 113) if validation else None,
                validation_loss=2.2 - 1.6 * learned if validation else None,
                seconds=12.5,
                images_per_second=1800.0,
            )
        )
    return history


def evaluation_of(
    names: list[str],
    *,
    part: str = "validation",
    each: int = 33,
    wrong_of_each: int = 3,
    used_for_choosing: bool = True,
) -> Evaluation:
    """Returns `each` images a class, some taken for the next two classes."""
    number = len(names)
    counts = np.zeros((number, number), dtype=np.int64)
    for i in range(number):
        miss = min(wrong_of_each, i % 4)
        counts[i, i] = each - miss
        counts[i, (i + 1) % number] += miss - miss // 3
        counts[i, (i + 2) % number] += miss // 3
    right = int(np.trace(counts))
    scores = []
    for i, name in enumerate(names):
        recall = counts[i, i] / each
        precision = counts[i, i] / max(1, counts[:, i].sum())
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        scores.append(
            ClassScore(name, float(precision), float(recall), float(f1), each)
        )
    wrong = tuple(
        Prediction(f"photos/{name}_{n}.jpg", names[(i + 1) % number], 0.9 - 0.01 * n,
                   ((names[(i + 1) % number], 0.9 - 0.01 * n), (name, 0.08)), name)
        for i, name in enumerate(names[:20])
        for n in range(min(wrong_of_each, i % 4))
    )  # fmt: skip
    return Evaluation(
        part=part,
        used_for_choosing=used_for_choosing,
        accuracy=Proportion(right, each * number),
        top5=Proportion(each * number - 1, each * number) if number > 5 else None,
        loss=0.31,
        classes=tuple(scores),
        confusion=tuple(tuple(int(c) for c in row) for row in counts),
        wrong=wrong,
    )


RECIPE = {
    "name": "he2015/resnet20-cifar10",
    "values": {
        "kind": "Recipe",
        "data": {"kind": "CIFAR10", "batch_size": 128, "transforms": [
            {"kind": "Pad", "pixels": 4}, {"kind": "RandomCrop", "size": 32}]},
        "model": {"kind": "CIFARResNet", "depth": 20},
        "optimizer": {"kind": "SGD", "learning_rate": 0.05, "weight_decay": 0.0001},
        "schedule": {"kind": "StepDecay", "boundaries": [32000, 48000], "factor": 0.1,
                     "total_steps": 64000},
    },
    "origin": {"optimizer.learning_rate": "command line", "model.depth": "recipe",
               "schedule.boundaries": "recipe", "schedule.factor": "default"},
    "claim": {"metric": "error_percent", "value": 8.75, "source": "table 6"},
}  # fmt: skip

ENVIRONMENT = {
    "command": ["residency", "train", "a recipe", "--set", "seed=1"],
    "versions": {"residency": "0.1.0", "keras": "3.13.0", "torch": "2.8.0"},
    "hardware": {"device": "cpu", "cores": 2},
}


def run_at(
    folder: Path,
    names: list[str],
    *,
    history: list[EpochRecord] | None = None,
    evaluations: list[Evaluation] | None = None,
) -> Path:
    """Writes a run folder's JSON files, without figures."""
    folder.mkdir(parents=True, exist_ok=True)
    history = history_of(20) if history is None else history
    if evaluations is None:
        evaluations = [
            evaluation_of(names),
            evaluation_of(names, part="test", used_for_choosing=False),
        ]
    part = {
        name: {f"{i}-{n}.jpg": 1000 for n in range(26)} for i, name in enumerate(names)
    }
    dump = {
        "recipe.json": RECIPE,
        "environment.json": ENVIRONMENT,
        "classes.json": names,
        "split.json": {"samples": dict.fromkeys(("train", "validation", "test"), part)},
        "evaluation.json": [evaluation_to_json(e) for e in evaluations],
        "quarantine.json": [{"name": "photos/broken.jpg", "reason": "truncated file"}],
    }
    for name, value in dump.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    lines = [json.dumps(epoch_to_json(record)) + "\n" for record in history]
    (folder / "metrics.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def make_history() -> Callable[..., list[EpochRecord]]:
    """Returns the maker of histories."""
    return history_of


@pytest.fixture
def make_evaluation() -> Callable[..., Evaluation]:
    """Returns the maker of evaluations."""
    return evaluation_of


@pytest.fixture
def write_run() -> Callable[..., Path]:
    """Returns the writer of run folders."""
    return run_at


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A finished run of four classes, figures not yet drawn."""
    return run_at(tmp_path / "run", ["Cockatoo", "Black Skimmer", "Heron", "Möwe"])
