"""Where each value came from."""

import json

from residency.config import leaves
from residency.recipes import Resolved, get_recipe, list_recipes, resolve


def test_every_leaf_has_an_origin():
    for recipe in list_recipes():
        resolved = resolve(recipe, {"seed": 3})
        assert resolved.origin.keys() == leaves(resolved.recipe).keys()
        assert set(resolved.origin.values()) == {"recipe", "default", "user"}


def test_origins_say_who_decided():
    changes = {"optimizer.learning_rate": "0.2", "data.source": "photos"}
    origin = resolve("he2015/resnet20-cifar10", changes).origin
    assert origin["optimizer.learning_rate"] == "user"
    assert origin["data.source"] == "user"
    assert origin["optimizer.weight_decay"] == "recipe"
    assert origin["optimizer.nesterov"] == "default"
    assert origin["data.transforms.0.padding"] == "default"  # 4 is PadCrop's own


def test_a_changed_section_is_the_users():
    origin = resolve("quick/photos", {"optimizer": "AdamW"}).origin
    assert origin["optimizer.beta_1"] == "user"


def test_the_recipe_file_gives_the_recipe_back():
    resolved = resolve("quick/digits", {"model.options.shortcut": "B"})
    again = Resolved.from_json(json.loads(json.dumps(resolved.to_json())))
    assert again.recipe == resolved.recipe
    assert again.origin == resolved.origin


def test_resolving_changes_no_recipe():
    before = get_recipe("quick/digits")
    resolve("quick/digits", {"seed": 5})
    assert get_recipe("quick/digits") == before
