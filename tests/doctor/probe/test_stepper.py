"""Steps by hand equal those of Keras, and other backends take them too."""

import importlib.util
import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from residency.doctor.probe.stepper import Stepper


def model_and_batch():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            keras.layers.Conv2D(4, 3, kernel_regularizer=keras.regularizers.L2(0.01)),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy"
    )
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 6, 6, 2)).astype("float32")
    return model, (x, np.arange(8) % 3, None)


def test_steps_are_those_of_train_on_batch():
    ours, batch = model_and_batch()
    theirs, _ = model_and_batch()
    stepper, optimizer = Stepper(ours), keras.optimizers.SGD(0.1, momentum=0.9)
    for _ in range(3):
        loss = stepper.step(optimizer, batch)
        theirs.reset_metrics()
        expected = float(theirs.train_on_batch(batch[0], batch[1]))
        assert loss == pytest.approx(expected, rel=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_training_loss_is_that_before_the_step():
    model, batch = model_and_batch()
    stepper = Stepper(model)
    loss = stepper.training_loss(batch)
    assert stepper.step(keras.optimizers.SGD(0.1), batch) == pytest.approx(loss)


def test_inference_uses_the_moving_statistics():
    model, batch = model_and_batch()
    expected = model.test_on_batch(batch[0], batch[1])
    assert Stepper(model).evaluate(batch) == pytest.approx(float(expected), rel=1e-5)


def test_a_loss_that_is_not_a_number_moves_nothing():
    model, (x, y, _) = model_and_batch()
    before = [np.array(w) for w in model.get_weights()[:1]]
    Stepper(model).step(keras.optimizers.SGD(0.1), (x * np.nan, y, None))
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


PROGRAM = """
    import numpy as np, keras, residency
    rng = np.random.default_rng(0)
    y = np.arange(64) % 2
    x = rng.normal(size=(64, 4)).astype("float32") + y[:, None]
    model = keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(8, kernel_regularizer="l2"),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(2, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    data = [(x, y)]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf
        data.append(tf.data.Dataset.from_tensor_slices((x, y)).batch(16))
    from residency.doctor.probe import take_probe
    for train in data:
        before = [np.array(w) for w in model.get_weights()]
        probe = take_probe(model, train, epochs=2, budget_seconds=60)
        assert not probe.raised, probe.raised
        losses = probe.trials.as_set.losses
        assert len(losses) >= 3 and np.isfinite(losses).all(), losses
        assert probe.train.size == 64, probe.train.size
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        residency.diagnose(model, train, epochs=2, budget_seconds=1)
    print("done on", keras.backend.backend())
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_other_backends(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert f"done on {backend}" in run.stdout, run.stderr[-2000:]
