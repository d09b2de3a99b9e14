"""What a recipe trains of a model, whatever the user points at."""

from pathlib import Path

from residency.models import build
from residency.models.trainable import StageSummary, summarize
from residency.recipes import resolve
from residency.trained import open_trained

IMAGE_SIZE = 224  # of recipes that leave it to the data


def trainable(
    name: str, recipe: str, freeze: str | None = None
) -> tuple[StageSummary, ...]:
    """Returns the stages of a model as a recipe trains them.

    Args:
        name: A name of the catalog, a `.keras` file or a run folder.
        recipe: A name of the catalog.
        freeze: `finetune.freeze` as on a command line; `None`: the recipe's own.

    Raises:
        ConfigError: There is no such model, recipe, stage or layer.
        ExportError: A file that cannot be read.
    """
    changes = {} if freeze is None else {"finetune.freeze": freeze}
    settings = resolve(recipe, changes).recipe
    if Path(name).exists():
        model = open_trained(name).model
    else:
        size = settings.data.image_size or IMAGE_SIZE
        model = build(name, num_classes=2, image_size=size)
    return summarize(model, settings.finetune, settings.optimizer.decay_exempt)
