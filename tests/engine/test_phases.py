"""A training whose second phase moves more than its first, against plain torch."""

import numpy as np
import torch

from residency.data import Pipeline, load
from residency.engine.features import FeatureBatches, HeadFeatures
from residency.engine.loop import fit
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.phases import Phases
from residency.engine.state import TrainState
from residency.engine.step import Step
from residency.models import build
from residency.models.freezing import phases_of
from residency.models.stages import head_of
from residency.training import SGD, AdamW, CrossEntropy, Finetune

from .conftest import bright_images, small_model

RATE = 0.05


def data():
    return load(bright_images(40), image_size=8, seed=0)


def pipeline(part):
    return Pipeline(part, image_size=8, batch_size=8, seed=1)


def phases(model, finetune, config, *, on_features=True):
    """Returns phases over the data, on kept features or on images."""
    network = Network(model)
    part = data().train
    images = pipeline(part)
    found = phases_of(model, finetune)
    head = features = None
    if found[0].head_only:
        head = HeadFeatures(network, head_of(model).features, "float32")
    if head is not None and on_features:
        features = FeatureBatches(
            images, head.body, part.labels, batch_size=8, seed=1, passes=2
        )
    return Phases(network, found, config, images, head, features)


def train(phases, epochs, first=0):
    """Trains some epochs as the loop does and returns the step."""
    steps = phases.images.steps_per_epoch
    state = TrainState(epochs * steps, steps, RATE, step=first * steps, epoch=first)
    phases.step = Step(*phases.enter(first), loss=CrossEntropy())
    fit(phases.step, phases, lambda state: RATE, state, [phases])
    return phases.step


def without_dropout(seed=0):
    model = small_model(seed)
    model.get_layer("dropout").rate = 0.0
    return model


def test_momentum_of_what_joins_starts_at_zero():
    """The same in plain torch: one optimizer, whose groups begin as they are used."""
    ours, theirs = without_dropout(), without_dropout()
    finetune = Finetune(freeze=(), head_epochs=1, stage_rate=0.3)
    config = SGD(learning_rate=RATE, weight_decay=0.01)
    train(phases(ours, finetune, config), epochs=2)

    network = Network(theirs)
    first, then = phases_of(theirs, finetune)
    options = {"lr": RATE, "momentum": 0.9, "weight_decay": 0.01}
    optimizer = None
    for epoch, phase in enumerate((first, then)):
        phase.apply()
        values = {v.path: v.value for v in theirs.trainable_variables}
        for share, paths in phase.rates[epoch:]:
            some = [values[path] for path in paths]
            group = {"params": some, "lr": RATE * share}
            if optimizer is None:
                optimizer = torch.optim.SGD([group], **options)
            elif some:
                optimizer.add_param_group(group)
        for batch in pipeline(data().train).epoch(epoch):
            logits = network.logits(batch.images, training=epoch == 1)
            labels = torch.from_numpy(batch.labels)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels).backward()
            optimizer.step()
        if epoch == 0:
            assert len(optimizer.state) == 2
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        assert np.allclose(a.numpy(), b.numpy(), atol=1e-5), a.path


def test_what_was_known_of_the_head_is_kept_at_the_switch():
    for config in (SGD(learning_rate=RATE), AdamW(learning_rate=1e-3)):
        ours = phases(without_dropout(), Finetune(freeze=(), head_epochs=1), config)
        before = train(ours, epochs=1).optimizer.state_dict()["state"]
        ours.step.go_on_with(*ours.enter(1))
        after = ours.step.optimizer.state_dict()["state"]
        assert list(after) == list(before) == [0, 1]
        for number, buffers in before.items():
            for name, value in buffers.items():
                assert torch.equal(torch.as_tensor(value), after[number][name])


def test_on_images_the_head_learns_what_it_learns_on_features():
    trained = []
    for on_features in (True, False):
        model = small_model()  # with dropout in front of the pooling: body, so off
        train(
            phases(model, Finetune(), SGD(learning_rate=RATE), on_features=on_features),
            epochs=2,
        )
        trained.append([v.numpy() for v in model.variables])
    for a, b in zip(*trained, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def statistics(model, prefix):
    return {
        v.path: v.numpy().copy()
        for v in model.variables
        if v.path.startswith(prefix) and "moving" in v.path
    }


def test_statistics_of_a_frozen_stage_stay_to_the_bit():
    model = build("cifar_resnet20", num_classes=3, image_size=8)
    finetune = Finetune(freeze=("conv1", "conv2"), head_epochs=1)
    frozen = statistics(model, ("conv1", "conv2"))
    others = statistics(model, ("conv3", "conv4"))
    weights = {v.path: v.numpy().copy() for v in model.trainable_variables}
    train(phases(model, finetune, SGD(learning_rate=RATE)), epochs=2)
    for path, value in statistics(model, ("conv1", "conv2")).items():
        assert np.array_equal(value, frozen[path]), path
    for path, value in statistics(model, ("conv3", "conv4")).items():
        assert not np.array_equal(value, others[path]), path
    for variable in model.variables:
        if variable.path in weights:
            stayed = np.array_equal(variable.numpy(), weights[variable.path])
            assert stayed == variable.path.startswith(("conv1", "conv2")), variable.path


def test_one_phase_that_leaves_all_as_it_is():
    model = without_dropout()
    plain = Network(without_dropout())
    config = SGD(learning_rate=RATE)
    step = Step(plain, build_optimizer(config, plain), loss=CrossEntropy())
    for batch in pipeline(data().train).epoch(0):
        step(batch.images, batch.labels, RATE)
    train(phases(model, None, config), epochs=1)
    for a, b in zip(model.variables, plain.model.variables, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def test_a_part_is_measured_in_either_phase():
    dataset = data()
    ours = phases(
        without_dropout(), Finetune(freeze=(), head_epochs=1), SGD(learning_rate=RATE)
    )
    ours.enter(0)
    early = ours.measure(dataset, dataset.test)
    ours.enter(1)
    late = ours.measure(dataset, dataset.test)  # nothing was trained in between
    assert early.accuracy == late.accuracy
    assert abs(early.loss - late.loss) < 1e-6
