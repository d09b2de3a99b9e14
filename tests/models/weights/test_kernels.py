"""Axes and channels: each change against the convolution it must leave alone."""

import keras
import numpy as np
import pytest
import torch
from torch.nn import functional

from residency.models.weights.kernels import adapt_stem, from_torch


def images(channels):
    return np.random.default_rng(0).normal(size=(2, 9, 9, channels)).astype("f4")


@pytest.mark.parametrize(("groups", "inputs"), [(1, 6), (2, 6), (6, 6)])
def test_kernels_of_grouped_convolutions(groups, inputs):
    weight = torch.randn(12, inputs // groups, 3, 3)
    x = images(inputs)
    expected = functional.conv2d(
        torch.tensor(x).permute(0, 3, 1, 2), weight, groups=groups
    )
    layer = keras.layers.Conv2D(12, 3, groups=groups, use_bias=False)
    layer.build(x.shape)
    layer.kernel.assign(from_torch(weight.numpy(), tuple(layer.kernel.shape)))
    got = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(got, expected.permute(0, 2, 3, 1), atol=1e-5)


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_kernels(multiplier):
    weight = torch.randn(6 * multiplier, 1, 3, 3)
    x = images(6)
    expected = functional.conv2d(torch.tensor(x).permute(0, 3, 1, 2), weight, groups=6)
    layer = keras.layers.DepthwiseConv2D(3, depth_multiplier=multiplier, use_bias=False)
    layer.build(x.shape)
    layer.kernel.assign(from_torch(weight.numpy(), tuple(layer.kernel.shape)))
    got = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(got, expected.permute(0, 2, 3, 1), atol=1e-5)


def test_dense_kernels_after_flatten():
    maps = images(4)
    weight = torch.randn(5, 9 * 9 * 4)
    expected = torch.tensor(maps).permute(0, 3, 1, 2).flatten(1) @ weight.T
    kernel = from_torch(weight.numpy(), (324, 5), (9, 9, 4))
    np.testing.assert_allclose(maps.reshape(2, -1) @ kernel, expected, atol=1e-4)


def test_grey_as_rgb_is_the_sum():
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 8))
    grey = images(1).astype("f8")
    as_rgb = np.repeat(grey, 3, axis=-1)
    whole = np.einsum("nhwc,hwco->no", as_rgb[:, :3, :3], kernel)
    summed = np.einsum("nhwc,hwco->no", grey[:, :3, :3], adapt_stem(kernel, 1))
    np.testing.assert_allclose(summed, whole, rtol=1e-12)


@pytest.mark.parametrize("channels", [2, 4, 6, 12])
def test_more_channels_keep_the_size_of_what_comes_out(channels):
    """A constant image gives what it gives in RGB, where channels divide evenly."""
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 8))
    adapted = adapt_stem(kernel, channels)
    assert adapted.shape == (3, 3, channels, 8)
    if channels % 3 == 0:
        np.testing.assert_allclose(adapted.sum((0, 1, 2)), kernel.sum((0, 1, 2)))
    np.testing.assert_allclose(adapted[:, :, 0], kernel[:, :, 0] * 3 / channels)
