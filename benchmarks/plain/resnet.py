"""ResNet-20 for CIFAR and ResNet-50."""

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """Two 3x3 convolutions; the shortcut takes every second pixel and adds zeros."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.stride, self.more = stride, filters - channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the block's feature maps."""
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
            x = functional.pad(x, (0, 0, 0, 0, self.more // 2, self.more // 2))
        return functional.relu(y + x, inplace=True)


class ResNet20(nn.Module):
    """The CIFAR network of the paper, 0.27 million parameters."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        blocks, channels = [], 16
        for filters in (16, 32, 64):
            for place in range(3):
                stride = 2 if filters > 16 and place == 0 else 1
                blocks.append(Block(channels, filters, stride))
                channels = filters
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(64, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns logits."""
        x = functional.relu(self.norm(self.conv(x)), inplace=True)
        return self.head(self.blocks(x).mean(dim=(2, 3)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, the stride on the first, as in the paper."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        out = 4 * filters
        self.shortcut = None
        if channels != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride), nn.BatchNorm2d(out, eps=1.001e-5)
            )
        self.conv1 = nn.Conv2d(channels, filters, 1, stride)
        self.norm1 = nn.BatchNorm2d(filters, eps=1.001e-5)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1)
        self.norm2 = nn.BatchNorm2d(filters, eps=1.001e-5)
        self.conv3 = nn.Conv2d(filters, out, 1)
        self.norm3 = nn.BatchNorm2d(out, eps=1.001e-5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the block's feature maps."""
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = functional.relu(self.norm2(self.conv2(y)), inplace=True)
        y = self.norm3(self.conv3(y))
        y = y + (x if self.shortcut is None else self.shortcut(x))
        return functional.relu(y, inplace=True)


class ResNet50(nn.Module):
    """As keras.applications has it, 25,636,712 parameters."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 7, 2, 3)
        self.norm = nn.BatchNorm2d(64, eps=1.001e-5)
        blocks, channels = [], 64
        for filters, depth, first in (
            (64, 3, 1),
            (128, 4, 2),
            (256, 6, 2),
            (512, 3, 2),
        ):
            for place in range(depth):
                blocks.append(Bottleneck(channels, filters, 1 if place else first))
                channels = 4 * filters
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(2048, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns logits."""
        x = functional.relu(self.norm(self.conv(x)), inplace=True)
        x = functional.max_pool2d(x, 3, 2, 1)
        return self.head(self.blocks(x).mean(dim=(2, 3)))
