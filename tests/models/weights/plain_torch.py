"""Networks in plain torch whose modules are named as in torchvision and timm.

Written from the papers and from the names in `torch_origins`; torchvision is not
needed. They take `(batch, 3, height, width)` after preprocessing and give logits.
"""

import torch
from torch import nn
from torch.nn import functional


def conv(inputs, outputs, size, stride=1, groups=1, bias=False):
    return nn.Conv2d(
        inputs, outputs, size, stride, (size - 1) // 2, groups=groups, bias=bias
    )


class SqueezeExcite(nn.Module):
    """timm/layers/squeeze_excite.py: the hidden layer's width is a multiple of 8."""

    def __init__(self, channels):
        super().__init__()
        hidden = max(8, (channels // 16 + 4) // 8 * 8)
        self.fc1 = conv(channels, hidden, 1, bias=True)
        self.fc2 = conv(hidden, channels, 1, bias=True)

    def forward(self, x):
        weights = self.fc2(functional.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(weights)


class Basic(nn.Module):
    def __init__(self, inputs, width, stride, **unused):
        super().__init__()
        self.conv1 = conv(inputs, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = projection(inputs, width, stride)

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return functional.relu(
            y + (x if self.downsample is None else self.downsample(x))
        )


class Bottleneck(nn.Module):
    def __init__(
        self, inputs, width, stride, groups=1, group_width=64, se=False, pooled=False
    ):
        super().__init__()
        inner = width * group_width // 64 * groups
        self.conv1 = conv(inputs, inner, 1)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = conv(inner, inner, 3, stride, groups)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = conv(inner, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        if se:
            self.se = SqueezeExcite(4 * width)
        shortcut = pooled_projection if pooled else projection
        self.downsample = shortcut(inputs, 4 * width, stride)

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y = self.se(y) if hasattr(self, "se") else y
        return functional.relu(
            y + (x if self.downsample is None else self.downsample(x))
        )


def projection(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


def pooled_projection(inputs, outputs, stride):
    """timm's `downsample_avg`: the last pixels of an odd side have a smaller mean."""
    if stride == 1 and inputs == outputs:
        return None
    pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(
        pool if stride == 2 else nn.Identity(),
        conv(inputs, outputs, 1),
        nn.BatchNorm2d(outputs),
    )


def deep_stem():
    """timm's `stem_type="deep"` with `stem_width=32`; its last norm is `bn1`."""
    return nn.Sequential(
        conv(3, 32, 3, 2),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        conv(32, 32, 3),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        conv(32, 64, 3),
    )


class ResNet(nn.Module):
    """torchvision's `resnet18`, `resnet50` (version 1.5) and `resnext50_32x4d`; with
    `se`, timm's `seresnet50` and `seresnext50_32x4d`; `pooled`, its `resnet50d`."""

    def __init__(self, blocks, block=Bottleneck, classes=1000, **groups):
        super().__init__()
        grows = 1 if block is Basic else 4
        deep = groups.get("pooled", False)
        self.conv1 = deep_stem() if deep else nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, number in enumerate(blocks):
            width = 64 * 2**stage
            parts = []
            for place in range(number):
                stride = 2 if stage > 0 and place == 0 else 1
                parts.append(block(inputs, width, stride, **groups))
                inputs = width * grows
            self.add_module(f"layer{stage + 1}", nn.Sequential(*parts))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class VGG(nn.Module):
    """torchvision's `vgg16` and `vgg16_bn`, for any side in pixels."""

    def __init__(self, blocks, batch_norm, side, classes=1000):
        super().__init__()
        parts, inputs = [], 3
        for width, number in zip((64, 128, 256, 512, 512), blocks, strict=True):
            for _ in range(number):
                parts.append(nn.Conv2d(inputs, width, 3, padding=1))
                parts += [nn.BatchNorm2d(width)] if batch_norm else []
                parts.append(nn.ReLU())
                inputs = width
            parts.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(
            nn.Linear(512 * (side // 32) ** 2, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, classes),
        )

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class DenseLayer(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, 128, 1)
        self.norm2 = nn.BatchNorm2d(128)
        self.conv2 = conv(128, 32, 3)

    def forward(self, x):
        y = self.conv1(functional.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(functional.relu(self.norm2(y)))], 1)


class Transition(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = conv(inputs, inputs // 2, 1)

    def forward(self, x):
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2)


class DenseNet(nn.Module):
    """torchvision's `densenet121`: growth 32."""

    def __init__(self, blocks=(6, 12, 24, 16), classes=1000):
        super().__init__()
        features = nn.Module()
        features.conv0 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        features.norm0 = nn.BatchNorm2d(64)
        channels = 64
        for stage, number in enumerate(blocks, start=1):
            block = nn.Module()
            for place in range(1, number + 1):
                block.add_module(f"denselayer{place}", DenseLayer(channels))
                channels += 32
            features.add_module(f"denseblock{stage}", block)
            if stage < len(blocks):
                features.add_module(f"transition{stage}", Transition(channels))
                channels //= 2
        features.norm5 = nn.BatchNorm2d(channels)
        self.features = features
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x):
        first = functional.relu(self.features.norm0(self.features.conv0(x)))
        x = functional.max_pool2d(first, 3, 2, 1)
        for name, part in list(self.features.named_children())[2:-1]:
            for layer in part.children() if name.startswith("dense") else [part]:
                x = layer(x)
        return self.classifier(functional.relu(self.features.norm5(x)).mean((2, 3)))


class ConvNormAct(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1):
        super().__init__()
        self.conv = conv(inputs, outputs, size, stride)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return functional.leaky_relu(self.bn(self.conv(x)))  # 0.01, as in timm


class DarkBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = ConvNormAct(channels, channels // 2, 1)
        self.conv2 = ConvNormAct(channels // 2, channels, 3)

    def forward(self, x):
        return x + self.conv2(self.conv1(x))


class Darknet53(nn.Module):
    """timm's `darknet53`."""

    def __init__(self, classes=1000):
        super().__init__()
        self.stem = nn.Sequential()
        self.stem.conv1 = ConvNormAct(3, 32, 3)
        self.stages = nn.Sequential()
        for stage, number in enumerate((1, 2, 8, 8, 4)):
            part, channels = nn.Module(), 64 * 2**stage
            part.conv_down = ConvNormAct(channels // 2, channels, 3, 2)
            part.blocks = nn.Sequential(*(DarkBlock(channels) for _ in range(number)))
            self.stages.add_module(str(stage), part)
        self.head = nn.Module()
        self.head.fc = nn.Linear(1024, classes)

    def forward(self, x):
        x = self.stem.conv1(x)
        for stage in self.stages.children():
            x = stage.blocks(stage.conv_down(x))
        return self.head.fc(x.mean((2, 3)))


def lively(net, seed=0):
    """Draws every array of `net` so that no two batch normalisations agree."""
    draws = torch.Generator().manual_seed(seed)
    for name, array in net.state_dict().items():
        if array.ndim == 0:
            array.fill_(7)
        elif array.ndim > 1:
            fan_in = array[0].numel()
            array.normal_(0, (2 / fan_in) ** 0.5, generator=draws)
        elif name.endswith(("bn3.weight", "conv2.bn.weight")):  # sums stay small
            array.uniform_(0.1, 0.3, generator=draws)
        elif name.endswith(("running_var", "weight")):
            array.uniform_(0.5, 1.0, generator=draws)
        else:
            array.normal_(0, 0.1, generator=draws)
    return net.eval()
