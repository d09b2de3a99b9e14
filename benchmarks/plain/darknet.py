"""Darknet-53."""

import torch
from torch import nn


def conv(channels: int, filters: int, size: int, stride: int = 1) -> nn.Sequential:
    """Returns convolution, batch normalization and leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(filters),
        nn.LeakyReLU(0.1, inplace=True),
    )


class Unit(nn.Module):
    """1x1 to half the channels, 3x3 back, plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            conv(channels, channels // 2, 1), conv(channels // 2, channels, 3)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the unit's feature maps."""
        return x + self.convs(x)


class Darknet53(nn.Module):
    """41,645,640 parameters, moving statistics included."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers, channels = [conv(3, 32, 3)], 32
        for units in (1, 2, 8, 8, 4):
            layers.append(conv(channels, 2 * channels, 3, 2))
            channels *= 2
            layers += [Unit(channels) for _ in range(units)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(1024, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns logits."""
        return self.head(self.layers(x).mean(dim=(2, 3)))
