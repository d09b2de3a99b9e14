import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.missing_nonlinearity import find
from residency.models import build


def conv(filters=8, size=3, **options):
    return layers.Conv2D(filters, size, padding="same", **options)


def ends(width=4):
    return [layers.GlobalAveragePooling2D(), layers.Dense(width, activation="softmax")]


def test_convolutions_in_a_row(probe_of, images):
    (found,) = find(probe_of([conv(), conv(activation="relu"), *ends()], images()))
    assert (found.severity, found.evidence["layers"]) == ("warning", 1)


def test_through_flatten_dropout_and_mean_pooling(probe_of, images):
    model = [conv(), layers.AveragePooling2D(4), layers.Dropout(0.2), layers.Flatten()]
    model += [layers.Dense(32), layers.BatchNormalization(), layers.Dense(4)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    (found,) = find(probe_of(model, images(), loss))
    assert found.evidence["layers"] == 2


def test_two_products_are_one(table):
    """What the finding says, with numbers: a single matrix does the same."""
    x, _ = table()
    first, second = layers.Dense(16, use_bias=False), layers.Dense(4, use_bias=False)
    both = keras.ops.convert_to_numpy(second(first(x)))
    once = x @ (first.kernel.numpy() @ second.kernel.numpy())
    np.testing.assert_allclose(both, once, atol=1e-5)


@pytest.mark.parametrize(
    "between",
    [
        (layers.ReLU,),
        (layers.BatchNormalization, layers.ReLU),
        (layers.LeakyReLU, layers.Flatten),
        (layers.MaxPooling2D,),
    ],
)
def test_activations_of_any_kind_between(probe_of, images, between):
    model = [conv(), *(kind() for kind in between), layers.Flatten()]
    model += [layers.Dense(4, activation="softmax")]
    assert find(probe_of(model, images())) == []


def test_linear_bottlenecks_separable_halves_and_projections(probe_of, images):
    given = keras.Input((16, 16, 3))
    x = layers.ReLU()(conv(16)(given))
    for filters in (16, 24, 24):
        wide = layers.ReLU()(conv(64, 1)(x))
        deep = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(wide))
        thin = layers.BatchNormalization()(conv(filters, 1)(deep))
        x = layers.Add()([x, thin]) if thin.shape == x.shape else thin
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.ReLU()(conv(32, 1)(x))
    x = layers.ReLU()(layers.Add()([conv(32, 1)(x), conv(32)(layers.ReLU()(x))]))
    for layer in ends():
        x = layer(x)
    assert find(probe_of(keras.Model(given, x), images())) == []


def test_colour_mixing_narrow_codes_and_split_kernels(probe_of, images, table):
    model = [conv(3, 1), conv(8, activation="relu"), conv(8, (1, 3))]
    model += [conv(8, (3, 1), activation="relu"), *ends()]
    assert find(probe_of(model, images())) == []
    x, _ = table(width=32)
    code = [layers.Dense(16, activation="relu"), layers.Dense(2)]
    code += [layers.Dense(16, activation="relu"), layers.Dense(32)]
    assert find(probe_of(code, (x, x), "mse")) == []


def test_embeddings_and_recurrent_layers(probe_of):
    x = np.random.default_rng(0).integers(0, 20, (32, 6))
    model = [layers.Embedding(20, 8), layers.LSTM(8, return_sequences=True)]
    model += [layers.LSTM(8), layers.Dense(1, activation="sigmoid")]
    assert find(probe_of(model, (x, x[:, 0] % 2), "binary_crossentropy")) == []


def test_the_output_of_a_nested_model_is_advice_at_most(probe_of, images):
    body = keras.Sequential([keras.Input((16, 16, 3)), layers.Flatten()])
    body.add(layers.Dense(32))
    (found,) = find(probe_of([body, layers.Dense(4, activation="softmax")], images()))
    assert found.severity == "advice"


def test_a_gate_reads_means_of_a_linear_branch(probe_of, images):
    """Squeeze and excitation (Hu et al., 2018), in our nets and written by hand."""
    assert find(probe_of(gated(), images())) == []
    net = build("se_resnet50", num_classes=4, image_size=32)
    assert find(probe_of(net, images(side=32))) == []
    given = keras.Input((16, 16, 3))
    x = conv()(given)
    heads = [layers.Dense(4)(layers.GlobalAveragePooling2D()(x)) for _ in range(2)]
    assert len(find(probe_of(keras.Model(given, layers.add(heads)), images()))) == 1
    pooled = [conv(), *ends()[:1], layers.Dense(16), layers.ReLU(), *ends()[1:]]
    assert len(find(probe_of(pooled, images()))) == 1


def gated():
    given = keras.Input((16, 16, 3))
    x = layers.ReLU()(layers.BatchNormalization()(conv()(given)))
    branch = layers.BatchNormalization()(conv()(x))
    gate = layers.Dense(4, "relu")(layers.GlobalAveragePooling2D(keepdims=True)(branch))
    gate = layers.Dense(8, "sigmoid")(gate)
    x = layers.ReLU()(layers.Add()([x, layers.Multiply()([branch, gate])]))
    for layer in ends():
        x = layer(x)
    return keras.Model(given, x)
