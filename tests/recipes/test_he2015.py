"""The recipe against the paper's sentences (section 4.2)."""

import pytest

from residency.data import PadCrop, RandomFlip
from residency.recipes import get_recipe

TABLE_6 = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43}


@pytest.mark.parametrize("depth", TABLE_6)
def test_the_papers_words(depth):
    recipe = get_recipe(f"he2015/resnet{depth}-cifar10")
    optimizer, data = recipe.optimizer, recipe.data
    assert recipe.claim.value == TABLE_6[depth]
    assert recipe.model.name == f"cifar_resnet{depth}"
    assert recipe.model.preprocessing == "mean_image"
    assert (optimizer.learning_rate, optimizer.momentum) == (0.1, 0.9)
    assert (optimizer.weight_decay, optimizer.nesterov) == (1e-4, False)
    assert optimizer.decay_exempt == ()
    assert data.batch_size == 128
    crop, flip = data.transforms
    assert (type(crop), crop.padding) == (PadCrop, 4)
    assert (type(flip), flip.probability) == (RandomFlip, 0.5)
    assert recipe.schedule.total_steps == 64_000
    assert recipe.schedule.boundaries == (32_000, 48_000)


def test_93_03_belongs_to_resnet56():
    recipe = get_recipe("he2015/resnet56-cifar10")
    assert recipe.claim.accuracy_percent == pytest.approx(93.03)


def test_epochs_of_the_two_forms():
    """S0-37: 391 steps an epoch on 50,000 images, 352 on 45,000."""
    recipe = get_recipe("he2015/resnet20-cifar10")
    batch = recipe.data.batch_size
    assert (-(-50_000 // batch), -(-45_000 // batch)) == (391, 352)
    assert recipe.data.validation * 50_000 == 5_000
