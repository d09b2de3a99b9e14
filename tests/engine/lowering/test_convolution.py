"""Convolutions: where torch itself fails, and what it is given."""

import subprocess
import sys

import keras
import pytest
import torch
from keras import layers

from residency.engine.lowering import lower
from residency.engine.lowering.convolution import Convolution, DepthwiseConvolution
from residency.engine.lowering.layout import NO_SIDES

from .parity import assert_same, scramble

STEPS = """
import residency, keras, torch
from torch.nn import functional
from residency.engine.lowering import lower

keras.utils.set_random_seed(0)
for channels, groups in ((3, 1), (8, 1), (32, 4)):
    inputs = keras.Input((16, 16, channels))
    x = keras.layers.Conv2D(8, 1, 2, groups=groups, use_bias=False)(inputs)
    if NORM:
        x = keras.layers.BatchNormalization(epsilon=1e-3)(x)
    model = keras.Model(inputs, x)
    lowered = lower(model)
    kernel = model.layers[1].kernel.value
    for _ in range(20):
        images = torch.randn(3, 16, 16, channels)
        with torch.autocast("cpu", torch.bfloat16, enabled=NARROW):
            y = lowered(images, training=True)
        weights = torch.randn(y.shape)
        (found,) = torch.autograd.grad((y * weights).sum(), kernel)
        exact = kernel.detach().double().requires_grad_()
        planes = images.double().permute(0, 3, 1, 2)
        z = functional.conv2d(planes, exact.permute(3, 2, 0, 1), None, 2, 0, 1, groups)
        if NORM:
            z = functional.batch_norm(z, None, None, training=True, eps=1e-3)
        total = (z.permute(0, 2, 3, 1) * weights).sum()
        (expected,) = torch.autograd.grad(total, exact)
        error = (found - expected).abs().max() / expected.abs().max()
        assert error < (0.05 if NARROW else 1e-4), error
"""


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("norm", [False, True])
def test_a_strided_1x1_kernel_on_few_channels(norm, narrow, monkeypatch):
    """oneDNN's gradient of it writes past its memory: in a process of its own."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    script = f"NORM, NARROW = {norm}, {narrow}\n{STEPS}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("zeros", [0, 1, ((0, 1), (0, 0))])
@pytest.mark.parametrize("strides", [(2, 2), (2, 3), (1, 2)])
def test_the_image_of_a_strided_1x1_kernel(strides, zeros):
    inputs = keras.Input((9, 8, 3))
    padded = layers.ZeroPadding2D(zeros)(inputs)
    model = keras.Model(inputs, layers.Conv2D(4, 1, strides)(padded))
    scramble(model)
    images = torch.randn(2, 9, 8, 3)
    with torch.no_grad():  # as the gradient of Keras may crash
        for training in (False, True):
            found, expected = (
                run(images, training=training) for run in (lower(model), model)
            )
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "zeros"),
    [(3, ((2, 1), (2, 1))), (1, ((1, 0), (1, 0))), (4, ((1, 1), (1, 1)))],
)
def test_zeros_and_strides_that_leave_the_size_as_it_was(size, zeros):
    inputs = keras.Input((size, size, 3))
    x = layers.Conv2D(4, 1, strides=2)(layers.ZeroPadding2D(zeros)(inputs))
    model = keras.Model(inputs, layers.BatchNormalization()(x))
    scramble(model)
    images = torch.randn(5, size, size, 3)
    with torch.no_grad():  # as the gradient of Keras may crash
        found, expected = (run(images, training=True) for run in (lower(model), model))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


ONE_ROW = {
    "by a convolution": lambda x: layers.Conv2D(16, 1, (1, 2), groups=2)(x),
    "by pooling": lambda x: layers.Conv2D(16, 1, groups=2)(
        layers.MaxPooling2D(1, (1, 2))(x)
    ),
}


@pytest.mark.parametrize("taken", ONE_ROW)
def test_groups_on_an_image_one_column_wide(taken):
    """oneDNN's gradient is wrong where that column comes with a doubled stride."""
    inputs = keras.Input((4, 1, 16))
    assert_same(keras.Model(inputs, ONE_ROW[taken](inputs)), (3, 4, 1, 16))


def test_only_a_depthwise_kernel_takes_uneven_zeros_in():
    images = torch.zeros(1, 4, 8, 8)
    given = {"kernel_size": 3, "strides": 2, "padding": "same"}
    for layer, run, copied in (
        (layers.Conv2D(2, **given), Convolution, ((0, 1), (0, 1))),
        (layers.DepthwiseConv2D(**given), DepthwiseConvolution, NO_SIDES),
    ):
        layer.build((None, 8, 8, 4))
        assert run(layer).inference_padding(images).copied == copied
    valid = layers.DepthwiseConv2D(3)
    many = ((0, 5), (0, 1))  # a kernel of eight rows would cost more
    assert DepthwiseConvolution(valid, many).inference_padding(images).copied == many
