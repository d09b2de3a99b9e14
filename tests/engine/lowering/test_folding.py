"""Folded inference knows when what it was made of has changed."""

import keras
import numpy as np
import pytest
import torch
from keras import layers

from residency.engine.lowering import folding, lower
from residency.engine.lowering.bounds import FAR, measured_bound
from residency.models import build

from .parity import assert_same, scramble


@pytest.fixture
def model():
    inputs = keras.Input((9, 11, 6))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    found = keras.Model(inputs, layers.BatchNormalization(name="norm")(x))
    scramble(found)
    return found


X = torch.rand(2, 9, 11, 6, generator=torch.Generator().manual_seed(0))


def ones_like(value):
    return torch.ones_like(value.detach())


def by_file(model, folder):
    scramble(model, 5)
    model.save_weights(folder / "model.weights.h5")
    scramble(model, 6)
    with torch.no_grad():
        lower(model)(X)
    model.load_weights(folder / "model.weights.h5")


def by_inference(model, _):
    with torch.inference_mode():
        model.get_layer("conv").kernel.assign(np.ones((3, 3, 6, 4)))


def new_data(model, _):
    value = model.get_layer("conv").kernel.value
    value.data = ones_like(value)


def by_keras_optimizer(model, _):
    variable = model.get_layer("conv").kernel
    keras.optimizers.SGD(0.1).apply([ones_like(variable.value)], [variable])


def by_state(model, _):
    module = lower(model)
    module.load_state_dict({k: ones_like(v) for k, v in module.state_dict().items()})


CHANGES = {
    "assign": lambda m, _: m.get_layer("norm").gamma.assign([1, 2, 3, 4]),
    "statistics": lambda m, _: m.get_layer("norm").moving_variance.assign([1, 2, 3, 4]),
    "set_weights": lambda m, _: m.set_weights([v + 1 for v in m.get_weights()]),
    "load_weights": by_file,
    "load_state_dict": by_state,
    "inference mode": by_inference,
    "another tensor": new_data,
    "a Keras optimizer": by_keras_optimizer,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_counts_at_once(change, model, tmp_path):
    lowered = lower(model)
    with torch.no_grad():
        before = lowered(X)
        CHANGES[change](model, tmp_path)
        found, expected = lowered(X), model(X, training=False)
    assert not torch.allclose(found, before, atol=1e-2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


OPTIMIZERS = {
    "one by one": {"foreach": False},
    "together": {"foreach": True},
    "fused": {"fused": True},  # torch does not count its changes
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_counts_with_every_kind_of_torch_optimizer(kind, model):
    model.get_layer("norm").trainable = False  # or its statistics would tell
    lowered = lower(model)
    parameters = [v.value for v in model.trainable_variables]
    optimizer = torch.optim.Adam(parameters, 0.1, **OPTIMIZERS[kind])
    with torch.no_grad():
        lowered(X)
    lowered(X, training=True).square().mean().backward()
    optimizer.step()
    with torch.no_grad():
        torch.testing.assert_close(
            lowered(X), model(X, training=False), rtol=1e-4, atol=1e-4
        )


def test_folding_in_channels_first_and_with_a_residual():
    first = {"data_format": "channels_first"}
    inputs = keras.Input((4, 8, 8))
    x = layers.Conv2D(4, 3, padding="same", **first)(inputs)
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.ReLU()(layers.Add()([inputs, x]))
    assert_same(keras.Model(inputs, x), (3, 4, 8, 8))


AFTER = {
    "nothing": [],
    "relu": [layers.ReLU()],
    "relu6": [layers.ReLU(6.0)],
    "leaky relu": [layers.LeakyReLU(0.1)],
    "leaky relu of another kind": [layers.ReLU(negative_slope=0.3)],
    "both": [layers.ReLU(6.0, negative_slope=0.3)],
    "threshold": [layers.ReLU(threshold=0.04)],
    "two": [layers.LeakyReLU(0.1), layers.Activation("tanh")],
    **{
        name: [layers.Activation(name)]
        for name in (
            "relu6", "leaky_relu", "hard_silu", "silu", "sigmoid", "tanh", "gelu",
            "linear", "softmax",
        )
    },
}  # fmt: skip
CONVOLUTIONS = {
    "plain": lambda **options: layers.Conv2D(8, 3, **options),
    "strided": lambda **options: layers.Conv2D(
        8, (3, 2), strides=2, padding="same", **options
    ),
    "dilated": lambda **options: layers.Conv2D(8, 2, dilation_rate=2, **options),
    "dilated, depthwise": lambda **options: layers.DepthwiseConv2D(
        2, dilation_rate=3, padding="same", **options
    ),
    "grouped": lambda **options: layers.Conv2D(
        8, 3, groups=4, use_bias=False, **options
    ),
    "depthwise": lambda **options: layers.DepthwiseConv2D(
        3, depth_multiplier=2, padding="same", **options
    ),
}


def inference(model, x, dtype):
    """Returns the outputs of Keras and of the lowered model without gradients."""
    scramble(model)
    lowered = lower(model)
    automatic = torch.autocast("cpu", dtype, enabled=dtype != torch.float32)
    with torch.inference_mode():
        expected = model(x, training=False)
        with automatic:
            return lowered(x), expected


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("after", AFTER)
def test_what_follows_a_convolution_is_done_with_it(
    after, normalized, onednn, monkeypatch
):
    x = tensor = keras.Input((9, 11, 8))
    x = layers.Conv2D(8, 3)(x)
    x = layers.BatchNormalization()(x) if normalized else x
    for layer in AFTER[after]:
        x = type(layer).from_config(layer.get_config())(x)
    images = torch.randn(2, 9, 11, 8, generator=torch.Generator().manual_seed(0))
    if not onednn:
        monkeypatch.setattr(folding, "_onednn_has", lambda x: False)
    for dtype, close in ((torch.float32, 1e-4), (torch.bfloat16, 5e-2)):
        found, expected = inference(keras.Model(tensor, x), images, dtype)
        torch.testing.assert_close(found, expected, rtol=close, atol=close)


BEFORE_SUMS = {
    "plain": lambda: layers.Conv2D(8, 3, padding="same"),
    "depthwise": lambda: layers.DepthwiseConv2D(3, padding="same"),
    "grouped": lambda: layers.Conv2D(8, 3, padding="same", groups=4),
}


@pytest.mark.parametrize("before", BEFORE_SUMS)
@pytest.mark.parametrize("after", AFTER)
def test_what_follows_an_addition(after, before):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((9, 11, 8))
    x = layers.BatchNormalization()(BEFORE_SUMS[before]()(inputs))
    x = layers.Add()([inputs, x])
    for layer in AFTER[after]:
        x = type(layer).from_config(layer.get_config())(x)
    images = torch.randn(2, 9, 11, 8, generator=torch.Generator().manual_seed(0))
    for dtype, close in ((torch.float32, 1e-4), (torch.bfloat16, 5e-2)):
        found, expected = inference(keras.Model(inputs, x), images, dtype)
        torch.testing.assert_close(found, expected, rtol=close, atol=close)


def norm_of(x):
    return layers.BatchNormalization()(layers.Conv2D(16, 1)(x))


SUMS = {
    "what is added is smaller": lambda x: [norm_of(x), mean_of(x)],
    "what is added is larger": lambda x: [norm_of(mean_of(x)), x],
    "both are convolutions": lambda x: [norm_of(x), layers.Conv2D(16, 1)(mean_of(x))],
    "one column": lambda x: [norm_of(x), layers.AveragePooling2D((1, 8))(x)],
}


def mean_of(x):
    return layers.GlobalAveragePooling2D(keepdims=True)(x)


@pytest.mark.parametrize("thinned", [False, True])
@pytest.mark.parametrize("terms", SUMS)
def test_terms_of_other_shapes(terms, thinned):
    inputs = keras.Input((8, 8, 16))
    x = layers.ReLU()(layers.Add()(SUMS[terms](inputs)))
    x = layers.Conv2D(16, 1, 2)(x) if thinned else x
    assert_same(keras.Model(inputs, x), (3, 8, 8, 16))


def test_inside_a_stateless_scope_variables_have_its_values(model):
    lowered = lower(model)
    values = [(v, torch.ones_like(v.value)) for v in model.variables]
    with torch.no_grad():
        before = lowered(X)
        with keras.StatelessScope(values):
            found, expected = lowered(X), model(X, training=False)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(lowered(X), before)
    assert not torch.allclose(found, before)


@pytest.mark.parametrize("layer", [layers.Conv2D, layers.DepthwiseConv2D])
def test_shapes_and_dtypes_in_turn(layer):
    inputs = keras.Input((None, None, 4))
    given = {"filters": 4} if layer is layers.Conv2D else {}
    x = layer(kernel_size=3, strides=2, padding="same", **given)(inputs)
    model = keras.Model(inputs, x)
    scramble(model)
    lowered = lower(model)
    for dtype, close in ((torch.float32, 1e-4), (torch.bfloat16, 5e-2)):
        for side in (8, 9, 8):  # zeros on one side, on both
            images = torch.randn(2, side, side, 4)
            narrow = torch.autocast("cpu", dtype, enabled=dtype != torch.float32)
            with torch.inference_mode(), narrow:
                found = lowered(images)
            with torch.inference_mode():
                expected = model(images, training=False)
            torch.testing.assert_close(found, expected, rtol=close, atol=close)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("own", ["linear", "relu", "silu", "gelu"])
def test_every_convolution_with_and_without_an_activation_of_its_own(kind, own):
    inputs = keras.Input((9, 11, 8))
    x = CONVOLUTIONS[kind](activation=own)(inputs)
    joined = layers.ReLU()(layers.BatchNormalization()(x))
    model = keras.Model(inputs, joined)
    for batch in (1, 3):  # the packed kernel depends on the shape
        images = torch.randn(batch, 9, 11, 8)
        found, expected = inference(model, images, torch.float32)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_residual_block_is_three_calls_and_leaves_its_input_alone():
    inputs = keras.Input((8, 8, 4))
    x = layers.DepthwiseConv2D(3, padding="same")(inputs)
    x = layers.LeakyReLU(0.1)(layers.BatchNormalization()(x))
    x = layers.BatchNormalization()(layers.Conv2D(4, 1)(x))
    x = layers.ReLU()(layers.Add()([inputs, x]))
    model = keras.Model(inputs, [x, layers.Conv2D(2, 1)(x), layers.Average()([x, x])])
    assert len(lower(model).calls) == 4
    images = torch.randn(3, 8, 8, 4)
    before = images.clone()
    found, expected = inference(model, images, torch.float32)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert images.equal(before)


def block(x):
    y = layers.Conv2D(4, 3, padding="same")(x)
    y = layers.BatchNormalization()(layers.Conv2D(4, 1)(layers.ReLU()(y)))
    return layers.ReLU()(layers.Add()([x, y]))


def test_an_addition_writes_over_what_nobody_reads_later():
    inputs = keras.Input((8, 8, 3))
    kept = block(layers.Conv2D(4, 1)(inputs))
    seen = block(kept)
    last = block(seen)
    outputs = [layers.Conv2D(2, 1)(last), kept, layers.Identity()(seen)]
    model = keras.Model(inputs, outputs)
    scramble(model)
    folds = [call.run for call in lower(model).calls]
    reused = [run.into_added for run in folds if getattr(run, "norm", None)]
    assert reused == [True, False, False]  # the others are outputs, or seen by one
    images = torch.randn(3, 8, 8, 3)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.1)):
        found, expected = inference(model, images, dtype)
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_another_thread_may_take_the_joint_kernel_away(model, monkeypatch):
    lowered = lower(model)
    gone = property(lambda self: None, lambda self, value: None)
    monkeypatch.setattr(folding.FoldedConvolution, "_folded", gone)
    with torch.no_grad():
        torch.testing.assert_close(
            lowered(X), model(X, training=False), rtol=1e-4, atol=1e-4
        )


NOT_FINITE = {
    "image": lambda model, x: x[0, 4, 4, 0].fill_(np.nan),
    "infinite image": lambda model, x: x[0, 4:6, 4].fill_(np.inf),
    "kernel": lambda model, x: model.layers[1].kernel.value.data[0].fill_(np.nan),
    "infinite kernel": lambda model, x: model.layers[1].kernel.value.data.fill_(np.inf),
    "bias": lambda model, x: model.layers[1].bias.value.data[0].fill_(np.nan),
}


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("after", [layers.ReLU(), layers.ReLU(6.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("case", NOT_FINITE)
def test_what_is_no_number_stays_none(case, dtype, after, added):
    """A ReLU of oneDNN gives 0 for NaN."""
    inputs = keras.Input((9, 11, 8))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(inputs))
    x = layers.Add()([inputs, x]) if added else x
    x = type(after).from_config(after.get_config())(x)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(x))
    model = keras.Model(inputs, layers.ReLU()(x))
    scramble(model)
    images = torch.randn(2, 9, 11, 8, generator=torch.Generator().manual_seed(0))
    NOT_FINITE[case](model, images)
    lowered = lower(model)
    automatic = torch.autocast("cpu", dtype, enabled=dtype != torch.float32)
    with torch.inference_mode():
        expected = model(images, training=False)
        with automatic:
            found = lowered(images)
    assert expected.isnan().any()
    assert torch.equal(found.isnan(), expected.isnan())


@pytest.mark.parametrize("order", ["channels_first", "channels_last"])
@pytest.mark.parametrize("value", [np.nan, 1e38])
def test_a_sum_written_into_what_was_added_tells_how_large_it_is(order, value):
    """Channels first, the sum is the very tensor that was added, with its old bound."""
    keywords = {"padding": "same", "use_bias": False, "data_format": order}
    axis = 1 if order == "channels_first" else 3

    def block(x, name=None):
        x = layers.Conv2D(16, 3, name=name, **keywords)(x)
        return layers.BatchNormalization(axis)(x)

    inputs = keras.Input((16, 8, 8) if axis == 1 else (8, 8, 16))
    shortcut = layers.ReLU()(block(inputs))
    x = layers.Add()([block(layers.ReLU()(block(shortcut)), "b"), shortcut])
    x = layers.ReLU()(block(layers.ReLU()(x)))
    model = keras.Model(inputs, x)
    scramble(model)
    kernel = model.get_layer("b").kernel.value.data
    kernel[0 if np.isfinite(value) else slice(None)].fill_(value)
    images = torch.randn(
        2, *inputs.shape[1:], generator=torch.Generator().manual_seed(0)
    )
    lowered = lower(model)
    with torch.inference_mode():
        expected, found = model(images, training=False), lowered(images)
    assert not expected.isfinite().all()
    assert torch.equal(found.isnan(), expected.isnan())


def test_sums_that_grow_beyond_all_numbers_come_to_nan_as_in_keras():
    """Weights and images are finite: infinity comes first, then their difference."""
    inputs = x = keras.Input((9, 11, 8))
    for _ in range(3):
        x = layers.Conv2D(8, 3, activation="relu")(x)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    scramble(model)
    images = torch.randn(2, 9, 11, 8)
    for scale in (1e10, 1e20):  # the third layer is infinite, the second one is
        for layer in model.layers[1:4]:
            layer.kernel.assign(np.sign(layer.kernel.numpy()) * scale)
        with torch.inference_mode():
            found, expected = lower(model)(images), model(images, training=False)
        torch.testing.assert_close(found, expected, equal_nan=True)
    assert expected.isnan().all()


class Spoils(layers.Layer):
    """Writes into what it is given."""

    def call(self, x):
        return x.fill_(float("nan"))


def test_what_a_layer_of_the_users_own_writes_into_a_result_counts():
    inputs = keras.Input((9, 11, 8))
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
    x = layers.Conv2D(8, 3, activation="relu")(layers.Dropout(0.1)(Spoils()(x)))
    lowered = lower(keras.Model(inputs, x))
    with torch.inference_mode():
        assert lowered(torch.randn(2, 9, 11, 8)).isnan().all()


LOOKS = {"cifar_resnet20": 4, "efficientnet_lite0": 1, "resnet50_v2": 13}


@pytest.mark.parametrize("name", LOOKS)
def test_few_tensors_are_looked_at_for_nan(name, monkeypatch):
    looked = []

    def counted(x, known):
        looked.extend([x.shape] if known >= FAR else [])
        return measured_bound(x, known)

    monkeypatch.setattr(folding, "measured_bound", counted)
    model = build(name, num_classes=10, image_size=64)
    with torch.inference_mode():
        lower(model)(torch.rand(2, 64, 64, 3) * 255)
    assert len(looked) <= LOOKS[name]
