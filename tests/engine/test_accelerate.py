"""An accelerated model does what it did before, to rounding."""

import copy
import pickle
import warnings

import keras
import numpy as np
import pytest
import torch
from keras import layers, optimizers

from residency.engine import accelerate, lower
from residency.errors import EngineError

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(48, 8, 8, 3)).astype("float32")
Y = RNG.integers(0, 4, size=48)


def build():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", kernel_regularizer="l2")(inputs)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(8, 3, strides=2, padding="same", kernel_constraint="non_neg")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


def trained(fast, optimizer, **options):
    model = build()
    model.compile(
        optimizer, "sparse_categorical_crossentropy", weighted_metrics=["accuracy"]
    )
    if fast:
        assert accelerate(model) is model
    options = {"x": X, "y": Y, "batch_size": 12, "epochs": 3, "verbose": 0} | options
    return model, model.fit(**options).history


def assert_same_histories(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-3, atol=2e-3)


OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "RMSprop": lambda: optimizers.RMSprop(1e-3),
    "Adam": lambda: optimizers.Adam(1e-3),
    "AdamW": lambda: optimizers.AdamW(1e-3, weight_decay=0.01),
    "Adamax": lambda: optimizers.Adamax(1e-3),
    "Adagrad": lambda: optimizers.Adagrad(1e-2),
    "Adadelta": lambda: optimizers.Adadelta(0.1),
    "Nadam": lambda: optimizers.Nadam(1e-3),
    "Ftrl": lambda: optimizers.Ftrl(0.01),
    "Lion": lambda: optimizers.Lion(1e-4),
    "Lamb": lambda: optimizers.Lamb(1e-3),
    "Adafactor": lambda: optimizers.Adafactor(1e-3),
    "Muon": lambda: optimizers.Muon(1e-3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_gives_the_history_of_plain_keras(name):
    _, expected = trained(False, OPTIMIZERS[name]())
    _, found = trained(True, OPTIMIZERS[name]())
    assert_same_histories(found, expected)


LAID_OUT = ["SGD", "RMSprop", "Adam", "loss scale"]


@pytest.mark.parametrize("name", LAID_OUT)
def test_an_optimizers_state_lies_in_memory_as_the_kernels_do_and_stays(name):
    def make():
        if name == "loss scale":
            return optimizers.LossScaleOptimizer(OPTIMIZERS["SGD"](), 8.0)
        return OPTIMIZERS[name]()

    def going_on(fast):
        model, _ = trained(False, make(), epochs=1)
        if fast:
            accelerate(model)
        model.fit(X, Y, batch_size=12, epochs=2, verbose=0)
        return model

    found, expected = going_on(True), going_on(False)
    kernel = found.layers[1].kernel
    states = [v for v in found.optimizer.variables if v.shape == kernel.shape]
    assert states
    assert all(v.value.stride() == kernel.value.stride() for v in states)
    pairs = zip(found.optimizer.variables, expected.optimizer.variables, strict=True)
    for ours, keras_own in pairs:
        np.testing.assert_allclose(ours, keras_own, rtol=2e-3, atol=2e-3)


def test_callbacks_schedules_and_clipping_work_as_before():
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    schedule = optimizers.schedules.CosineDecay(0.05, 12)

    def optimizer():
        return optimizers.SGD(schedule, momentum=0.9, clipnorm=0.5)

    _, expected = trained(False, optimizer())
    _, found = trained(True, optimizer(), callbacks=[callback])
    assert_same_histories(found, expected)
    assert seen == [0, 1, 2]


def test_predict_evaluate_and_single_batches_agree():
    plain, _ = trained(False, "sgd")
    fast = accelerate(build())
    fast.compile(
        "sgd", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"]
    )
    fast.set_weights(plain.get_weights())
    expected = plain.predict(X, verbose=0)
    np.testing.assert_allclose(fast.predict(X, verbose=0), expected, atol=1e-5)
    np.testing.assert_allclose(
        fast.evaluate(X, Y, verbose=0), plain.evaluate(X, Y, verbose=0), rtol=1e-4
    )
    losses = [model.train_on_batch(X, Y)[0] for model in (fast, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_predictions_do_not_depend_on_the_batch_size():
    model = accelerate(build())
    model.compile()
    whole, single = (model.predict(X, batch_size=n, verbose=0) for n in (48, 1))
    np.testing.assert_allclose(whole, single, atol=1e-6)


def test_a_saved_model_is_an_ordinary_one(tmp_path):
    model, _ = trained(True, "sgd")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert "call" not in vars(again)
    np.testing.assert_allclose(
        again.predict(X, verbose=0), model.predict(X, verbose=0), atol=1e-5
    )


def test_a_layer_added_later_counts():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    accelerate(accelerate(model))
    model.add(layers.Dense(2))
    assert model(torch.zeros(5, 4)).shape == (5, 2)


def test_lowering_looks_past_an_acceleration():
    model = accelerate(build())
    assert lower(model).kept == ()
    outer = keras.Sequential([keras.Input((8, 8, 3)), model])
    assert lower(outer).kept == ()


def test_freezing_counts_from_the_next_step():
    model, _ = trained(True, "sgd")
    norm = next(x for x in model.layers if isinstance(x, layers.BatchNormalization))
    norm.trainable = False
    before = norm.moving_mean.numpy().copy()
    model(torch.tensor(X), training=True)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)


def test_bfloat16_gives_outputs_in_the_types_of_before():
    model = accelerate(build(), precision="bfloat16")
    plain = build()
    with torch.no_grad():
        found, expected = model(torch.tensor(X)), plain(torch.tensor(X))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=2e-2, rtol=0)


class OwnCall(keras.Model):
    def call(self, x):
        return x


def test_what_cannot_be_accelerated_runs_as_before_and_says_so_once():
    model = OwnCall()
    model(torch.zeros(2, 3))
    with pytest.warns(UserWarning, match="runs as before"):
        assert accelerate(model) is model
    assert "call" not in vars(model)
    model(torch.zeros(2, 3))  # warnings are errors: it says no more


def test_a_model_compiled_to_code_runs_as_before_and_says_so():
    model = build()
    model.compile("sgd", "mse", jit_compile=True)
    with pytest.warns(UserWarning, match="jit_compile"):
        accelerate(model)
    assert "call" not in vars(model)


def test_one_that_can_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        accelerate(build())


def dropping(training):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8,))
    x = layers.Dropout(0.5, seed=1)(inputs, training=training)
    return keras.Model(inputs, layers.BatchNormalization(momentum=0.5)(x))


@pytest.mark.parametrize("stated", [True, False, None])
@pytest.mark.parametrize("asked", [True, False, None])
def test_who_says_whether_it_trains_is_as_in_keras(stated, asked):
    x = torch.rand(4, 8)
    plain, fast = dropping(stated), accelerate(dropping(stated))
    torch.testing.assert_close(fast(x, training=asked), plain(x, training=asked))
    for one, other in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


class Noisy(layers.Layer):
    """Is in training mode where nobody says."""

    def call(self, x, training=True):
        return x + 1 if training else x


@pytest.mark.parametrize("asked", [True, False, None])
def test_the_default_of_a_layer_of_the_users_own_counts(asked):
    inputs = keras.Input((8,))
    model = keras.Model(inputs, Noisy()(inputs))
    expected = model(torch.zeros(2, 8), training=asked)
    assert torch.equal(accelerate(model)(torch.zeros(2, 8), training=asked), expected)


def linear(model):
    model.layers[-1].activation = keras.activations.linear


def hooked(model):
    model.layers[1].register_forward_hook(lambda layer, given, found: found * 2)


def regularized(model):
    model.layers[1].activity_regularizer = keras.regularizers.L2(0.1)


def quantized(model):
    model.layers[-1].quantize("int8")


def adapted(model):
    keras.utils.set_random_seed(2)
    model.layers[-1].enable_lora(2)
    model.layers[-1].lora_kernel_b.assign(np.ones((2, 4)))


@pytest.mark.parametrize("change", [linear, hooked, regularized, quantized, adapted])
def test_what_is_set_on_a_layer_later_counts(change):
    plain, fast = build(), accelerate(build())
    with torch.no_grad():
        before = fast(torch.tensor(X))
        for model in (plain, fast):
            change(model)
        expected, found = plain(torch.tensor(X)), fast(torch.tensor(X))
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
    losses = [sum(x.item() for x in model.losses) for model in (plain, fast)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert change is regularized or not torch.equal(found, before)


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        lambda model: pickle.loads(pickle.dumps(model)),
        keras.models.clone_model,
    ],
    ids=["deepcopy", "pickle", "clone_model"],
)
def test_a_copy_is_a_plain_model_of_its_own(copied):
    model = accelerate(build())
    before = model.predict(X, verbose=0)
    other = copied(model)
    assert "call" not in vars(other)
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)


def test_an_unknown_precision_is_refused():
    with pytest.raises(EngineError, match="float8"):
        accelerate(build(), precision="float8")


def with_masks():
    keras.utils.set_random_seed(1)
    embedded = layers.Embedding(9, 4, mask_zero=True)
    return keras.Sequential([keras.Input((6,)), embedded, layers.LSTM(5)])


def test_a_model_with_masks_runs_as_before_and_says_so():
    x = np.arange(12).reshape(2, 6) % 9
    model = with_masks()
    expected = model.predict(x, verbose=0)
    with pytest.warns(UserWarning, match="runs as before.*masks"):
        accelerate(model)
    assert "call" not in vars(model)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)


def test_masks_that_come_later_are_keras_own():
    x = np.float32([[[1, 2], [0, 0], [3, 4]]])
    found = []
    for change in (lambda model: model, accelerate):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((3, 2)), layers.Identity()])
        change(model)
        for layer in (layers.Masking(), layers.LSTM(3)):
            model.add(layer)
        found.append(model.predict(x, verbose=0))
    np.testing.assert_array_equal(*found)


def test_what_a_stateless_call_is_given_and_the_model_stay_as_they_are():
    x = torch.tensor(X)
    results = []
    for model in (build(), accelerate(build())):
        before = [v.numpy().copy() for v in model.variables]
        given = [
            [v.value.detach().clone() for v in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        ]
        copies = [[v.clone() for v in values] for values in given]
        outputs, moved = model.stateless_call(*given, x, training=True)
        torch.testing.assert_close(given, copies, rtol=0, atol=0)
        for variable, value in zip(model.variables, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)
        results.append((outputs, moved))
    torch.testing.assert_close(*results)


def pooled(inputs):
    keras.utils.set_random_seed(1)
    return [inputs, layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        ({"shape": (8, 8, 3)}, (5, 10, 10, 3)),
        ({"batch_shape": (5, 8, 8, 3)}, (7, 8, 8, 3)),
    ],
    ids=["other images", "other batch"],
)
def test_shapes_that_keras_takes_are_taken(inputs, shape):
    plain, fast = (keras.Sequential(pooled(keras.Input(**inputs))) for _ in range(2))
    images = RNG.uniform(size=shape).astype("float32")
    expected = plain.predict(images, batch_size=5, verbose=0)
    found = accelerate(fast).predict(images, batch_size=5, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_hook_on_gradients_is_called():
    model = accelerate(build())
    model(torch.tensor(X), training=True)
    seen = []
    model.layers[1].register_full_backward_hook(lambda *_: seen.append("after"))
    model.layers[1].register_full_backward_pre_hook(lambda *_: seen.append("before"))
    model(torch.tensor(X).requires_grad_(), training=True).sum().backward()
    assert seen == ["before", "after"]


LATER = {
    "epsilon": (lambda: layers.BatchNormalization(), {"epsilon": 3.0}),
    "slope": (lambda: layers.LeakyReLU(0.1), {"negative_slope": 0.9}),
    "ceiling": (lambda: layers.ReLU(6.0), {"max_value": 0.2}),
    "threshold": (lambda: layers.ReLU(), {"threshold": 0.3}),
    "scale": (lambda: layers.Rescaling(0.1), {"scale": 0.5}),
    "offset": (lambda: layers.Rescaling(0.1), {"offset": [1.0, 2.0, 3.0, 4.0]}),
    "largest": (lambda: layers.MaxPooling2D(2), {"pool_size": (3, 3)}),
    "mean": (lambda: layers.AveragePooling2D(2), {"pool_size": (3, 3)}),
}


@pytest.mark.parametrize("case", LATER)
def test_a_number_set_on_a_layer_later_counts(case):
    make, changes = LATER[case]
    found = []
    for change in (lambda model: model, accelerate):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), make()])
        change(model)
        before = model.predict(X, verbose=0)
        for name, value in changes.items():
            setattr(model.layers[1], name, value)
        found.append(model.predict(X, batch_size=48, verbose=0))
        assert found[-1].shape != before.shape or np.abs(found[-1] - before).max() > 0.1
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize("change", ["add", "pop"])
def test_a_change_of_a_model_inside_counts(change):
    found = []
    for accelerated in (False, True):
        keras.utils.set_random_seed(1)
        inner = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
        inside = keras.Sequential([keras.Input((8, 8, 3)), *inner])
        model = keras.Sequential([keras.Input((8, 8, 3)), inside])
        if accelerated:
            accelerate(model)
        model.predict(X, verbose=0)
        inside.pop() if change == "pop" else inside.add(layers.Rescaling(3.0))
        found.append(model.predict(X, verbose=0))
    np.testing.assert_allclose(*found, atol=1e-5)
