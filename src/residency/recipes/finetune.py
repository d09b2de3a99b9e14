"""Transfer learning on photos: from trained weights, in minutes. Ours, not a paper's.

Both need weights: `--set model.weights=FILE`, for the network named here or the one
that `--model` names. The pixels go through what the weights were trained on.
"""

from dataclasses import replace

from residency.data import Data, RandomFlip
from residency.models.section import Model
from residency.recipes.recipe import Recipe
from residency.training import AdamW, Cosine, CrossEntropy, Finetune

HEAD = Recipe(
    name="finetune/head",
    # The whole photo: what decides may stand at its edge. Features of flips and of
    # crops brought nothing on small sets, so each photo goes through the body once.
    data=Data(image_size=224, resize="stretch", batch_size=32),
    model=Model(name="efficientnet_lite0"),
    # Chosen by five-fold cross-validation on the training photos of four sets: three
    # times the usual rate and no smoothing, worth 0.4 to 2.3 points for a head alone.
    optimizer=AdamW(learning_rate=3e-3, weight_decay=0.01),
    schedule=Cosine(total_epochs=30),
    loss=CrossEntropy(),
    finetune=Finetune(feature_passes=0),
)
GRADUAL = replace(
    HEAD,
    name="finetune/gradual",
    data=replace(HEAD.data, transforms=(RandomFlip(),)),
    optimizer=AdamW(learning_rate=1e-3, weight_decay=0.01),
    schedule=Cosine(total_epochs=16),
    loss=CrossEntropy(label_smoothing=0.1),
    # The statistics of a large data set are better than those of a few photos. Where
    # the body joins, the rate has fallen to a third; each stage has half of the next.
    finetune=Finetune(
        freeze=(), batch_norm="frozen", head_epochs=10, stage_rate=0.5, feature_passes=0
    ),
)

RECIPES = (HEAD, GRADUAL)
