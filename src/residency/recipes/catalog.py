"""The one list of recipes."""

from residency.errors import ConfigError, did_you_mean
from residency.recipes import finetune, he2015, quick
from residency.recipes.recipe import Recipe

_ALL = (*quick.RECIPES, *finetune.RECIPES, *he2015.RECIPES)
RECIPES = {recipe.name: recipe for recipe in _ALL}


def get_recipe(name: str) -> Recipe:
    """Returns the recipe called `name`.

    Raises:
        ConfigError: There is none; the closest name is suggested.
    """
    if name not in RECIPES:
        raise ConfigError(
            f"no recipe {name!r}.{did_you_mean(name, RECIPES)} "
            f"Recipes: {', '.join(RECIPES)}."
        )
    return RECIPES[name]


def list_recipes() -> tuple[Recipe, ...]:
    """Returns all recipes."""
    return tuple(RECIPES.values())
