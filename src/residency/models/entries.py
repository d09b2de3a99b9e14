"""The one table of networks: name, builder, paper, size. Read without Keras.

First the papers and the families, then the table, `ENTRIES`, a line a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

HE2015 = "He et al., 2015, https://arxiv.org/abs/1512.03385"
XIE2017 = "Xie et al., 2017, https://arxiv.org/abs/1611.05431"
HE2016 = "He et al., 2016, https://arxiv.org/abs/1603.05027"
HE2019 = "He et al., 2019, https://arxiv.org/abs/1812.01187"
HU2018 = "Hu et al., 2018, https://arxiv.org/abs/1709.01507"
REDMON2018 = "Redmon and Farhadi, 2018, https://arxiv.org/abs/1804.02767"
ZAGORUYKO2016 = "Zagoruyko and Komodakis, 2016, https://arxiv.org/abs/1605.07146"
HUANG2017 = "Huang et al., 2017, https://arxiv.org/abs/1608.06993"
LECUN1998 = "LeCun et al., 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf"
LIN2013 = "Lin et al., 2013, https://arxiv.org/abs/1312.4400"
TAN2019 = "Tan and Le, 2019, https://arxiv.org/abs/1905.11946"
SIMONYAN2014 = "Simonyan and Zisserman, 2014, https://arxiv.org/abs/1409.1556"

RESIDUAL = (
    "activation",
    "zero_gamma",
    "stochastic_depth",
    "dropout",
    "head",
    "classifier_bias",
    "name",
)
"""Options of every residual network: the fields of `ResidualOptions`, and the name."""
RESNET = ("squeeze_excite", "stem", "conv_bias", *RESIDUAL)
"""Options of every ResNet of one version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One network of the catalog."""

    name: str
    builder: str
    """`"module:function"` in this folder."""
    parameters: int
    """Of the default head, moving statistics included; tests count them."""
    description: str
    paper: str
    num_classes: int
    """Of the default head."""
    image_size: int
    """Default side in pixels."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Builder arguments that make this one of its family."""
    options: tuple[str, ...] = ()
    """Builder arguments that a user may set."""


def _cifar_resnet(depth: int, parameters: int) -> Entry:
    return Entry(
        name=f"cifar_resnet{depth}",
        builder="cifar_resnet:CIFARResNet",
        parameters=parameters,
        description=f"{depth} layers for small images, three stages of 16, 32, 64",
        paper=f"{HE2015}, section 4.2",
        num_classes=10,
        image_size=32,
        fixed={"depth": depth},
        options=("shortcut", *RESIDUAL),
    )


def _cifar_resnet_v2(depth: int, bottleneck: bool, parameters: int) -> Entry:
    units = "bottlenecks" if bottleneck else "basic units"
    return Entry(
        name=f"cifar_resnet{depth}_v2",
        builder="cifar_resnet_v2:CIFARResNetV2",
        parameters=parameters,
        description=f"{depth} layers for small images, {units}, activation first",
        paper=f"{HE2016}, section 5",
        num_classes=10,
        image_size=32,
        fixed={"depth": depth, "bottleneck": bottleneck},
        options=RESIDUAL,
    )


def _resnet(depth: int, parameters: int) -> Entry:
    block = "basic" if depth < 50 else "bottleneck"
    return Entry(
        name=f"resnet{depth}",
        builder="resnet:ResNet",
        parameters=parameters,
        description=f"{depth} layers of {block} blocks, version 1",
        paper=f"{HE2015}, table 1",
        num_classes=1000,
        image_size=224,
        fixed={"depth": depth},
        options=("version", *RESNET),
    )


def _resnet_v1_5(depth: int, parameters: int) -> Entry:
    return replace(
        _resnet(depth, parameters),
        name=f"resnet{depth}_v1_5",
        description=f"{depth} layers of bottleneck blocks, stride on the 3x3",
        paper=f"{HE2015}, table 1; as in torchvision",
        fixed={"depth": depth, "version": "1.5"},
        options=RESNET,
    )


def _resnet_cifar(depth: int, parameters: int) -> Entry:
    return Entry(
        name=f"resnet{depth}_cifar",
        builder="resnet:ResNet",
        parameters=parameters,
        description=f"ResNet-{depth} for small images: first a 3x3 without stride",
        paper=f"{HE2015}, table 1, with the first layer of section 4.2",
        num_classes=10,
        image_size=32,
        fixed={"depth": depth, "version": "1.5", "stem": "cifar"},
        options=("squeeze_excite", "conv_bias", *RESIDUAL),
    )


def _resnet_v2(depth: int, parameters: int) -> Entry:
    return Entry(
        name=f"resnet{depth}_v2",
        builder="resnet_v2:ResNetV2",
        parameters=parameters,
        description=f"{depth} layers of bottleneck blocks, activation first",
        paper=f"{HE2016}, section 5; as in keras.applications",
        num_classes=1000,
        image_size=224,
        fixed={"depth": depth},
        options=("stem", *RESIDUAL),
    )


def _resnext29(cardinality: int, group_width: int, parameters: int) -> Entry:
    return Entry(
        name=f"resnext29_{cardinality}x{group_width}d",
        builder="resnext:ResNeXt29",
        parameters=parameters,
        description=f"29 layers for small images, {cardinality} groups",
        paper=f"{XIE2017}, section 5.3",
        num_classes=10,
        image_size=32,
        fixed={"cardinality": cardinality, "group_width": group_width},
        options=RESIDUAL,
    )


def _resnext(depth: int, cardinality: int, group_width: int, parameters: int) -> Entry:
    groups = {"cardinality": cardinality, "group_width": group_width}
    return Entry(
        name=f"resnext{depth}_{cardinality}x{group_width}d",
        builder="resnext:ResNeXt",
        parameters=parameters,
        description=f"{depth} layers of bottleneck blocks, {cardinality} groups",
        paper=f"{XIE2017}, table 1",
        num_classes=1000,
        image_size=224,
        fixed={"depth": depth, **groups},
        options=("squeeze_excite", "stem", *RESIDUAL),
    )


def _vgg(depth: int, batch_norm: bool, parameters: int) -> Entry:
    return Entry(
        name=f"vgg{depth}_bn" if batch_norm else f"vgg{depth}",
        builder=f"vgg:VGG{depth}",
        parameters=parameters,
        description=f"{depth} layers without shortcuts"
        + (", with batch normalisation" if batch_norm else ""),
        paper=f"{SIMONYAN2014}, table 1",
        num_classes=1000,
        image_size=224,
        fixed={"batch_norm": batch_norm},
        options=("dropout", "name"),
    )


_RESNEXT29_8X16D = Entry(
    name="resnext29_8x16d",
    builder="resnext:ResNeXt29",
    parameters=5_671_872,
    description="29 layers for small images, 8 thin groups, no bias at the end",
    paper=f"{XIE2017}, a quarter of the 8x64d of section 5.3 in width",
    num_classes=10,
    image_size=32,
    fixed={"cardinality": 8, "group_width": 16, "classifier_bias": False},
    options=tuple(option for option in RESIDUAL if option != "classifier_bias"),
)

_DARKNET53 = Entry(
    name="darknet53",
    builder="darknet:Darknet53",
    parameters=41_645_640,
    description="53 layers, the body of YOLOv3",
    paper=f"{REDMON2018}, table 1",
    num_classes=1000,
    image_size=256,
    options=RESIDUAL,
)

_RESNET50_D = replace(
    _resnet(50, 25_629_512),
    name="resnet50_d",
    description="ResNet-50 with three 3x3 first and means in its shortcuts",
    paper=f"{HE2019}, section 4",
    fixed={"depth": 50, "version": "D"},
    options=RESNET,
)

_SE_RESNET50 = replace(
    _resnet(50, 28_141_144),
    name="se_resnet50",
    description="ResNet-50, stride on the 3x3, channels weighed in each block",
    paper=f"{HU2018}, table 1; as in timm",
    fixed={"depth": 50, "version": "1.5", "squeeze_excite": True},
    options=tuple(option for option in RESNET if option != "squeeze_excite"),
)

_RESNET50_KERAS2 = Entry(
    name="resnet50_keras2",
    builder="resnet_keras2:ResNet50Keras2",
    parameters=25_636_712,
    description="ResNet-50 with the layer names of Keras 1 and 2",
    paper=f"{HE2015}, table 1",
    num_classes=1000,
    image_size=224,
    options=RESIDUAL,
)

_SE_RESNEXT50 = replace(
    _resnext(50, 32, 4, 27_628_120),
    name="se_resnext50_32x4d",
    description="ResNeXt-50, 32 groups, channels weighed in each block",
    paper=f"{HU2018}, table 1",
    fixed={"depth": 50, "cardinality": 32, "group_width": 4, "squeeze_excite": True},
    options=("stem", *RESIDUAL),
)

_EFFICIENTNET_LITE0 = Entry(
    name="efficientnet_lite0",
    builder="efficientnet_lite:EfficientNetLite0",
    parameters=4_694_024,
    description="16 inverted bottleneck blocks with relu6, for small devices",
    paper=f"{TAN2019}, table 1, without squeeze-and-excitation",
    num_classes=1000,
    image_size=224,
    options=("dropout", "stochastic_depth", "name"),
)


def _wide_resnet(depth: int, width: int, parameters: int) -> Entry:
    return Entry(
        name=f"wide_resnet{depth}_{width}",
        builder="wide_resnet:WideResNet",
        parameters=parameters,
        description=f"{depth} layers for small images, {width} times as wide",
        paper=f"{ZAGORUYKO2016}, table 1",
        num_classes=10,
        image_size=32,
        fixed={"depth": depth, "width": width},
        options=("dropout", "name"),
    )


def _densenet_bc(depth: int, growth: int, parameters: int) -> Entry:
    return Entry(
        name=f"densenet_bc{depth}_{growth}",
        builder="densenet:DenseNetBC",
        parameters=parameters,
        description=f"{depth} layers for small images, {growth} new maps each",
        paper=f"{HUANG2017}, table 2",
        num_classes=10,
        image_size=32,
        fixed={"depth": depth, "growth": growth},
        options=("dropout", "name"),
    )


def _densenet(depth: int, parameters: int) -> Entry:
    return Entry(
        name=f"densenet{depth}",
        builder=f"densenet:DenseNet{depth}",
        parameters=parameters,
        description=f"{depth} layers, each reads all before it in its block",
        paper=f"{HUANG2017}, table 1",
        num_classes=1000,
        image_size=224,
        options=("name",),
    )


_LENET = Entry(
    name="lenet",
    builder="lenet:LeNet",
    parameters=62_006,
    description="LeNet-5: 5 layers for small images, to check a set-up",
    paper=f"{LECUN1998}, section II.B",
    num_classes=10,
    image_size=32,
    options=("activation", "name"),
)

_NETWORK_IN_NETWORK = Entry(
    name="network_in_network",
    builder="network_in_network:NetworkInNetwork",
    parameters=966_986,
    description="9 layers for small images, no normalisation",
    paper=f"{LIN2013}, section 4.2",
    num_classes=10,
    image_size=32,
    options=("dropout", "name"),
)

ENTRIES = (
    _cifar_resnet(20, 271_098),
    _cifar_resnet(32, 466_426),
    _cifar_resnet(44, 661_754),
    _cifar_resnet(56, 857_082),
    _cifar_resnet(110, 1_736_058),
    _cifar_resnet_v2(110, False, 1_736_058),
    _cifar_resnet_v2(164, True, 1_727_482),
    _cifar_resnet_v2(1001, True, 10_476_922),
    _resnet(18, 11_699_112),
    _resnet(34, 21_814_696),
    _resnet(50, 25_636_712),
    _resnet(101, 44_707_176),
    _resnet(152, 60_419_944),
    _resnet_v1_5(50, 25_610_152),
    _resnet_v1_5(101, 44_654_504),
    _resnet_v1_5(152, 60_344_232),
    _RESNET50_D,
    _SE_RESNET50,
    _resnet_v2(50, 25_613_800),
    _resnet_v2(101, 44_675_560),
    _resnet_v2(152, 60_380_648),
    _RESNET50_KERAS2,
    _resnet_cifar(18, 11_183_562),
    _resnet_cifar(50, 23_573_962),
    _RESNEXT29_8X16D,
    _resnext29(4, 64, 17_598_410),
    _resnext29(8, 64, 34_484_170),
    _resnext29(16, 64, 68_255_690),
    _resnext(50, 32, 4, 25_097_128),
    _resnext(101, 32, 4, 44_315_560),
    _resnext(101, 32, 8, 88_994_216),
    _SE_RESNEXT50,
    _DARKNET53,
    _EFFICIENTNET_LITE0,
    _vgg(16, False, 138_357_544),
    _vgg(19, False, 143_667_240),
    _vgg(16, True, 138_374_440),
    _vgg(19, True, 143_689_256),
    _wide_resnet(16, 8, 10_968_570),
    _wide_resnet(28, 10, 36_497_146),
    _densenet_bc(100, 12, 793_150),
    _densenet_bc(190, 40, 25_881_390),
    _densenet_bc(250, 24, 15_582_382),
    _densenet(121, 8_062_504),
    _densenet(169, 14_307_880),
    _densenet(201, 20_242_984),
    _LENET,
    _NETWORK_IN_NETWORK,
)
"""Every network, by family and then by size."""
