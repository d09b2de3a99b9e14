"""VGG-16."""

import torch
from torch import nn

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class VGG16(nn.Module):
    """138,357,544 parameters at 224 pixels and 1000 classes."""

    def __init__(self, classes: int = 1000, pixels: int = 224) -> None:
        super().__init__()
        layers, channels = [], 3
        for filters, convolutions in STAGES:
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, filters, 3, 1, 1), nn.ReLU(inplace=True)]
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(512 * (pixels // 32) ** 2, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns logits."""
        return self.head(self.layers(x).flatten(1))
