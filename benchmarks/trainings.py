"""Whole trainings by the command line, and what became of each."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def train(run: Path, settings: Sequence[str]) -> None:
    """Trains once, as a user does.

    Args:
        run: The run folder to be.
        settings: What `residency train` is told, the recipe first.
    """
    place = ["--out", str(run.parent), "--name", run.name]
    command = ["train", *settings, *place]
    print("residency", *command, flush=True)
    subprocess.run(
        [sys.executable, "-m", "residency", *command],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def result(run: Path) -> dict[str, Any]:
    """Returns correct and total of an honest part, the minutes taken, and the epochs.

    That is the test part; where there is none, validation at the last epoch, which
    chose nothing.
    """
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [json.loads(text) for text in lines]
    parts = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    test = next((part for part in parts if part["part"] == "test"), None)
    accuracy = test["accuracy"] if test else epochs[-1]["validation_accuracy"]
    minutes = round(sum(epoch["seconds"] for epoch in epochs) / 60, 1)
    return {**accuracy, "minutes": minutes, "epochs": len(epochs)}
