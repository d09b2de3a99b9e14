"""The lowered module: built, called, trained, saved, under every policy."""

import keras
import numpy as np
import pytest
import torch
from keras import layers

from residency.engine.lowering import lower
from residency.errors import EngineError

from .parity import assert_same, random_inputs, scramble


def test_channels_first():
    inputs = x = keras.Input((3, 12, 12))
    for strides in (1, 2):
        x = layers.Conv2D(
            4, 3, strides=strides, padding="same", data_format="channels_first"
        )(x)
        x = layers.BatchNormalization(axis=1)(x)
        x = layers.ReLU()(x)
    x = layers.MaxPooling2D(2, data_format="channels_first")(x)
    assert_same(keras.Model(inputs, layers.Flatten()(x)), (3, 3, 12, 12))


def test_any_image_size():
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Resizing(6, 6)(x)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    kept = (model.layers[3].name,)
    for size in (7, 8, 13):
        assert_same(model, (2, size, size + 3, 3), kept=kept)


def test_an_unbuilt_model_is_refused():
    with pytest.raises(EngineError, match="not built"):
        lower(keras.Sequential([layers.Dense(2)]))


def test_training_the_module_trains_the_model_and_a_saved_file_holds_it(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((9, 11, 6)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.Flatten(),
        ]
    )
    lowered = lower(model).train()
    x = torch.rand(4, 9, 11, 6)
    optimizer = torch.optim.SGD([v.value for v in model.trainable_variables], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        lowered(x).square().mean().backward()
        optimizer.step()
    found = lowered.eval()(x).detach()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    torch.testing.assert_close(again(x, training=False), found, rtol=1e-5, atol=1e-5)


def test_losses_of_layers_count_together_also_where_one_is_used_twice():
    inputs = keras.Input((8,))
    shared = layers.Dense(8, activity_regularizer="l2", kernel_regularizer="l1")
    other = layers.Dense(2, activity_regularizer="l1")
    model = keras.Model(inputs, other(shared(shared(inputs))))
    x = torch.rand(4, 8)
    lowered = lower(model)
    for _ in range(2):  # and those of the call before are gone
        model(x)
        expected = [float(loss.detach()) for loss in model.losses]
        lowered(x, training=True)
        found = [float(loss.detach()) for loss in model.losses]
        assert found == pytest.approx(expected)
        assert len(found) == 4


def network(policy):
    """Returns a model of a global policy; parts of it have policies of their own."""
    keras.config.set_dtype_policy(policy)
    try:
        inputs = keras.Input((8, 8, 4))
        x = layers.Rescaling(0.5, dtype="float32")(inputs)
        x = layers.Conv2D(4, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        y = layers.BatchNormalization(dtype="float32")(layers.DepthwiseConv2D(3)(x))
        y = layers.SeparableConv2D(4, 3, dtype="float32")(y)
        y = layers.PReLU()(layers.LayerNormalization()(y))
        x = layers.GlobalAveragePooling2D()(layers.Concatenate()([x[:, :4, :4], y]))
        x = keras.Sequential([layers.Dense(5), layers.Activation("silu")])(x)
        return keras.Model(inputs, layers.Dense(3, dtype="float32")(x))
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
@pytest.mark.parametrize("training", [False, True])
def test_narrow_policies_are_followed_and_cost_no_more_than_in_keras(policy, training):
    narrow, wide = network(policy), network("float32")
    errors = {"keras": [], "lowered": []}
    for seed in range(4):
        scramble(narrow, seed)
        wide.set_weights([v.astype("float32") for v in narrow.get_weights()])
        x = random_inputs(narrow, (4, 8, 8, 4), largest=2.0)
        weights = narrow.get_weights()
        with torch.no_grad():
            exact = wide(x.float(), training=training)
            for name, run in {"keras": narrow, "lowered": lower(narrow)}.items():
                found = run(x, training=training)
                narrow.set_weights(weights)
                assert found.dtype == torch.float32
                errors[name].append(float((found - exact).norm() / exact.norm()))
    assert max(errors["keras"]) < 0.1  # or there is nothing to compare
    assert sum(errors["lowered"]) <= 1.2 * sum(errors["keras"])


def test_a_policy_for_each_layer_by_name():
    policies = keras.dtype_policies.DTypePolicyMap()
    policies["wide"] = keras.dtype_policies.DTypePolicy("float32")
    policies["narrow"] = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, name="narrow", dtype=policies)(inputs)
    x = layers.Conv2D(4, 3, name="wide", dtype=policies)(x)
    model = keras.Model(inputs, x)
    assert [layer.compute_dtype for layer in model.layers[1:]] == [
        "bfloat16",
        "float32",
    ]
    assert_same(model, (4, 8, 8, 4), tolerance=2e-2, gradients=0.05)


@pytest.mark.parametrize("inside", [False, True])
def test_a_variable_in_an_operation_is_cast_as_in_keras(inside):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = keras.Input((8,))
        weights = keras.Variable(np.full((8, 5), 1.003))
        x = keras.ops.matmul(layers.Activation("tanh")(inputs), weights)
        model = keras.Model(inputs, x)
    finally:
        keras.config.set_dtype_policy("float32")
    if inside:
        inputs = keras.Input((8,))
        model = keras.Model(inputs, model(inputs))
    x = torch.rand(4, 8)
    found, expected = lower(model)(x), model(x)
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)


def test_inputs_and_outputs_of_any_structure():
    given = {"b": keras.Input((4,), name="b"), "a": keras.Input((4,), name="a")}
    shared = layers.Dense(3)
    outputs = {"z": shared(given["b"]), "y": [shared(given["a"])], "x": given["a"]}
    model = keras.Model(given, outputs)
    scramble(model)
    x = {"b": torch.rand(2, 4), "a": torch.rand(2, 4)}
    found, expected = lower(model)(x), model(x)
    assert found.keys() == expected.keys()
    torch.testing.assert_close(found, expected)


def test_batches_of_uint8_and_of_numpy_are_taken_as_keras_takes_them():
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(inputs)))
    images = torch.randint(0, 256, (2, 6, 6, 3), dtype=torch.uint8)
    torch.testing.assert_close(lower(model)(images), model(images))
    torch.testing.assert_close(lower(model)(images.numpy()), model(images))


@pytest.mark.parametrize("shape", [(2, 8, 8, 1), (2, 3, 8, 8), (2, 9, 8, 3)])
def test_a_shape_that_does_not_fit_is_refused(shape):
    inputs = keras.Input((8, None, 3), name="images")
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(EngineError, match=r"'images' of shape \(None, 8, None, 3\)"):
        lower(model)(torch.zeros(shape))


def test_an_addition_of_another_rank_is_keras_own():
    inputs = keras.Input((8, 8, 16))
    x = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(inputs))
    flat = layers.GlobalAveragePooling2D()(inputs)  # Keras adds it along axis 1
    model = keras.Model(inputs, layers.ReLU()(layers.Add()([x, flat])))
    for batch in (3, 8):
        assert_same(model, (batch, 8, 8, 16))


def test_rescaling_by_a_number_and_by_one_a_channel():
    inputs = keras.Input((4, 4, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Rescaling([1.0, 2.0, 3.0], offset=[0.5, 0.0, -0.5])(x)
    assert_same(keras.Model(inputs, x), (2, 4, 4, 3), largest=255)


def test_a_batch_of_another_size_than_the_model_was_built_with():
    inputs = keras.Input(batch_shape=(5, 8, 8, 3))
    model = keras.Model(inputs, layers.Conv2D(4, 3)(inputs))
    x = torch.rand(7, 8, 8, 3)
    torch.testing.assert_close(lower(model)(x), model(x))


def test_what_is_lowered_in_inference_mode_can_be_trained():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(
        inputs, layers.SeparableConv2D(4, 3)(layers.Conv2D(4, 3)(inputs))
    )
    with torch.inference_mode():
        lowered = lower(model)
    lowered(torch.rand(2, 8, 8, 3), training=True).sum().backward()
    assert all(v.value.grad is not None for v in model.trainable_variables)
