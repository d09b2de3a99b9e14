"""He et al., 2016, as in the authors' code: units, shortcuts, order."""

import keras
import pytest

from residency.errors import ConfigError
from residency.models import CIFARResNetV2

from .plain import assert_same_logits, cifar_resnet_v2, randomise_batch_norms


@pytest.mark.parametrize(("depth", "bottleneck"), [(20, True), (14, False)])
def test_equals_plain_torch(depth, bottleneck, photos):
    model = CIFARResNetV2(depth, bottleneck=bottleneck, preprocessing="tf")
    randomise_batch_norms(model, seed=0)
    expected = cifar_resnet_v2(model, photos / 127.5 - 1, 2, bottleneck)
    assert_same_logits(model, photos, expected)


@pytest.mark.parametrize(("depth", "bottleneck"), [(164, True), (110, False)])
def test_layers_of_the_paper(depth, bottleneck):
    with keras.device("meta"):  # shapes alone
        model = CIFARResNetV2(depth, bottleneck=bottleneck)
    convs = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    shortcuts = [x.name for x in convs if x.name.endswith("_0_conv")]
    assert len(convs) - len(shortcuts) + 1 == depth
    assert len(shortcuts) == (3 if bottleneck else 0)
    assert not any(x.use_bias for x in convs)


@pytest.mark.parametrize(
    ("depth", "bottleneck", "message"),
    [
        (110, True, None),  # 9n + 2 as well
        (112, True, r"expected 9n \+ 2 with 3 layers a unit, got 112"),
        (2, True, "got 2"),
        (164, False, None),
        (165, False, r"expected 6n \+ 2 with 2 layers a unit, got 165"),
    ],
)
def test_depths(depth, bottleneck, message):
    if message is None:
        with keras.device("meta"):
            CIFARResNetV2(depth, bottleneck=bottleneck)
        return
    with pytest.raises(ConfigError, match=message):
        CIFARResNetV2(depth, bottleneck=bottleneck)


def test_open_image_size(photos):
    model = CIFARResNetV2(11, image_size=None)
    assert model.predict(photos[:, :24, :20], verbose=0).shape == (4, 10)
