"""Transfer learning on photos: from trained weights, in minutes. Ours, not a paper's.

Both need weights: `--set model.weights=FILE`, for the network named here or the one
that `--model` names. The pixels go through what the weights were trained on.
"""

from dataclasses import replace

from residency.data import ColorJitter, Data, RandomFlip, RandomResizedCrop
from residency.models.catalog import Model
from residency.recipes.recipe import Recipe
from residency.training import AdamW, Cosine, CrossEntropy, Finetune

HEAD = Recipe(
    name="finetune/head",
    data=Data(
        image_size=224,
        batch_size=32,
        transforms=(RandomResizedCrop(scale=(0.35, 1.0)), RandomFlip()),
    ),
    model=Model(name="efficientnet_lite0"),
    optimizer=AdamW(learning_rate=1e-3, weight_decay=0.01),
    schedule=Cosine(total_epochs=30),
    loss=CrossEntropy(label_smoothing=0.1),
    finetune=Finetune(),
)
GRADUAL = replace(
    HEAD,
    name="finetune/gradual",
    data=replace(
        HEAD.data,
        transforms=(*HEAD.data.transforms, ColorJitter(brightness=0.2, contrast=0.2)),
    ),
    schedule=Cosine(total_epochs=20),
    # The statistics of a large data set are better than those of a few photos.
    finetune=Finetune(freeze=(), batch_norm="frozen", head_epochs=5, stage_rate=0.5),
)

RECIPES = (HEAD, GRADUAL)
