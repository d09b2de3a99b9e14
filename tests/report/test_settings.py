"""Settings by path, with their origin."""

import json

from residency.report import read_run_folder
from residency.report.settings import leaves, settings


def test_the_users_come_first_then_the_recipes(run_folder):
    chosen, defaults = settings(read_run_folder(run_folder))
    assert [(s.path, s.value) for s in chosen] == [
        ("optimizer.learning_rate", "0.05"),
        ("model.depth", "20"),
        ("schedule.boundaries", "32000, 48000"),
    ]
    assert "data.transforms.0.pixels" in [s.path for s in defaults]
    assert not {s.path for s in chosen} & {s.path for s in defaults}


def test_no_origin_is_no_error(run_folder):
    file = run_folder / "recipe.json"
    recipe = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**recipe, "origin": None}), encoding="utf-8")
    chosen, defaults = settings(read_run_folder(run_folder))
    assert not chosen
    assert len(defaults) > 5


def test_kinds_stand_at_the_path_of_their_object():
    value = {"kind": "Recipe", "optimizer": {"kind": "SGD", "momentum": 0.9}}
    assert dict(leaves(value)) == {"optimizer": "SGD", "optimizer.momentum": "0.9"}
