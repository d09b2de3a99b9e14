"""Checkpoints: all or nothing, the newest that can be read."""

import keras
import numpy as np
import pytest
import torch

from residency.engine.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from residency.engine.hooks import Checkpoint
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.state import INTERRUPTED, TrainState
from residency.engine.step import Step
from residency.errors import EngineError
from residency.models import build
from residency.training import SGD, AdamW, CrossEntropy, Muon

from .conftest import small_model


def make_step(optimizer=None, model=None):
    network = Network(model or small_model())
    optimizer = build_optimizer(optimizer or SGD(learning_rate=0.1), network)
    return Step(network, optimizer, loss=CrossEntropy())


def state_at(step, **values):
    return TrainState(
        total_steps=10, steps_per_epoch=5, peak_rate=0.1, step=step, **values
    )


@pytest.mark.parametrize(
    "optimizer",
    [SGD(learning_rate=0.1, nesterov=True), AdamW(), Muon(sgd_rate=0.1)],
    ids=["sgd", "adamw", "muon"],
)
def test_going_on_from_a_checkpoint_is_bit_exact(tmp_path, batch, optimizer):
    straight = make_step(optimizer)
    for _ in range(2):
        straight(*batch, 0.1)
    state = state_at(2, loss_sum=torch.tensor(0.1, dtype=torch.float64) / 3, images=7)
    weights = [np.arange(3.0), np.ones((2, 2), "float32")]
    callback = {"class": "X", "values": {"wait": 3}, "arrays": {"best": weights}}
    save_checkpoint(tmp_path, straight, state, [callback])
    resumed = make_step(optimizer)
    found, callbacks = load_checkpoint(tmp_path, resumed)
    assert float(found.loss_sum) == float(state.loss_sum)
    assert (found.step, found.images, callbacks[0]["values"]["wait"]) == (2, 7, 3)
    for a, b in zip(callbacks[0]["arrays"]["best"], weights, strict=True):
        assert np.array_equal(a, b)
    for _ in range(2):
        straight(*batch, 0.05)
        resumed(*batch, 0.05)
    for a, b in zip(
        straight.network.model.variables, resumed.network.model.variables, strict=True
    ):
        assert np.array_equal(a.numpy(), b.numpy()), a.path


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path):
    step = make_step()
    for number in (1, 2, 3):
        save_checkpoint(tmp_path, step, state_at(number), [])
    assert [p.name[-13:-12] for p in checkpoints(tmp_path)] == ["2", "3"]
    newest = checkpoints(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:100])
    found, _ = load_checkpoint(tmp_path, step)
    assert found.step == 2


def test_only_damaged_ones_are_an_error(tmp_path):
    (tmp_path / "step-000000001.safetensors").write_bytes(b"no")
    with pytest.raises(EngineError, match="none of 1 checkpoints"):
        load_checkpoint(tmp_path, make_step())


def test_another_models_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path, make_step(), state_at(1), [])
    other = build("cifar_resnet20", num_classes=3, image_size=8)
    with pytest.raises(EngineError, match="of another model"):
        load_checkpoint(tmp_path, make_step(model=other))


def test_another_versions_checkpoint_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("residency.engine.checkpoint.FORMAT", "1")
    save_checkpoint(tmp_path, make_step(), state_at(1), [])
    monkeypatch.undo()
    with pytest.raises(EngineError, match="another version of Residency"):
        load_checkpoint(tmp_path, make_step())


def test_an_interruption_is_forgotten_and_a_stop_is_not(tmp_path):
    step = make_step()
    for reason, kept in [(INTERRUPTED, None), ("a callback asked", "a callback asked")]:
        save_checkpoint(tmp_path, step, state_at(1, stop=reason), [])
        found, _ = load_checkpoint(tmp_path, step)
        assert found.stop == kept


def test_nothing_there_is_none(tmp_path):
    assert load_checkpoint(tmp_path, make_step()) is None


KERNELS = {
    "transposed": lambda: keras.layers.Conv2DTranspose(4, 3),
    "depthwise": lambda: keras.layers.DepthwiseConv2D(3, depth_multiplier=2),
    "separable": lambda: keras.layers.SeparableConv2D(4, 3, depth_multiplier=2),
    "regularized": lambda: keras.layers.Conv2D(4, 3, activity_regularizer="l2"),
}


@pytest.mark.parametrize("config", [SGD(learning_rate=0.1), AdamW(), Muon()])
@pytest.mark.parametrize("kind", KERNELS)
def test_momentum_meets_its_own_weight_again_however_kernels_lie(
    kind, config, tmp_path
):
    """Four steps, a checkpoint, four more: equal to eight, bit for bit."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 8, 8, 3)).astype("uint8")

    def step():
        keras.utils.set_random_seed(0)
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(3, 3)(keras.layers.Rescaling(1 / 255)(inputs))
        x = keras.layers.GlobalAveragePooling2D()(KERNELS[kind]()(x))
        network = Network(keras.Model(inputs, keras.layers.Dense(3)(x)))
        optimizer = build_optimizer(config, network)
        return Step(network, optimizer, loss=CrossEntropy())

    straight, first, second = step(), step(), step()
    for n in range(8):
        straight(images, np.arange(4) % 3, 0.1)
        if n == 4:
            save_checkpoint(tmp_path, first, state_at(4), [])
            load_checkpoint(tmp_path, second)
        (first if n < 4 else second)(images, np.arange(4) % 3, 0.1)
    pairs = [each.network.model.variables for each in (straight, second)]
    for a, b in zip(*pairs, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    step = make_step()
    hook = Checkpoint(tmp_path, step, list, minutes=0)
    hook.save(state_at(1))
    step.network.model.get_layer("conv").kernel.assign(np.full((3, 3, 3, 4), np.nan))
    hook.save(state_at(2))
    hook.save(state_at(3, loss_sum=np.nan, images=4))
    assert [path.name for path in checkpoints(tmp_path)] == [
        "step-000000001.safetensors"
    ]
