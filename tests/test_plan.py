"""What is said before the first step."""

import json
import logging

import numpy as np

import residency as rs
from residency.models import Contract, build, save_model
from residency.plan import plan_lines


def test_a_word_that_exempts_nothing_is_told(tmp_path, caplog):
    data = (np.zeros((12, 8, 8), np.uint8), np.arange(12) % 2)
    settings = {"optimizer.decay_exempt": ("gama", "bias"), "schedule.total_epochs": 1}
    with caplog.at_level(logging.WARNING):
        rs.train(None, data, "quick/digits", tmp_path, changes=settings, progress=False)
    told = [r.message for r in caplog.records if "decay_exempt" in r.message]
    assert told == ["optimizer.decay_exempt: no variable is called 'gama'"]


def test_the_teacher_is_told_with_what_it_knows(tmp_path):
    """All images are alike, so a teacher of two equal classes is right on one."""
    data = (np.zeros((12, 8, 8), np.uint8), np.arange(12) % 2)
    model = build("cifar_resnet20", num_classes=2, image_size=16)
    teacher = tmp_path / "teacher.keras"
    save_model(model, teacher, Contract(class_names=("0", "1"), image_size=16))
    settings = {"loss": "Distillation", "loss.teacher": teacher}
    settings |= {"loss.weight": 0.5, "schedule.total_epochs": 1}
    run = rs.train(
        None, data, "quick/digits", tmp_path, changes=settings, progress=False
    )
    plan = json.loads((run.folder / "plan.json").read_text())
    [line] = [line for line in plan_lines(plan) if line.startswith("teacher ")]
    assert line == (
        f"teacher {teacher}: cifar_resnet20, {model.count_params():,} parameters, "
        "validation 50.00 %; temperature 4, weight 0.5"
    )


def test_a_phase_that_never_comes_is_told(tmp_path):
    data = (np.zeros((12, 8, 8), np.uint8), np.arange(12) % 2)
    trained = build("cifar_resnet20", num_classes=2, image_size=8)
    weights = tmp_path / "trained.keras"
    save_model(trained, weights, Contract(class_names=("0", "1"), image_size=8))
    settings = {"model.name": "cifar_resnet20", "model.weights": str(weights)}
    settings |= {"data.image_size": 8, "schedule.total_epochs": 2}

    def told(head_epochs: int) -> list[str]:
        changes = settings | {"finetune.head_epochs": head_epochs}
        run = rs.train(
            None, data, "finetune/gradual", tmp_path, changes=changes, progress=False
        )
        plan = json.loads((run.folder / "plan.json").read_text())
        return [line for line in plan_lines(plan) if line.startswith("trains ")]

    never = "never, as the training ends before"
    assert [line.endswith(never) for line in told(1)] == [False, False]
    assert [line.endswith(never) for line in told(2)] == [False, True]
