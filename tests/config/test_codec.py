"""Configs to JSON and back."""

import json

import pytest

from residency.config import config_hash, diff, from_json, leaves, to_json
from residency.errors import ConfigError
from residency.recipes import Recipe, list_recipes, resolve


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda r: r.name)
def test_every_recipe_survives_json(recipe):
    text = json.dumps(to_json(recipe))
    assert from_json(Recipe, json.loads(text)) == recipe


def test_hash_changes_with_any_leaf():
    recipe = list_recipes()[0]
    changed = resolve(recipe, {"data.transforms.0.padding": 3}).recipe
    assert config_hash(changed) != config_hash(recipe)
    assert config_hash(resolve(recipe, {}).recipe) == config_hash(recipe)


def test_leaves_are_the_paths_that_can_be_set():
    recipe = list_recipes()[0]
    for path, value in leaves(recipe).items():
        if value is not None:
            assert resolve(recipe, {path: value}).recipe == recipe


def test_diff_names_the_path_and_both_values():
    recipe = list_recipes()[0]
    changed = resolve(recipe, {"seed": 7}).recipe
    (difference,) = diff(recipe, changed)
    assert (difference.path, difference.left, difference.right) == ("seed", 0, 7)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kind": "Recip"}, "Recipe"),
        ({"kind": "Recipe", "nam": 1}, "Did you mean 'name'?"),
        ({"kind": "Recipe"}, "needs 'name'"),
    ],
)
def test_foreign_json_is_refused(change, word):
    with pytest.raises(ConfigError, match=word.replace("?", r"\?")):
        from_json(Recipe, change)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400])
def test_numbers_that_no_file_holds_are_refused(value):
    with pytest.raises(ConfigError, match="weight_decay: expected a finite number"):
        resolve("quick/digits", {"optimizer.weight_decay": value})


def test_a_kind_that_is_no_word():
    with pytest.raises(ConfigError, match=r"no kind \['a'\]"):
        resolve("quick/digits", {"data.transforms": [{"kind": ["a"]}]})
