"""MobileNetV2 of width 1."""

import torch
from torch import nn

STAGES = (  # expansion, filters, blocks, first stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def conv(
    channels: int, filters: int, size: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Returns convolution and batch normalization.

    Strides pad one pixel on every side, the way of PyTorch; `keras.applications` pads
    bottom and right only where a side is even, at the same cost.
    """
    return [
        nn.Conv2d(channels, filters, size, stride, size // 2, 1, groups, bias=False),
        nn.BatchNorm2d(filters, eps=1e-3, momentum=1e-3),
    ]


class Block(nn.Module):
    """1x1 to more channels, 3x3 in each of them, 1x1 back to few."""

    def __init__(self, channels: int, expansion: int, filters: int, stride: int):
        super().__init__()
        inner = expansion * channels
        layers = []
        if expansion > 1:
            layers += [*conv(channels, inner, 1), nn.ReLU6(inplace=True)]
        layers += [*conv(inner, inner, 3, stride, inner), nn.ReLU6(inplace=True)]
        layers += conv(inner, filters, 1)
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and channels == filters

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the block's feature maps."""
        return x + self.layers(x) if self.adds else self.layers(x)


class MobileNetV2(nn.Module):
    """3,538,984 parameters, moving statistics included."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers, channels = [*conv(3, 32, 3, 2), nn.ReLU6(inplace=True)], 32
        for expansion, filters, blocks, first in STAGES:
            for place in range(blocks):
                stride = 1 if place else first
                layers.append(Block(channels, expansion, filters, stride))
                channels = filters
        layers += [*conv(channels, 1280, 1), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(1280, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns logits."""
        return self.head(self.layers(x).mean(dim=(2, 3)))
