"""A run that was killed ends as one that never was."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from residency import evaluate, resume
from residency.errors import DataError, EngineError
from residency.models import Contract, build, load_model, save_model
from residency.records import record_to_json

SCRIPT = """
import json, os, signal, sys
import keras, numpy as np
import residency as rs

out, name, kill_at = sys.argv[1], sys.argv[2], int(sys.argv[3])

class Kill(keras.callbacks.Callback):
    steps = 0
    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == kill_at:
            os.kill(os.getpid(), getattr(signal, sys.argv[4]))
    def on_epoch_begin(self, epoch, logs=None):
        if kill_at < 0 and epoch == -kill_at:
            os.kill(os.getpid(), getattr(signal, sys.argv[4]))

run = rs.train(
    data="photos", recipe="quick/photos", out=out, name=name, callbacks=[Kill()],
    progress=False, model="cifar_resnet20", data__image_size=16, data__batch_size=8,
    checkpoint_minutes=0.0 if kill_at % 2 else 5.0, **json.loads(sys.argv[5]),
)
sys.exit(130 if run.stopped else 0)
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 40 small photos of two classes, and a run never stopped."""
    from PIL import Image

    root = tmp_path_factory.mktemp("work")
    random = np.random.default_rng(0)
    for number in range(40):
        pixels = random.integers(0, 200, (24, 20, 3))
        pixels[..., number % 2] += 50
        path = root / "photos" / ("red", "green")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype("uint8")).save(path)
    assert start(root, "straight", 10_000) == 0
    return root


PLAIN = {"schedule__total_epochs": 3}
GRADUAL = {
    "schedule__total_epochs": 4,
    "model__weights": "trained.keras",
    "finetune": {
        "kind": "Finetune",
        "freeze": ["conv1", "conv2"],
        "head_epochs": 2,
        "stage_rate": 0.5,
        "feature_passes": 1,
    },
}
"""Four steps an epoch: 4 on new features, 4 on kept ones, then 8 on images."""


@pytest.fixture(scope="module")
def gradual(photos):
    """The same folder with trained weights, and a run never stopped from them."""
    model = build("cifar_resnet20", num_classes=5, image_size=16)
    save_model(model, photos / "trained.keras")
    assert start(photos, "gradual", 10_000, settings=GRADUAL) == 0
    return photos


DISTILLED = {
    "schedule__total_epochs": 3,
    "loss": {"kind": "Distillation", "teacher": "teacher.keras"},
    "precision": "bfloat16",
}


def start(root, name, kill_at, how="SIGKILL", settings=PLAIN):
    command = [sys.executable, "-c", SCRIPT, "runs", name, str(kill_at), how]
    command.append(json.dumps(settings))
    return subprocess.run(command, cwd=root, check=False, timeout=300).returncode


def weights(path: Path) -> list[np.ndarray]:
    model, _ = load_model(path)
    return [variable.numpy() for variable in model.variables]


def measured(run: Path) -> list[dict]:
    """Returns the epochs' records without what a clock decides."""
    text = (run / "metrics.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        del line["seconds"], line["images_per_second"]
    return lines


@pytest.mark.parametrize(
    ("name", "kill_at", "how", "status"),
    [
        ("inside", 5, "SIGKILL", -signal.SIGKILL),  # a checkpoint after each step
        ("long_since", 6, "SIGKILL", -signal.SIGKILL),  # the last one an epoch ago
        ("between", -2, "SIGKILL", -signal.SIGKILL),
        ("ctrl_c", 7, "SIGINT", 130),
    ],
)
def test_resume_is_bit_exact(photos, monkeypatch, name, kill_at, how, status):
    assert start(photos, name, kill_at, how) == status
    monkeypatch.chdir(photos)
    run, straight = Path("runs") / name, Path("runs/straight")
    result = resume(run, progress=False)
    assert result.stopped is None
    for kind in ("last.keras", "best.keras"):
        for a, b in zip(weights(run / kind), weights(straight / kind), strict=True):
            assert np.array_equal(a, b)
    assert measured(run) == measured(straight)
    same = [json.loads((r / "evaluation.json").read_text()) for r in (run, straight)]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    ("name", "kill_at"),
    [("computing", 3), ("reusing", 7), ("switching", -2), ("moving_more", 11)],
)
def test_resume_in_any_phase_is_bit_exact(gradual, monkeypatch, name, kill_at):
    assert start(gradual, name, kill_at, settings=GRADUAL) == -signal.SIGKILL
    monkeypatch.chdir(gradual)
    run, straight = Path("runs") / name, Path("runs/gradual")
    assert resume(run, progress=False).stopped is None
    for a, b in zip(
        *map(weights, (run / "last.keras", straight / "last.keras")), strict=True
    ):
        assert np.array_equal(a, b)
    assert measured(run) == measured(straight)


def test_resume_of_a_distillation_is_bit_exact_whatever_became_of_its_teacher(
    photos, monkeypatch
):
    model = build("cifar_resnet32", num_classes=2, image_size=16)
    names = Contract(class_names=("red", "green"), image_size=16, resize="stretch")
    save_model(model, photos / "teacher.keras", names)
    assert start(photos, "taught", 10_000, settings=DISTILLED) == 0
    assert start(photos, "taught_half", 7, settings=DISTILLED) == -signal.SIGKILL
    (photos / "teacher.keras").unlink()
    monkeypatch.chdir(photos)
    run, straight = Path("runs/taught_half"), Path("runs/taught")
    assert resume(run, progress=False).stopped is None
    for a, b in zip(
        *map(weights, (run / "last.keras", straight / "last.keras")), strict=True
    ):
        assert np.array_equal(a, b)
    assert measured(run) == measured(straight)
    told = json.loads((run / "evaluation.json").read_text())
    assert told == json.loads((straight / "evaluation.json").read_text())
    assert told[0]["teacher"]["accuracy"]["total"] == told[0]["accuracy"]["total"]
    assert (
        record_to_json(evaluate(run, part=told[0]["part"]).teacher)
        == told[0]["teacher"]
    )
    untaught = measured(Path("runs/straight"))
    assert [line["loss"] for line in measured(run)] != [r["loss"] for r in untaught]


def test_a_finished_run_holds_what_the_design_says(photos):
    run = photos / "runs" / "straight"
    names = (
        "recipe.json environment.json classes.json split.json metrics.jsonl "
        "quarantine.json evaluation.json best.keras last.keras report.html"
    )
    for name in names.split():
        assert (run / name).stat().st_size > 0, name
    assert list((run / "tensorboard").glob("events*"))
    assert (photos / "runs" / "latest").exists()
    assert not [p for p in run.rglob("*") if ".tmp" in p.name]
    with zipfile.ZipFile(run / "best.keras") as archive:
        contract = json.loads(archive.read("residency.json"))
    assert contract["class_names"] == ["green", "red"]


def test_changed_data_are_named(photos, monkeypatch):
    monkeypatch.chdir(photos)
    moved = photos / "photos" / "red" / "0.png"
    aside = photos / "0.png"
    moved.rename(aside)
    try:
        with pytest.raises(DataError, match=r"1 image removed \(red/0\.png\)"):
            resume("runs/straight", progress=False)
    finally:
        aside.rename(moved)


def test_no_run_is_an_error(tmp_path):
    with pytest.raises(EngineError, match="is no run folder"):
        resume(tmp_path)
