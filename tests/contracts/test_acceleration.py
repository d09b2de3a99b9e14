"""What a user may give to Keras' `fit`, and to an accelerated model's: the same run.

Histories are compared to rounding, on the same data in the same order.
"""

import csv

import keras
import numpy as np
import pytest
import torch
from keras import callbacks, layers, optimizers

from residency.engine import accelerate

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(48, 8, 8, 3)).astype("float32")
Y = RNG.integers(0, 4, size=48)
HOT = np.eye(4, dtype="float32")[Y]


def network():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", kernel_regularizer="l2")(inputs)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(layers.Dropout(0.1)(x))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


def runs(fit, build=network, **compiled):
    """Returns what `fit(model)` gives for a plain and for an accelerated model."""
    settings = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"}
    found = []
    for change in (lambda model: model, accelerate):
        keras.utils.set_random_seed(1)
        model = build()
        given = {
            key: value() if callable(value) and key == "optimizer" else value
            for key, value in (settings | compiled).items()
        }
        model.compile(**given)
        if change is accelerate:
            assert "call" in vars(accelerate(model))
        found.append(fit(model))
    return found


def history(**options):
    """Returns a function that trains a model and gives its history."""
    options = {
        "x": X,
        "y": Y,
        "batch_size": 12,
        "epochs": 3,
        "shuffle": False,
    } | options
    return lambda model: (
        model.fit(
            **{
                key: given() if callable(given) else given
                for key, given in options.items()
            },
            verbose=0,
        ).history
    )


def assert_same(found):
    expected, accelerated = found
    assert accelerated.keys() == expected.keys()
    for name, values in expected.items():
        assert len(accelerated[name]) == len(values)
        np.testing.assert_allclose(
            accelerated[name], values, rtol=2e-3, atol=2e-3, err_msg=name
        )


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(12 * index, 12 * index + 12)
        return X[part], Y[part], np.linspace(0, 1, 12)


def generator():
    while True:
        yield from ((X[n : n + 12], Y[n : n + 12]) for n in range(0, 48, 12))


def loader():
    pairs = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    return torch.utils.data.DataLoader(pairs, 12)


ALONE = {"y": None, "batch_size": None}
DATA = {
    "arrays": {},
    "validation split": {"validation_split": 0.25},
    "validation data": {"validation_data": (X[:20], Y[:20])},
    "validation data, weighted": {
        "validation_data": (X[:20], Y[:20], np.linspace(0, 1, 20)),
        "validation_freq": 2,
        "validation_batch_size": 7,
    },
    "class weights": {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5, 3: 1.0}},
    "sample weights": {"sample_weight": np.linspace(0, 1, 48)},
    "steps": {"steps_per_epoch": 2},
    "a last batch of one": {"batch_size": 47},
    "torch tensors": {"x": torch.tensor(X), "y": torch.tensor(Y)},
    "uint8 images": {"x": (255 * X).astype("uint8")},
    "a PyDataset": {"x": lambda: Batches(), **ALONE},
    "a generator": {"x": generator, **ALONE, "steps_per_epoch": 4, "shuffle": None},
    "a loader": {"x": loader, **ALONE},
}


@pytest.mark.parametrize("case", DATA)
def test_every_kind_of_data(case):
    assert_same(runs(history(**DATA[case]), weighted_metrics=["accuracy"]))


def test_data_of_tensorflow():
    tf = pytest.importorskip("tensorflow")

    def data():
        return tf.data.Dataset.from_tensor_slices((X, Y)).batch(12)

    options = {"x": data, **ALONE, "validation_data": data}
    assert_same(runs(history(**options), metrics=["accuracy"]))


METRICS = {
    "AUC": (lambda: [keras.metrics.AUC(), keras.metrics.AUC(curve="PR")], HOT),
    "precision and recall": (
        lambda: [keras.metrics.Precision(), keras.metrics.Recall()],
        HOT,
    ),
    "top k": (lambda: ["accuracy", keras.metrics.TopKCategoricalAccuracy(2)], HOT),
}


@pytest.mark.parametrize("case", METRICS)
def test_metrics_with_a_state(case):
    make, labels = METRICS[case]
    fit = history(y=labels, validation_split=0.25)

    found = []
    for fast in (False, True):
        keras.utils.set_random_seed(1)
        model = network()
        model.compile("adam", "categorical_crossentropy", metrics=make())
        found.append(fit(accelerate(model) if fast else model))
    values = [list(each.values()) for each in found]  # names may count up
    np.testing.assert_allclose(values[1], values[0], rtol=2e-2, atol=5e-3)


def focal(y_true, y_pred):
    picked = keras.ops.sum(y_true * y_pred, axis=-1)
    return -((1 - picked) ** 2) * keras.ops.log(picked + 1e-7)


class Smoothed(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.losses.categorical_crossentropy(
            y_true, y_pred, label_smoothing=0.1
        )


@pytest.mark.parametrize("loss", [focal, Smoothed()], ids=["function", "class"])
def test_losses_of_the_users_own(loss):
    assert_same(runs(history(y=HOT), loss=loss))


def decay(epoch, rate):
    return rate * 0.5


def test_callbacks_see_and_do_the_same(tmp_path):
    def fit(model):
        folder = tmp_path / ("fast" if "call" in vars(model) else "plain")
        folder.mkdir()
        found = history(
            epochs=6,
            validation_split=0.25,
            callbacks=[
                callbacks.LearningRateScheduler(decay),
                callbacks.CSVLogger(folder / "log.csv"),
                callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
                callbacks.TerminateOnNaN(),
            ],
        )(model)
        with (folder / "log.csv").open() as file:
            rows = [
                {k: float(v) for k, v in row.items()} for row in csv.DictReader(file)
            ]
        best = keras.saving.load_model(folder / "best.keras")
        assert "call" not in vars(best)
        found["logged"] = [row["val_loss"] for row in rows]
        found["best"] = best.predict(X, verbose=0)
        return found

    assert_same(runs(fit))


def test_early_stopping_and_plateaus_come_in_the_same_epoch():
    def fit(model):
        found = history(
            epochs=12,
            validation_split=0.25,
            callbacks=[
                callbacks.ReduceLROnPlateau(patience=1, min_delta=0.05),
                callbacks.EarlyStopping(
                    patience=3, min_delta=0.05, restore_best_weights=True
                ),
            ],
        )(model)
        assert len(found["loss"]) < 12
        found["weights"] = [float(np.square(w).sum()) for w in model.get_weights()]
        return found

    assert_same(runs(fit, metrics=["accuracy"]))


def sgd(**options):
    return lambda: optimizers.SGD(0.05, momentum=0.9, **options)


OPTIMIZERS = {
    "gradients of 3 steps": sgd(gradient_accumulation_steps=3),
    "moving average of the weights": sgd(
        use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=5
    ),
    "moving average at the end": sgd(use_ema=True),
    "scaled loss": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.05)),
    "fixed loss scale": sgd(loss_scale_factor=8.0),
    "weight decay": sgd(weight_decay=1e-3),
    "clipping by value": sgd(clipvalue=0.01),
    "clipping together": sgd(global_clipnorm=0.1),
    "warm up": lambda: optimizers.Adam(
        optimizers.schedules.CosineDecay(0.0, 8, warmup_target=0.01, warmup_steps=4)
    ),
    "steps": lambda: optimizers.SGD(
        optimizers.schedules.PiecewiseConstantDecay([3, 6], [0.1, 0.05, 0.01])
    ),
    "polynomial": lambda: optimizers.SGD(
        optimizers.schedules.PolynomialDecay(0.1, 10, power=2.0)
    ),
}


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_what_optimizers_do_around_a_step(case):
    assert_same(runs(history(validation_split=0.25), optimizer=OPTIMIZERS[case]))


def two_of_each():
    """Returns a model with two inputs, two outputs, a shared and a nested part."""
    images, numbers = keras.Input((8, 8, 3), name="images"), keras.Input((2,), name="n")
    shared = layers.Conv2D(3, 3, padding="same", activation="relu")
    x = layers.GlobalAveragePooling2D()(
        layers.BatchNormalization()(shared(shared(images)))
    )
    head = keras.Sequential([layers.Dense(8), layers.ReLU()])
    x = head(layers.Concatenate()([x, numbers]))
    outputs = {
        "kind": layers.Dense(4, activation="softmax", name="kind")(x),
        "size": layers.Dense(1, name="size")(x),
    }
    return keras.Model([images, numbers], outputs)


def test_several_inputs_and_outputs_each_with_a_loss():
    numbers = RNG.uniform(size=(48, 2)).astype("float32")
    fit = history(
        x={"images": X, "n": numbers},
        y={"kind": Y, "size": numbers[:, :1]},
        validation_split=0.25,
    )
    found = runs(
        fit,
        two_of_each,
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.3},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    assert {"kind_loss", "size_mae", "val_kind_accuracy"} <= found[0].keys()
    assert_same(found)


class Sharp(keras.Model):
    """Trains on noise beside the images, and on the size of the input's gradient."""

    def train_step(self, data):
        x, y = data
        x = x.detach().requires_grad_()
        self.zero_grad()
        scores = self(x, training=True)
        loss = self.compute_loss(x, y, scores)
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        total = loss + 10.0 * slope.square().sum()
        total.backward()
        weights = self.trainable_weights
        with torch.no_grad():
            self.optimizer.apply([w.value.grad for w in weights], weights)
        return {"loss": loss.item(), "slope": slope.square().sum().item()}


def sharp():
    model = network()
    return Sharp(model.inputs, model.outputs)


def test_a_train_step_of_the_users_own_that_derives_twice():
    assert_same(runs(history(), sharp))


def test_single_batches():
    def fit(model):
        found = {"train": [], "test": []}
        for n in range(0, 48, 12):
            x, y, weight = X[n : n + 12], Y[n : n + 12], np.linspace(0, 1, 12)
            found["train"].append(model.train_on_batch(x, y, sample_weight=weight))
            found["test"].append(model.test_on_batch(x, y))
        weights = {0: 2.0, 1: 1.0, 2: 1.0, 3: 0.5}
        found["weighted"] = model.train_on_batch(X, Y, class_weight=weights)
        found["predict"] = model.predict_on_batch(X[:5])
        found["evaluate"] = model.evaluate(X, Y, batch_size=7, verbose=0)
        found["predict all"] = model.predict(X, batch_size=7, verbose=0)
        found["call"] = model(X[:3]).detach().numpy()
        return found

    assert_same(runs(fit, metrics=["accuracy"]))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_with_a_float32_head(policy):
    def build():
        keras.config.set_dtype_policy(policy)
        try:
            inputs = keras.Input((8, 8, 3))
            x = layers.Rescaling(2.0, offset=-1.0, dtype="float32")(inputs)
            x = layers.Conv2D(8, 3)(layers.ZeroPadding2D(1)(x))
            x = layers.ReLU()(layers.BatchNormalization()(x))
            x = layers.GlobalAveragePooling2D()(x)
            outputs = layers.Dense(4, activation="softmax", dtype="float32")(x)
            return keras.Model(inputs, outputs)
        finally:
            keras.config.set_dtype_policy("float32")

    expected, found = runs(history(validation_split=0.25), build)
    for name, values in expected.items():  # one rounding of the narrow type and more
        np.testing.assert_allclose(found[name], values, rtol=3e-2, err_msg=name)


def test_a_network_that_came_to_nan_predicts_nan():
    def fit(model):
        kernel = model.layers[1].kernel
        kernel.assign(np.full(kernel.shape, np.nan))
        found = {"loss": [model.evaluate(X, Y, verbose=0)]}
        return found | {"outputs": model.predict(X, verbose=0)}

    expected, found = runs(fit)
    assert np.isnan(expected["outputs"]).all()
    assert np.isnan(found["outputs"]).all()
    assert np.isnan(found["loss"]).all()
