"""Huang et al., 2017: heirs of keras.applications, and the small ones' shapes."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import DenseNet121, DenseNet169, DenseNet201, DenseNetBC

PAIRS = [
    (DenseNet121, keras.applications.DenseNet121),
    (DenseNet169, keras.applications.DenseNet169),
    (DenseNet201, keras.applications.DenseNet201),
]
IDS = ["121", "169", "201"]


@pytest.mark.parametrize(("builder", "kerases_own"), PAIRS, ids=IDS)
def test_layers_and_shapes_of_keras_applications(builder, kerases_own):
    with keras.device("meta"):  # shapes alone
        ours, theirs = builder(), kerases_own(weights=None)
    shapes = [
        {x.name: [w.shape for w in x.weights] for x in model.layers if x.weights}
        for model in (ours, theirs)
    ]
    assert list(shapes[0]) == list(shapes[1])
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(("builder", "kerases_own"), PAIRS[:1], ids=IDS[:1])
def test_same_outputs_on_the_weights_of_keras_applications(builder, kerases_own):
    """Probabilities of five classes: they differ by 1e-5 of themselves at most."""
    theirs = kerases_own(weights=None, input_shape=(64, 64, 3), classes=5)
    random = np.random.default_rng(0)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            moved = [random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()]
            layer.set_weights(moved)
    ours = builder(num_classes=5, image_size=None)
    for layer in theirs.layers:
        if layer.weights:
            ours.get_layer(layer.name).set_weights(layer.get_weights())
    images = random.integers(0, 256, (2, 64, 64, 3)).astype("f4")
    prepared = keras.applications.densenet.preprocess_input(images.copy())
    expected = theirs.predict(prepared, verbose=0)
    assert expected.std() > 1e-2
    np.testing.assert_allclose(
        ours.predict(images, verbose=0), expected, rtol=1e-5, atol=1e-7
    )


def test_widths_and_shapes_of_the_paper():
    """k = 12, 16 layers a block: 24 maps, + 192, halved, + 192, halved, + 192."""
    with keras.device("meta"):
        model = DenseNetBC(100, 12)
    ends = [("conv2", 32, 216), ("conv3", 16, 300), ("conv4", 8, 342)]
    for stage, side, channels in ends:
        out = model.get_layer(f"{stage}_block16_concat").output
        assert out.shape == (None, side, side, channels)
    convs = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convs) + 1 == 100
    assert not any(x.use_bias for x in convs)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {(x.momentum, x.epsilon) for x in norms} == {(0.9, 1.001e-5)}


def test_a_layer_leaves_all_maps_before_it_as_they_are():
    model = DenseNetBC(10, 4, num_classes=2, image_size=8)
    first = model.get_layer("conv1_conv").output
    last = model.get_layer("conv2_block1_concat").output
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("f4")
    before, after = keras.Function(model.input, [first, last])(images)
    before, after = map(keras.ops.convert_to_numpy, (before, after))
    np.testing.assert_array_equal(after[..., :8], before)
    assert after.shape[-1] == 12


def test_dropout_follows_every_convolution_but_the_first():
    with keras.device("meta"):
        model = DenseNetBC(16, 4, dropout=0.2)
    names = [layer.name for layer in model.layers]
    convs = [name for name in names if name.endswith("_conv")]
    assert "conv1_conv_dropout" not in names
    assert [names[names.index(x) + 1] for x in convs[1:]] == [
        f"{x}_dropout" for x in convs[1:]
    ]
    assert model.get_layer("pool2_conv_dropout").rate == 0.2


@pytest.mark.parametrize(
    ("builder", "arguments", "message"),
    [
        (DenseNetBC, {"depth": 101}, "100, 190, 250, got 101. The closest is 100"),
        (DenseNetBC, {"growth": 0}, "growth: expected a whole number, 1 or more"),
        (DenseNetBC, {"dropout": -0.1}, "dropout: expected a share"),
        (DenseNetBC, {"image_size": 7}, "8 or more, got 7"),
        (DenseNet121, {"image_size": 31}, "32 or more, got 31"),
    ],
)
def test_impossible_arguments(builder, arguments, message):
    with pytest.raises(ConfigError, match=message):
        builder(**arguments)
