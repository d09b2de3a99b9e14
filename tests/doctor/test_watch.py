"""The pulse: dead trainings are named within a hundred steps, living ones never."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from residency.doctor.watch import LAST, Pulse, Watch, WatchCallback
from residency.engine.state import TrainState


def images(count=512, classes=4, noise=1.0):
    rng = np.random.default_rng(0)
    y = np.arange(count) % classes
    x = rng.normal(0, noise, (count, 8, 8, 3))
    x += np.cos(y[:, None] * np.arange(1, 4))[:, None, None, :]
    return x.astype("float32"), y


def network(*, norm=False):
    layers = [keras.layers.Conv2D(8, 3, strides=2)]
    layers += [keras.layers.BatchNormalization()] if norm else []
    layers += [keras.layers.ReLU(), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential(
        [keras.Input((8, 8, 3)), *layers, keras.layers.Dense(4, activation="softmax")]
    )


def watched(model, optimizer, data, *, classes=4, steps=60, batch_size=16):
    keras.utils.set_random_seed(1)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    watch = WatchCallback(classes)
    epochs = -(-steps * batch_size // len(data[0]))
    model.fit(*data, epochs=epochs, batch_size=batch_size, verbose=0, callbacks=[watch])
    return [f.code for f in watch.findings]


@pytest.mark.parametrize(
    ("make", "optimizer", "code"),
    [
        (network, keras.optimizers.SGD(1e-12), "RD521"),
        (network, keras.optimizers.SGD(0.0), "RD521"),
        (network, keras.optimizers.SGD(1e4), "RD523"),
    ],
    ids=["tiny rate", "no rate", "far too high"],
)
def test_names_a_dead_training(make, optimizer, code):
    assert code in watched(make(), optimizer, images())


SCHEDULES = keras.optimizers.schedules


@pytest.mark.parametrize(
    ("norm", "optimizer"),
    [
        (False, keras.optimizers.Adam(1e-3)),
        (False, keras.optimizers.AdamW(1e-5)),
        (True, keras.optimizers.SGD(0.1, momentum=0.9)),
        (
            True,
            keras.optimizers.SGD(
                SCHEDULES.CosineDecay(0.0, 1000, warmup_target=0.1, warmup_steps=500)
            ),
        ),
        (True, keras.optimizers.Adadelta()),
    ],
    ids=["adam", "fine-tuning rate", "high rate with norm", "warm-up", "adadelta"],
)
def test_healthy_trainings_are_let_be(norm, optimizer):
    assert watched(network(norm=norm), optimizer, images(), steps=100) == []


def test_hard_data_are_let_be():
    x, y = images(noise=1.0)
    shuffled = np.random.default_rng(1).permutation(y)
    found = watched(network(), keras.optimizers.Adam(1e-3), (x, shuffled), steps=100)
    assert found == []


@pytest.mark.parametrize(
    ("losses", "code"),
    [
        ([1.4, 5.0], "RD523"),
        ([2.3, 7.5, 20.0], "RD523"),
        ([float("nan")], "RD523"),
        ([1.4, float("inf")], "RD523"),
        ([0.69314, 0.69314, 0.69314], "RD522"),
    ],
)
def test_what_losses_alone_show(losses, code):
    values = iter(np.arange(100.0))
    pulse = Pulse(lambda: [np.array([next(values)])], num_classes=4)
    for step, loss in enumerate(losses, start=1):
        pulse.look(10 * step, loss)
    assert [f.code for f in pulse.findings] == [code]


@pytest.mark.parametrize(
    "losses",
    [
        [1.4, 2.8, 2.2, 1.4],
        [6.9, 8.5, 7.0],
        [1.386, 1.387, 1.386, 1.385],
        [0.05, 0.9, 0.1],
    ],
    ids=["first burst", "many classes", "hard data", "fine-tuning from low"],
)
def test_losses_of_living_trainings(losses):
    values = iter(np.arange(100.0))
    pulse = Pulse(lambda: [np.array([next(values)])], num_classes=4)
    assert [pulse.look(10 * n, loss) for n, loss in enumerate(losses, 1)] == [
        None
    ] * len(losses)


def test_each_fault_is_said_once(caplog):
    pulse = Pulse(lambda: [np.zeros(1)], num_classes=4)
    for step in range(10, 110, 10):
        pulse.look(step, 1.0)
    assert [f.code for f in pulse.findings] == ["RD521", "RD522"]


def test_the_hook_reads_mean_losses_across_an_epochs_end(caplog):
    network = SimpleNamespace(trainable=list, num_classes=4)
    hook = Watch(network)
    state = TrainState(total_steps=200, steps_per_epoch=15, peak_rate=0.1)
    hook.on_start(state)
    for step in range(1, 41):
        if step % 15 == 1:
            state.loss_sum, state.images = 0.0, 0
        state.step = step
        state.images += 8
        state.loss_sum += 8 * (1.0 + step)
        hook.after_step(state)
    # means over steps 1-10, 11-20 (of them 16-20 in the new epoch), 21-30, 31-40
    assert hook.pulse.losses[0] == pytest.approx(6.5)
    assert hook.pulse.losses[2] == pytest.approx(26.5)


def test_a_resumed_run_is_not_watched():
    hook = Watch(SimpleNamespace(trainable=list, num_classes=4))
    hook.on_start(TrainState(200, 10, 0.1, step=50))
    assert hook.pulse is None
    hook.after_step(TrainState(200, 10, 0.1, step=LAST))
