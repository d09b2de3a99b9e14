"""Distillation against its closed form, and the teacher."""

import keras
import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from residency.engine.losses import Teacher, loss_of
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.precision import autocast
from residency.engine.step import Step
from residency.training import SGD, CrossEntropy, Distillation

from .conftest import small_model


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("heat", [1.0, 4.0])
@pytest.mark.parametrize("weight", [0.0, 0.7, 1.0])
def test_distillation_is_its_formula(heat, weight):
    random = np.random.default_rng(0)
    s, t = random.normal(size=(2, 5, 3)) * 3
    labels = np.array([0, 2, 1, 1, 0])
    hard = -np.log(softmax(s)[np.arange(5), labels]).mean()
    p, q = softmax(t / heat), softmax(s / heat)
    soft = (p * np.log(p / q)).sum(axis=1).mean()
    config = Distillation(teacher="x", temperature=heat, weight=weight)
    found = loss_of(config, *map(torch.from_numpy, (s, labels, t)))
    assert float(found) == pytest.approx((1 - weight) * hard + weight * heat**2 * soft)


def test_the_gradient_is_hintons():
    """`T (softmax(s / T) - softmax(t / T))` each image, for the soft term alone."""
    random = np.random.default_rng(1)
    s, t = random.normal(size=(2, 4, 3))
    logits = torch.from_numpy(s).requires_grad_()
    config = Distillation(teacher="x", temperature=3.0, weight=1.0)
    loss_of(config, logits, torch.zeros(4).long(), torch.from_numpy(t)).backward()
    expected = 3.0 * (softmax(s / 3) - softmax(t / 3)) / 4
    np.testing.assert_allclose(logits.grad.numpy(), expected, atol=1e-12)


def test_the_binary_loss_is_that_of_one_sigmoid_unit():
    z = torch.tensor([-1.5, 0.2, 3.0], dtype=torch.float64)
    labels = torch.tensor([0, 1, 1])
    logits = torch.stack([torch.zeros_like(z), z], dim=1)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(z, labels.double())
    torch.testing.assert_close(loss_of(CrossEntropy(), logits, labels), expected)


def test_a_step_asks_the_teacher_about_its_own_images(batch):
    images, labels = batch
    teacher = Network(small_model(seed=7))
    pupil = Network(small_model())
    pupil.model.get_layer("dropout").rate = 0.0
    before = [v.numpy().copy() for v in teacher.model.variables]
    config = Distillation(teacher="x", temperature=2.0, weight=0.5)
    order = [2, 0, 1]
    step = Step(
        pupil,
        build_optimizer(SGD(learning_rate=0.1), pupil),
        loss=config,
        teacher=Teacher(teacher, order),
    )
    pixels = images.astype("float32")
    said = np.log(keras.ops.convert_to_numpy(teacher.model(pixels, training=False)))
    own = np.log(
        keras.ops.convert_to_numpy(pupil.model(pixels, training=True).detach())
    )
    wanted = loss_of(config, *map(torch.from_numpy, (own, labels, said[:, order])))
    assert float(step(images, labels, 0.1)) == pytest.approx(float(wanted), rel=1e-5)
    for a, b in zip(before, teacher.model.variables, strict=True):
        assert np.array_equal(a, b.numpy())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_teacher_answers_without_gradients_in_the_precision_of_the_step(
    batch, precision
):
    """Moving statistics that are not those of the batch, and dropout, would show."""
    network = Network(small_model(seed=7))
    network.model.get_layer("bn").moving_mean.assign([0.3, -0.2, 0.1, 0.5])
    exact = network.logits(batch[0], training=False).detach()
    teacher = Teacher(network, [0, 1, 2])
    with autocast(network.device, precision):
        found = teacher.logits(batch[0])
    assert not found.requires_grad
    assert found.dtype == torch.float32
    off = float((found - exact).abs().max() / exact.abs().max())
    assert off < 1e-6 if precision == "float32" else 1e-5 < off < 0.02


def test_without_a_teacher_it_is_cross_entropy():
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    found = loss_of(CrossEntropy(label_smoothing=0.1), logits, labels)
    assert found == cross_entropy(logits, labels, label_smoothing=0.1)
