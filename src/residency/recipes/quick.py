"""Short trainings from nothing: minutes, not hours. Ours, not a paper's."""

from residency.data import ColorJitter, Data, PadCrop, RandomFlip, RandomResizedCrop
from residency.models.section import Model
from residency.recipes.recipe import Recipe
from residency.training import SGD, CrossEntropy, Muon, OneCycle

NO_DECAY = ("bias", "gamma", "beta")

CIFAR10 = Recipe(
    name="quick/cifar10",
    data=Data(
        source="cifar10",
        image_size=32,
        validation=0.0,
        batch_size=128,
        transforms=(PadCrop(padding=4, reflect=True), RandomFlip()),
    ),
    model=Model(name="cifar_resnet20"),
    # At twice this rate it ends two points lower, at half of it no better.
    optimizer=Muon(learning_rate=0.03, sgd_rate=0.3, weight_decay=5e-4),
    schedule=OneCycle(total_epochs=12, peak_at=0.1),
    loss=CrossEntropy(label_smoothing=0.1),
)
DIGITS = Recipe(
    name="quick/digits",
    data=Data(
        source="digits",
        image_size=16,
        batch_size=64,
        transforms=(PadCrop(padding=2),),
    ),
    model=Model(name="cifar_resnet20"),
    optimizer=SGD(learning_rate=0.1, nesterov=True, weight_decay=5e-4),
    schedule=OneCycle(total_epochs=30),
)
PHOTOS = Recipe(
    name="quick/photos",
    data=Data(
        image_size=96,
        batch_size=32,
        transforms=(
            RandomResizedCrop(scale=(0.35, 1.0)),
            RandomFlip(),
            ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3),
        ),
    ),
    model=Model(name="resnet18"),
    # At a rate of 0.05 the loss rises above that of guessing in the first epochs.
    optimizer=SGD(
        learning_rate=0.01, nesterov=True, weight_decay=5e-4, decay_exempt=NO_DECAY
    ),
    schedule=OneCycle(total_epochs=30),
    loss=CrossEntropy(label_smoothing=0.1),
)

RECIPES = (CIFAR10, DIGITS, PHOTOS)
