"""The head on what the frozen body gives, against the whole network and Keras."""

import keras
import numpy as np
import pytest
import torch

from residency.data import Pipeline, RandomFlip, load
from residency.engine.features import (
    Body,
    FeatureBatches,
    HeadFeatures,
    head_network,
    kept_bytes,
)
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.step import Step
from residency.models.freezing import phases_of
from residency.models.stages import head_of
from residency.training import SGD, CrossEntropy, Finetune

from .conftest import bright_images, small_model


def frozen(seed=0):
    """Returns a network whose body is frozen, and the symbolic features."""
    model = small_model(seed)
    model.get_layer("bn").moving_mean.assign([0.1, -0.2, 0.3, 0.0])
    [phase] = phases_of(model, Finetune())
    phase.apply()
    return Network(model), head_of(model).features


def test_head_on_features_is_the_network_in_inference(batch):
    network, features = frozen()
    body = Body(network, features, "float32")
    head = head_network(network, features)
    whole = network.logits(batch[0], training=False)
    parts = head.logits(body(batch[0]), training=False)
    torch.testing.assert_close(parts, whole, atol=1e-6, rtol=1e-6)
    assert not body(batch[0]).requires_grad
    paths = [each.path.split("/", 1)[1] for each in head.trainable()]
    assert paths == ["predictions/kernel", "predictions/bias"]


def test_the_whole_can_still_be_opened_after_its_head_was_taken(batch):
    network, features = frozen()
    head_network(network, features)
    again = Network(network.model).logits(batch[0], training=False)
    torch.testing.assert_close(again, network.logits(batch[0], training=False))


def test_three_steps_equal_keras_on_the_frozen_model(batch):
    """Keras runs the body in each step; dropout in it is off here, as in a body."""
    images, labels = batch
    network, features = frozen()
    theirs = small_model()
    theirs.set_weights(network.model.get_weights())
    theirs.get_layer("dropout").rate = 0.0
    for layer in theirs.layers:
        layer.trainable = layer.name == "predictions"
    theirs.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy"
    )
    body = Body(network, features, "float32")
    head = head_network(network, features)
    optimizer = build_optimizer(SGD(learning_rate=0.1), head)
    step = Step(head, optimizer, loss=CrossEntropy())
    statistics = network.model.get_layer("bn").moving_variance.numpy().copy()
    for _ in range(3):
        expected = theirs.train_on_batch(images.astype("float32"), labels)
        assert float(step(body(images), labels, 0.1)) == pytest.approx(expected, 1e-5)
    for a, b in zip(theirs.weights, network.model.weights, strict=True):
        assert np.allclose(a.numpy(), b.numpy(), atol=2e-6), a.path
    after = network.model.get_layer("bn").moving_variance.numpy()
    assert np.array_equal(statistics, after)


def batches(passes):
    network, features = frozen()
    part = load(bright_images(30), image_size=8, seed=0).train
    pipeline = Pipeline(
        part, image_size=8, batch_size=8, transforms=(RandomFlip(),), seed=3
    )
    body = Body(network, features, "float32")
    made = FeatureBatches(
        pipeline, body, part.labels, batch_size=8, seed=3, passes=passes
    )
    return made, pipeline, body


def flat(epoch):
    return [(b.images, torch.as_tensor(b.labels), b.rows) for b in epoch]


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for (x, labels, rows), (y, others, places) in zip(ours, theirs, strict=True):
        assert torch.equal(x, y)
        assert torch.equal(labels, others)
        assert np.array_equal(rows, places)


def test_kept_passes_come_again_in_each_epochs_own_order():
    kept, pipeline, body = batches(passes=2)
    by_row = []
    for epoch in range(2):
        for (x, _, rows), batch in zip(
            flat(kept.epoch(epoch)), pipeline.epoch(epoch), strict=True
        ):
            assert torch.equal(x, body(batch.images))
            by_row.append(dict(zip(rows.tolist(), x, strict=True)))
    first = {row: x for some in by_row[: len(by_row) // 2] for row, x in some.items()}
    calls = body.module
    body.module = None  # nothing is computed any more
    for (x, labels, rows), batch in zip(
        flat(kept.epoch(2)), pipeline.epoch(2), strict=True
    ):
        assert np.array_equal(rows, batch.rows)
        assert np.array_equal(labels, batch.labels)
        assert all(torch.equal(x[n], first[row]) for n, row in enumerate(rows))
    body.module = calls


@pytest.mark.parametrize(("epoch", "start"), [(0, 1), (1, 2), (2, 0), (3, 1)])
def test_a_resumed_training_gets_the_same_features(epoch, start):
    straight, _, _ = batches(passes=2)
    wanted = [flat(straight.epoch(n)) for n in range(5)]
    resumed, _, _ = batches(passes=2)
    same(flat(resumed.epoch(epoch, start)), wanted[epoch][start:])
    for later in range(epoch + 1, 5):
        same(flat(resumed.epoch(later)), wanted[later])


def test_without_kept_passes_each_epoch_is_augmented_anew():
    live, pipeline, body = batches(passes=0)
    for epoch in (0, 5):
        found = [x for x, _, _ in flat(live.epoch(epoch))]
        wanted = [body(batch.images) for batch in pipeline.epoch(epoch)]
        assert all(map(torch.equal, found, wanted))
    assert live.kept_bytes == 0
    assert kept_bytes(10, 2, (4, 3)) == 10 * 2 * 12 * 4


def test_a_part_is_measured_on_features_as_on_images(dataset):
    network, features = frozen()
    head = HeadFeatures(network, features, "float32")
    for _ in range(2):
        [(batch, logits)] = head.outputs(dataset, dataset.test)
        wanted = network.logits(
            dataset.test.frames.images[dataset.test.frames.rows], training=False
        )
        torch.testing.assert_close(logits, wanted, atol=1e-6, rtol=1e-6)
        assert np.array_equal(batch.labels, dataset.test.labels)
