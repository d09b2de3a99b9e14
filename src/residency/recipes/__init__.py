"""The papers' recipes: one file a paper, data only, no code that runs.

`recipe.py` says what a recipe is, `catalog.py` lists them all, `resolve.py`
applies the user's changes and remembers where each value came from.
"""

from residency.recipes.catalog import get_recipe, list_recipes
from residency.recipes.recipe import Claim, Recipe
from residency.recipes.resolve import Resolved, resolve

__all__ = ["Claim", "Recipe", "Resolved", "get_recipe", "list_recipes", "resolve"]
