"""What is quoted, what is said about it, and the claim beside it."""

import json
import math
from dataclasses import replace

import pytest

from residency.records import Proportion, TaughtBy, best_epoch
from residency.report import read_run_folder, write_report
from residency.report.headline import caveats, claim_beside, headline

NAMES = ["a", "b", "c", "d"]


def _run(write_run, tmp_path, **parts):
    return read_run_folder(write_run(tmp_path / "run", NAMES, **parts))


def test_test_is_quoted_before_validation(write_run, tmp_path):
    run = _run(write_run, tmp_path)
    assert headline(run).part == "test"
    assert "Quote the test figure: the others were used for choosing." in caveats(run)


def test_validation_alone_is_called_optimistic(write_run, make_evaluation, tmp_path):
    run = _run(write_run, tmp_path, evaluations=[make_evaluation(NAMES)])
    assert headline(run).part == "validation"
    assert any("optimistic" in text for text in caveats(run))


def test_unfinished(write_run, tmp_path):
    run = _run(write_run, tmp_path, evaluations=[])
    (run.path / "evaluation.json").unlink()
    told = caveats(read_run_folder(run.path))
    assert told[0].startswith("There is no evaluation yet")
    assert "Best epoch so far: 19" in told[1]


def test_a_finished_run_with_nothing_held_out_is_no_unfinished_one(
    write_run, make_history, tmp_path
):
    history = make_history(3, validation=False)
    run = _run(write_run, tmp_path, evaluations=[], history=history)
    assert run.finished
    assert caveats(run)[0].startswith("Nothing was held out")
    text = write_report(run.path).read_text("utf-8")
    assert "unfinished" not in text
    assert "There is no evaluation yet" not in text


def test_what_was_distilled_from_what_is_told(write_run, make_evaluation, tmp_path):
    beside = TaughtBy(Proportion(130, 153), Proportion(110, 153))
    measured = replace(make_evaluation(NAMES, part="test"), teacher=beside)
    run = _run(write_run, tmp_path, evaluations=[measured])
    assert run.evaluations[0].teacher == beside
    assert not any("Distilled" in text for text in caveats(run))
    loss = {"kind": "Distillation", "teacher": "runs/big"}
    loss |= {"temperature": 4.0, "weight": 0.9}
    recipe = {**run.recipe, "values": {"loss": loss}}
    (run.path / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    told = caveats(read_run_folder(run.path))
    assert any("Distilled from runs/big (temperature 4.0, wei" in t for t in told)
    text = write_report(run.path).read_text("utf-8")
    assert "its teacher 84.97 %, same answer on 71.90 %" in text


def test_divergence_is_told(write_run, make_history, tmp_path):
    history = [replace(r, loss=math.nan) for r in make_history(2)]
    told = caveats(_run(write_run, tmp_path, history=history))
    assert any("diverged" in text for text in told)


@pytest.mark.parametrize(
    ("correct", "verdict"),
    [
        (9125, "the claim lies within the interval"),
        (9500, "better than the claim"),
        (8000, "short of the claim"),
    ],
)
def test_claim(write_run, make_evaluation, tmp_path, correct, verdict):
    measured = replace(
        make_evaluation(NAMES, part="test"), accuracy=Proportion(correct, 10000)
    )
    beside = claim_beside(_run(write_run, tmp_path, evaluations=[measured]))
    assert beside.said == "8.75 % error (table 6)"
    assert beside.measured.startswith(f"{100 - correct / 100:.2f} % error")
    assert beside.verdict == verdict


@pytest.mark.parametrize(
    "path", ["data.source", "model.name", "model.options.depth", "schedule.total_steps"]
)
def test_another_experiment_is_no_test_of_the_claim(write_run, tmp_path, path):
    """Three steps on a folder of two classes were called short of the claim."""
    run = _run(write_run, tmp_path)
    recipe = {**run.recipe, "origin": {path: "user", "seed": "user"}}
    (run.path / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    beside = claim_beside(read_run_folder(run.path))
    changed = ", ".join(sorted([path, "seed"]))
    assert beside.verdict == f"no test of the claim; changed: {changed}"


def test_claim_inside_the_settings_and_none(write_run, tmp_path):
    run = _run(write_run, tmp_path)
    claim = {"kind": "Claim", "metric": "accuracy_percent", "value": 90.0}
    recipe = {**run.recipe, "claim": None, "values": {"claim": claim}}
    (run.path / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    assert claim_beside(read_run_folder(run.path)).said == "90 % accuracy"
    recipe["values"] = {}
    (run.path / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    assert claim_beside(read_run_folder(run.path)) is None


def test_best_epoch_of_equal_accuracies_has_the_lowest_loss(make_history):
    assert best_epoch([]) is None
    assert best_epoch(make_history(3, validation=False)) is None
    same = [replace(r, validation_accuracy=Proportion(9, 10)) for r in make_history(3)]
    losses = [replace(r, validation_loss=x) for r, x in zip(same, (2, 1, 3), strict=1)]
    assert best_epoch(losses).epoch == 2
