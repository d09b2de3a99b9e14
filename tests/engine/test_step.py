"""One step against Keras' own, and against closed forms."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from residency.engine.capture import Captured
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.step import Step
from residency.errors import EngineError
from residency.models import build
from residency.training import SGD, AdamW, CrossEntropy, Muon

from .conftest import small_model


def make_step(network, optimizer=None, **settings):
    optimizer = optimizer or SGD(learning_rate=0.1)
    settings.setdefault("loss", CrossEntropy())
    return Step(network, build_optimizer(optimizer, network), **settings)


@pytest.mark.parametrize("nesterov", [False, True])
def test_three_steps_equal_train_on_batch(batch, nesterov):
    images, labels = batch
    theirs, ours = small_model(), small_model()
    for model in (theirs, ours):
        model.get_layer("dropout").rate = 0.0
    theirs.compile(
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=nesterov),
        "sparse_categorical_crossentropy",
    )
    step = make_step(Network(ours), SGD(learning_rate=0.1, nesterov=nesterov))
    for _ in range(3):
        expected = theirs.train_on_batch(images.astype("float32"), labels)
        assert float(step(images, labels, 0.1)) == pytest.approx(expected, rel=1e-5)
    for a, b in zip(theirs.variables, ours.variables, strict=True):
        # float32, three steps: sums in another order differ in the last digits
        assert np.allclose(a.numpy(), b.numpy(), atol=2e-6), a.path


def test_decay_is_the_papers(network, batch):
    """200 steps without a loss gradient: 0.8247, as in PyTorch (numbers, part 6)."""
    kernel = torch.nn.Parameter(torch.ones(()))
    optimizer = build_optimizer(SGD(learning_rate=0.01, weight_decay=0.01), network)
    optimizer.param_groups[0]["params"] = [kernel]
    for _ in range(200):
        kernel.grad = torch.zeros(())
        optimizer.step()
    assert float(kernel.detach()) == pytest.approx(0.8247, abs=5e-5)


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_exempt_variables_do_not_decay(network, kind):
    config = kind(
        learning_rate=0.1, weight_decay=0.5, decay_exempt=("gamma", "beta", "bias")
    )
    decayed, exempt = build_optimizer(config, network).param_groups
    kernels = [v.value for v in network.model.trainable_variables if "kernel" in v.path]
    found = [view.data_ptr() for view in decayed["params"]]
    assert found == [kernel.data_ptr() for kernel in kernels]
    assert (decayed["weight_decay"], exempt["weight_decay"]) == (0.5, 0.0)
    assert len(exempt["params"]) == 3


def test_smoothed_loss_is_keras_smoothed_loss(network, batch):
    images, labels = batch
    network.model.get_layer("dropout").rate = 0.0
    probabilities = network.model(images.astype("float32"), training=True)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    expected = float(loss(np.eye(3)[labels], probabilities).detach())
    step = make_step(network, loss=CrossEntropy(label_smoothing=0.1))
    assert float(step(images, labels, 0.0)) == pytest.approx(expected, rel=1e-5)


def test_clipping_bounds_the_whole_gradient(batch):
    network = Network(small_model())
    before = [v.numpy().copy() for v in network.model.trainable_variables]
    step = make_step(network, SGD(learning_rate=1.0, momentum=0.0), clip_norm=1e-3)
    step(*batch, 1.0)
    after = [v.numpy() for v in network.model.trainable_variables]
    moved = sum(((a - b) ** 2).sum() for a, b in zip(before, after, strict=True))
    assert np.sqrt(moved) == pytest.approx(1e-3, rel=1e-2)


def test_keras_regularizers_count(batch):
    plain, penalised = small_model(), small_model()
    layer = penalised.get_layer("conv")
    layer.kernel_regularizer = keras.regularizers.L2(0.01)
    layer.kernel.regularizer = layer.kernel_regularizer
    expected = 0.01 * float((layer.kernel.numpy() ** 2).sum())
    losses = [float(make_step(Network(m))(*batch, 0.0)) for m in (plain, penalised)]
    assert losses[1] - losses[0] == pytest.approx(expected, rel=1e-3)


def test_bfloat16_stays_close_and_keeps_float32_variables(batch):
    losses = {}
    for precision in ("float32", "bfloat16"):
        network = Network(small_model())
        losses[precision] = float(make_step(network, precision=precision)(*batch, 0.1))
        assert {
            v.value.dtype for v in network.model.variables if "seed" not in v.path
        } == {torch.float32}
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=2e-2)


def test_float16_on_a_cpu_is_refused(network):
    if network.device.type == "cuda":
        pytest.skip("this machine has a GPU")
    with pytest.raises(EngineError, match="precision=bfloat16"):
        make_step(network, precision="float16")


def test_a_frozen_model_is_refused(network):
    network.model.trainable = False
    with pytest.raises(EngineError, match="no variable is trainable"):
        make_step(network)


def without_dropout_and_normalization():
    model = small_model()
    model.get_layer("dropout").rate = 0.0
    model.get_layer("bn").trainable = False  # statistics of parts would differ
    return Network(model)


@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_parts_of_a_batch_add_up_to_the_batch(batch, size):
    whole, parts = (without_dropout_and_normalization() for _ in range(2))
    losses = [
        float(make_step(network, micro_batch=micro)(*batch, 0.1))
        for network, micro in ((whole, None), (parts, size))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for a, b in zip(whole.model.variables, parts.model.variables, strict=True):
        assert np.allclose(a.numpy(), b.numpy(), atol=1e-6), a.path


def fails_at(network, monkeypatch, limit):
    """Makes memory run out in the middle of a pass with more than `limit` images."""
    layer = network.module.calls[-1]
    real = layer.run

    def run(x, *, training):
        if len(x) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(x, training=training)

    object.__setattr__(layer, "run", run)


def test_without_memory_a_batch_goes_in_parts_and_statistics_move_once(
    batch, monkeypatch, caplog
):
    short, parts = Network(small_model()), Network(small_model())
    fails_at(short, monkeypatch, limit=3)
    step = make_step(short)
    make_step(parts, micro_batch=3)(*batch, 0.1)
    step(*batch, 0.1)
    assert step.micro_batch == 3
    assert "at most 3" in caplog.text
    for a, b in zip(short.model.variables, parts.model.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_without_memory_a_recording_gives_its_own_back(batch, monkeypatch, caplog):
    """Then the whole batch may fit: it is not cut into parts yet."""
    network = Network(small_model())
    step = make_step(network)
    step._run = captured = Captured(step._move, side_stream=nullcontext())
    captured.graph = captured.output = object()
    captured.inputs = (torch.ones(3),)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    layer, fails = network.module.calls[-1], [True]
    real = layer.run

    def run(x, *, training):
        if fails:
            fails.clear()
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(x, training=training)

    object.__setattr__(layer, "run", run)
    captured.shapes = [torch.Size([9])]  # of another batch: this one runs as it is
    step(*batch, 0.1)
    assert (captured.graph, captured.inputs, captured.output) == (None, (), None)
    assert step.micro_batch is None
    assert step._run == step._move


def test_memory_too_small_for_one_image_changes_nothing(batch, monkeypatch):
    network = Network(small_model())
    fails_at(network, monkeypatch, limit=0)
    before = [v.numpy().copy() for v in network.model.variables]
    with pytest.raises(EngineError, match="one image at a time"):
        make_step(network)(*batch, 0.1)
    for a, b in zip(before, network.model.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def test_a_loss_that_is_not_finite_changes_nothing_and_names_the_layer(batch):
    network = Network(small_model())
    step = make_step(network)
    step(*batch, 0.1)
    gamma = network.model.get_layer("bn").gamma
    gamma.assign([1.0, np.inf, 1.0, 1.0])
    before = [v.numpy().copy() for v in network.model.variables]
    assert not np.isfinite(float(step(*batch, 0.1)))
    assert "gamma of layer 'bn'" in step.where_not_finite()
    for a, b in zip(before, network.model.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


@pytest.mark.parametrize("config", [SGD(learning_rate=0.1), AdamW()])
def test_folded_inference_sees_what_a_step_changed(batch, config):
    network = Network(small_model())
    images, labels = batch
    step = make_step(network, config)
    with torch.inference_mode():
        network.logits(images, training=False)  # folds
    step(images, labels, 0.1)
    probabilities = network.model(images.astype("float32"), training=False)
    with torch.inference_mode():
        found = network.logits(images, training=False).softmax(dim=1)
    torch.testing.assert_close(found, probabilities.detach(), atol=1e-6, rtol=1e-5)


def test_folded_inference_sees_a_replayed_step(batch):
    """A replayed CUDA graph changes memory behind Python's and torch's backs."""
    network = Network(small_model())
    images, labels = batch
    step = make_step(network)

    def replay(images, labels):
        for variable in network.model.trainable_variables:
            variable.value.data.mul_(1.5)
        return torch.zeros(())

    step._run = replay
    with torch.inference_mode():
        network.logits(images, training=False)  # folds
        step(images, labels, 0.1)
        found = network.logits(images, training=False).softmax(dim=1)
    probabilities = network.model(images.astype("float32"), training=False)
    torch.testing.assert_close(found, probabilities.detach(), atol=1e-6, rtol=1e-5)


def test_one_sigmoid_unit_trains_as_keras_trains_it(batch):
    """Three steps of binary cross-entropy."""
    images, labels = batch[0], batch[1] % 2

    def binary():
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(4, 3)]
        layers += [keras.layers.BatchNormalization(momentum=0.9)]
        layers += [keras.layers.GlobalAveragePooling2D()]
        layers += [keras.layers.Dense(1, activation="sigmoid")]
        return keras.Sequential([keras.Input((8, 8, 3)), *layers])

    theirs, ours = binary(), binary()
    theirs.compile(keras.optimizers.SGD(0.1, momentum=0.9), "binary_crossentropy")
    step = make_step(Network(ours), SGD(learning_rate=0.1))
    for _ in range(3):
        expected = theirs.train_on_batch(images.astype("float32"), labels)
        assert float(step(images, labels, 0.1)) == pytest.approx(expected, rel=1e-5)
    for a, b in zip(theirs.variables, ours.variables, strict=True):
        assert np.allclose(a.numpy(), b.numpy(), atol=2e-6), a.path


@pytest.mark.parametrize(
    ("name", "config", "settings"),
    [
        ("cifar_resnet20", SGD(learning_rate=0.1), {}),
        ("cifar_resnet20", Muon(), {}),
        ("cifar_resnet20", SGD(learning_rate=0.1), {"clip_norm": 1.0}),
        ("cifar_resnet20", SGD(learning_rate=0.1), {"micro_batch": 2}),
        ("se_resnet50", SGD(learning_rate=0.1), {}),
        ("resnet50_v2", SGD(learning_rate=0.1), {}),
        ("efficientnet_lite0", SGD(learning_rate=0.1), {}),
        ("densenet_bc100_12", SGD(learning_rate=0.1), {}),
        ("wide_resnet16_8", SGD(learning_rate=0.1), {}),
    ],
)
def test_a_step_takes_nothing_from_the_host_and_waits_for_nothing(
    name, config, settings, monkeypatch
):
    """On a GPU either would make each step wait, and no graph could record it. The meta
    device has no numbers to read, and each operation on a tensor of the host is seen.
    AdamW counts its steps on the host, but for CUDA, and so is left out.
    """
    seen = []

    class Host(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            tensors = keras.tree.flatten((args, kwargs, result))
            if any(isinstance(t, torch.Tensor) and t.is_cpu for t in tensors):
                seen.append(func)
            return result

    monkeypatch.setattr("residency.engine.network._are_probabilities", lambda _: False)
    with keras.device("meta"):
        model = build(name, num_classes=10, image_size=64)
        step = make_step(Network(model), config, **settings)
        images = torch.zeros(4, 64, 64, 3, dtype=torch.uint8, device="meta")
        labels = torch.zeros(4, dtype=torch.int64, device="meta")
        step(images, labels, 0.1)
        with Host():
            loss = step(images, labels, 0.1)
    assert seen == []
    assert loss.device.type == "meta"
    assert all(v.value.device.type == "meta" for v in model.variables)


def constrained():
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(4, 3, kernel_constraint=keras.constraints.MaxNorm(0.5)),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(
            3,
            activation="softmax",
            kernel_constraint="unit_norm",
            bias_constraint="non_neg",
        ),
    ]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


def test_constraints_hold_as_in_train_on_batch(batch):
    images, labels = batch
    theirs, ours = constrained(), constrained()
    theirs.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy"
    )
    step = make_step(Network(ours), SGD(learning_rate=0.1))
    for _ in range(3):
        theirs.train_on_batch(images.astype("float32"), labels)
        step(images, labels, 0.1)
    kernel = ours.layers[-1].kernel.numpy()
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), 1, rtol=1e-5)
    for a, b in zip(theirs.variables, ours.variables, strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), atol=2e-6)
