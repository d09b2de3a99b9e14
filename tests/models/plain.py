"""Residual networks in plain torch, in float64, on the weights of a Keras model.

Written from the papers and from torchvision's padding: every convolution of odd size
pads half of it, max-pooling pads one pixel of nothing.
"""

import keras
import numpy as np
import torch
from torch.nn import functional


class Plain:
    """The weights of a model by layer name, and torch's functions on them."""

    def __init__(self, model):
        self.layers = {layer.name: layer for layer in model.layers}

    def weights(self, name):
        """Returns the arrays of a layer as float64 tensors."""
        return [torch.tensor(w).double() for w in self.layers[name].get_weights()]

    def conv(self, x, name, stride=1):
        """Convolves; `name` is that of the layer."""
        kernel, *bias = self.weights(name)
        padding = kernel.shape[0] // 2
        kernel = kernel.permute(3, 2, 0, 1)
        return functional.conv2d(
            x, kernel, *(bias or [None]), stride=stride, padding=padding
        )

    def norm(self, x, name):
        """Normalizes as inference does."""
        gamma, beta, mean, variance = self.weights(name)
        epsilon = self.layers[name].epsilon
        return functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)

    def unit(self, x, name, stride=1, relu=True):
        """Convolves, normalizes and, mostly, cuts at 0."""
        x = self.conv(x, f"{name}_conv", stride)
        x = self.norm(x, f"{name}_bn")
        return x.relu() if relu else x

    def logits(self, x):
        """Returns the scores of maps."""
        kernel, bias = self.weights("predictions")
        return (x.mean(dim=(2, 3)) @ kernel + bias).numpy()


def resnet(model, images, version, weighed=False):
    """Returns the logits of a bottleneck network; it sees the images as they are."""
    net = Plain(model)
    x = torch.tensor(images).double().permute(0, 3, 1, 2)
    if version == "D":
        x = net.unit(x, "conv1_1", 2)
        x = net.unit(net.unit(x, "conv1_2"), "conv1_3")
    else:
        x = net.unit(x, "conv1", 2)
    x = functional.max_pool2d(x, 3, 2, padding=1)
    for stage, number_of_blocks in enumerate((3, 4, 6, 3)):
        for number in range(1, number_of_blocks + 1):
            name = f"conv{stage + 2}_block{number}"
            stride = 2 if stage and number == 1 else 1
            first, second = (stride, 1) if version == "1" else (1, stride)
            y = net.unit(x, f"{name}_1", first)
            y = net.unit(y, f"{name}_2", second)
            y = net.unit(y, f"{name}_3", relu=False)
            if weighed:
                mean = y.mean(dim=(2, 3), keepdim=True)
                hidden = net.conv(mean, f"{name}_se_reduce").relu()
                y = y * net.conv(hidden, f"{name}_se_expand").sigmoid()
            if number == 1 and version == "D" and stride == 2:
                x = functional.avg_pool2d(
                    x, 2, 2, ceil_mode=True, count_include_pad=False
                )
                stride = 1
            if number == 1:
                x = net.unit(x, f"{name}_0", stride, relu=False)
            x = (x + y).relu()
    return net.logits(x)


def cifar_resnet_v2(model, images, n, bottleneck):
    """Returns the logits of a pre-activation network for small images."""
    net = Plain(model)
    x = net.conv(torch.tensor(images).double().permute(0, 3, 1, 2), "conv1_conv")
    for stage in range(3):
        for number in range(1, n + 1):
            name = f"conv{stage + 2}_block{number}"
            stride = 2 if stage and number == 1 else 1
            active = net.norm(x, f"{name}_preact_bn").relu()
            y = net.unit(active, f"{name}_1", stride)
            if bottleneck:
                y = net.conv(net.unit(y, f"{name}_2"), f"{name}_3_conv")
                if number == 1:
                    x = net.conv(active, f"{name}_0_conv", stride)
            else:
                y = net.conv(y, f"{name}_2_conv")
                if number == 1:
                    x = active[:, :, ::stride, ::stride]
                new = y.shape[1] - x.shape[1]
                x = functional.pad(x, (0, 0, 0, 0, new // 2, new // 2))
            x = x + y
    return net.logits(net.norm(x, "post_bn").relu())


def assert_same_logits(model, images, expected):
    """Compares what the model computes in float32; its scale is the largest value."""
    end = model.get_layer("predictions").output
    got = keras.Model(model.input, end).predict(images, verbose=0)
    tolerance = 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


def randomise_batch_norms(model, seed):
    """Makes statistics and scales matter; fresh ones are zeros and ones."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "gamma"):
            shape = layer.gamma.shape
            layer.set_weights(
                [
                    rng.uniform(low, high, shape)
                    for low, high in [(0.5, 1.0), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5)]
                ]
            )
