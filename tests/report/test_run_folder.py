"""A run folder is read as it stands: whole, unfinished or damaged."""

import json

import pytest

from residency.errors import DataError
from residency.records import epoch_to_json
from residency.report import read_run_folder


def test_everything_comes_back(run_folder, make_history, make_evaluation):
    run = read_run_folder(run_folder)
    assert list(run.history) == make_history(20)
    assert run.evaluations[0] == make_evaluation(list(run.classes))
    assert run.quarantined[0].reason == "truncated file"
    assert run.settings["model"]["depth"] == 20
    assert run.problems == ()


def test_empty_folder(tmp_path):
    run = read_run_folder(tmp_path)
    assert (run.history, run.evaluations, run.recipe, run.problems) == ((), (), {}, ())


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="expected the folder of a run"):
        read_run_folder(tmp_path / "none")


def test_a_torn_last_line_is_told(run_folder):
    file = run_folder / "metrics.jsonl"
    file.write_text(file.read_text("utf-8")[:-30], encoding="utf-8")
    run = read_run_folder(run_folder)
    assert len(run.history) == 19
    assert run.problems[0].startswith("metrics.jsonl, line 20 cannot be read")


def test_an_epoch_run_twice_counts_as_last_written(run_folder, make_history):
    again = {**epoch_to_json(make_history(20)[4]), "loss": 7.5}
    with (run_folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(again) + "\n")
    run = read_run_folder(run_folder)
    assert [r.epoch for r in run.history] == list(range(1, 21))
    assert run.history[4].loss == 7.5


@pytest.mark.parametrize(
    "content", ["", "[1, 2]", "null", "{", '{"a": 1}', "3", '[{"part": 1}]']
)
@pytest.mark.parametrize(
    "name", ["recipe", "environment", "classes", "split", "evaluation", "quarantine"]
)
def test_damaged_files_never_stop_the_reading(run_folder, name, content):
    (run_folder / f"{name}.json").write_text(content, encoding="utf-8")
    run = read_run_folder(run_folder)
    assert len(run.problems) <= 1
    assert len(run.history) == 20


@pytest.mark.parametrize("content", ["", "null", "{", '[{"part": 1}]'])
def test_an_evaluation_that_cannot_be_read_is_no_finished_run(run_folder, content):
    """The report said that nothing was held out."""
    (run_folder / "evaluation.json").write_text(content, encoding="utf-8")
    run = read_run_folder(run_folder)
    assert not run.finished
    assert run.problems[0].startswith("evaluation.json cannot be read")


def test_svg_is_taken_before_png(run_folder):
    figures = run_folder / "figures"
    figures.mkdir()
    for name in ("curves.png", "curves.svg", "samples.png"):
        (figures / name).write_bytes(b"x")
    found = read_run_folder(run_folder).figures
    assert {name: path.suffix for name, path in found.items()} == {
        "curves": ".svg",
        "samples": ".png",
    }
