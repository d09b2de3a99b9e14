"""Two processes train as one: the same weights after the same batches."""

import runpy

import numpy as np
import pytest
import torch

from residency.engine.together import require_own_gpu
from residency.errors import EngineError

SCRIPT = '''
import keras, numpy as np
from residency.data import Pipeline, RandomFlip, load
from residency.engine.distributed import joined
from residency.engine.hooks import Hook
from residency.engine.loop import fit
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.state import TrainState
from residency.engine.step import Step
from residency.engine.together import Together
from residency.training import SGD, CrossEntropy

layers = keras.layers


class Doubling(layers.Layer):
    """A layer of the user's own, with batch normalization inside."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.norm = layers.BatchNormalization(momentum=0.5, name="inside")

    def call(self, x, training=None):
        return 2 * self.norm(x, training=training)


def model_of(kind):
    keras.utils.set_random_seed(0)
    x = images = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = layers.Conv2D(
        4, 3, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.01)
    )(x)
    if kind == "own":
        x = Doubling()(x)
    if kind in ("batch", "share"):
        y = x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.5)(x))
        y = layers.BatchNormalization(momentum=0.5)(layers.Conv2D(4, 1)(y))
        x = layers.Activation("relu")(layers.Add()([x, y]))
    x = layers.Flatten()(x)
    return keras.Model(images, layers.Dense(3)(x))


def images_of(count):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 8, 8, 3)).astype("uint8")
    return load((images, np.arange(count) % 3), validation=0.0, test=0.0)


class Listen(Hook):
    """Keeps what each process saw, and lets rank 0's callbacks set the rate."""

    def __init__(self, first):
        self.first, self.losses, self.counts = first, [], []

    def before_step(self, state):
        if self.first and state.step == 3:
            state.rate_override = 0.01

    def after_step(self, state):
        self.counts.append(state.batch_images)

    def after_epoch(self, state, sums):
        self.losses.append(sums.loss)


def train(kind, processes):
    """Two epochs of 11 images in steps of 5, so the last one holds a single image."""
    network = Network(model_of(kind))
    together = None
    if processes.size > 1:
        together = Together(processes, network, 0, whole_batch=kind != "share")
    step = Step(
        network,
        build_optimizer(SGD(learning_rate=0.05), network),
        loss=CrossEntropy(label_smoothing=0.1),
        clip_norm=1.0,
        average=together and together.average,
    )
    pipeline = Pipeline(
        images_of(11).train,
        image_size=8,
        batch_size=5,
        transforms=(RandomFlip(),),
        share=(processes.rank, processes.size),
    )
    state = TrainState(total_steps=6, steps_per_epoch=3, peak_rate=0.05)
    listen = Listen(processes.first)
    hooks = [listen, *([together] if together else [])]
    fit(step, pipeline, lambda s: s.rate_override or 0.05, state, hooks)
    values = {name: v.detach().numpy() for name, v in network.variables().items()}
    return values | {"losses": listen.losses, "counts": listen.counts}


if __name__ == "__main__":
    with joined() as processes:
        for kind in ("none", "batch", "share", "own"):
            np.savez(f"{kind}{processes.rank}.npz", **train(kind, processes))
'''


@pytest.fixture(scope="module")
def trained(tmp_path_factory, two_processes):
    """Returns what one process and each of two end with, and what two printed."""
    folder = tmp_path_factory.mktemp("together")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    run = two_processes(folder, "script.py")
    errors = run.communicate(timeout=300)[1]
    assert run.returncode == 0, errors
    alone = runpy.run_path(str(script))

    def of(kind: str) -> list[dict[str, np.ndarray]]:
        one = alone["train"](kind, alone["joined"]().__enter__())
        return [one, *(dict(np.load(folder / f"{kind}{rank}.npz")) for rank in (0, 1))]

    return of, errors


def farthest(a, b) -> float:
    return max(np.abs(np.asarray(a[k]) - b[k]).max() for k in a)


@pytest.mark.parametrize("kind", ["none", "batch"])
def test_two_processes_end_with_the_weights_of_one(trained, kind):
    one, first, second = trained[0](kind)
    assert first["counts"].tolist() == [5, 5, 1, 5, 5, 1]
    assert np.allclose(first["losses"], one["losses"], rtol=1e-6)
    # float32, six steps: sums in another order differ in the last digits
    assert farthest(one, first) < 2e-6
    assert farthest(first, second) == 0


def test_statistics_of_each_share_are_another_training_and_still_agree(trained):
    one, first, second = trained[0]("share")
    assert farthest(one, first) > 1e-3
    assert farthest(first, second) == 0


def test_layers_that_keras_runs_are_named(trained):
    _one, first, second = trained[0]("own")
    assert farthest(first, second) == 0
    told = [line for line in trained[1].splitlines() if "as Keras runs" in line]
    assert len(told) == 1
    assert told[0].endswith("inside")


def test_a_model_on_another_processs_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    require_own_gpu(torch.device("cpu"))
    require_own_gpu(torch.device("cuda:1"))
    with pytest.raises(
        EngineError, match=r"on cuda:0, .* trains on cuda:1.*LOCAL_RANK"
    ):
        require_own_gpu(torch.device("cuda:0"))
