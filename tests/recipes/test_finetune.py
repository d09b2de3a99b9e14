"""What the recipes train of their own network."""

import keras
import pytest

from residency.models import build
from residency.models.freezing import phases_of
from residency.recipes import get_recipe


@pytest.fixture
def net():
    return build("efficientnet_lite0", num_classes=2, image_size=224)


def test_head_trains_1280_features_and_a_bias(net):
    [phase] = phases_of(net, get_recipe("finetune/head").finetune)
    phase.apply()
    assert phase.head_only
    assert sum(v.value.numel() for v in net.trainable_variables) == 1280 * 2 + 2


def test_gradual_begins_with_the_head_and_never_trains_batch_norm(net):
    first, then = phases_of(net, get_recipe("finetune/gradual").finetune)
    assert first.head_only
    then.apply()
    kind = keras.layers.BatchNormalization
    norms = [layer for layer in net.layers if isinstance(layer, kind)]
    assert norms
    assert not any(layer.trainable for layer in norms)
    kernels = [v for v in net.weights if v.path.endswith("kernel")]
    assert all(v.trainable for v in kernels)
    rates = [stage.rate for stage in then.stages]
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == len(rates) == 10
