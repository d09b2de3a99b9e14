"""ResNeXt-29 with 8 groups of 16 channels."""

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """1x1, grouped 3x3, 1x1, the stride on the second."""

    def __init__(self, channels: int, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.shortcut = None
        if channels != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=8, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the block's feature maps."""
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = functional.relu(self.norm2(self.conv2(y)), inplace=True)
        y = self.norm3(self.conv3(y))
        y = y + (x if self.shortcut is None else self.shortcut(x))
        return functional.relu(y, inplace=True)


class ResNeXt29(nn.Module):
    """5,671,872 parameters, moving statistics included."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(64)
        blocks, channels = [], 64
        for width in (128, 256, 512):
            for place in range(3):
                stride = 2 if width > 128 and place == 0 else 1
                blocks.append(Block(channels, width, 2 * width, stride))
                channels = 2 * width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(1024, classes, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns logits."""
        x = functional.relu(self.norm(self.conv(x)), inplace=True)
        return self.head(self.blocks(x).mean(dim=(2, 3)))
