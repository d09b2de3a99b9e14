"""Files in the layouts of torchvision and timm, against plain torch in float64."""

import re

import keras
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from residency.errors import ConfigError
from residency.models import ResNeXt, build, load_weights

from ...engine.lowering.parity import float64
from .. import plain_efficientnet_lite0
from . import plain_torch as plain

MEAN, STD = np.array((123.675, 116.28, 103.53)), np.array((58.395, 57.12, 57.375))

CASES = {
    "resnet18": lambda: plain.ResNet((2, 2, 2, 2), plain.Basic, 7),
    "resnet50_v1_5": lambda: plain.ResNet((3, 4, 6, 3), classes=7),
    "resnext50_32x4d": lambda: plain.ResNet(
        (3, 4, 6, 3), classes=7, groups=32, group_width=4
    ),
    "se_resnet50": lambda: plain.ResNet((3, 4, 6, 3), classes=7, se=True),
    "se_resnext50_32x4d": lambda: plain.ResNet(
        (3, 4, 6, 3), classes=7, groups=32, group_width=4, se=True
    ),
    "resnet50_d": lambda: plain.ResNet((3, 4, 6, 3), classes=7, pooled=True),
    "vgg16_bn": lambda: plain.VGG((2, 2, 3, 3, 3), True, 64, 7),
    "vgg19": lambda: plain.VGG((2, 2, 4, 4, 4), False, 64, 7),
    "densenet121": lambda: plain.DenseNet(classes=7),
    "darknet53": lambda: plain.Darknet53(classes=7),
}

# What the real files have: arrays, and some names with their shapes. From the state
# dicts of torchvision 0.20 and timm 1.0, as their sources define them; those of
# seresnet50, seresnext50_32x4d and resnet50d were read from timm 1.0.31's own networks.
SPOTS = {
    "resnet18": (122, {"layer2.0.downsample.0.weight": (128, 64, 1, 1)}),
    "resnet50_v1_5": (320, {"layer1.0.conv2.weight": (64, 64, 3, 3)}),
    "resnext50_32x4d": (320, {"layer1.0.conv2.weight": (128, 4, 3, 3)}),
    "se_resnet50": (
        384,
        {
            "layer1.0.se.fc1.weight": (16, 256, 1, 1),
            "layer4.2.se.fc2.bias": (2048,),
            "layer1.0.downsample.1.running_var": (256,),
        },
    ),
    "se_resnext50_32x4d": (
        384,
        {
            "layer1.0.conv2.weight": (128, 4, 3, 3),
            "layer4.0.se.fc2.weight": (2048, 128, 1, 1),
        },
    ),
    "resnet50_d": (
        332,
        {
            "conv1.0.weight": (32, 3, 3, 3),
            "conv1.4.running_mean": (32,),
            "conv1.6.weight": (64, 32, 3, 3),
            "layer1.0.downsample.1.weight": (256, 64, 1, 1),
            "layer2.0.downsample.2.weight": (512,),
        },
    ),
    "vgg16_bn": (97, {"features.40.weight": (512, 512, 3, 3)}),
    "vgg19": (38, {"features.34.weight": (512, 512, 3, 3)}),
    "densenet121": (
        727,
        {"features.denseblock4.denselayer16.conv2.weight": (32, 128, 3, 3)},
    ),
    "darknet53": (314, {"stages.4.blocks.3.conv2.conv.weight": (1024, 512, 3, 3)}),
}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("f4")


def logits(model, images):
    return keras.Model(model.input, model.get_layer("predictions").output).predict(
        images, verbose=0
    )


def exact(net, images):
    """Logits of plain torch in float64, and their size."""
    pixels = torch.tensor((images - MEAN) / STD).permute(0, 3, 1, 2)
    with torch.no_grad():
        found = net.double()(pixels).numpy()
    assert found.std(axis=0).mean() > 0.005, "the images make no difference"
    return found, np.abs(found).max()


@pytest.mark.parametrize("name", CASES)
def test_equal_to_plain_torch(name, images, tmp_path):
    """Float32 differs by 5e-6 of the largest logit at most."""
    net = plain.lively(CASES[name]())
    count, spots = SPOTS[name]
    state = net.state_dict()
    assert len(state) == count
    assert {n: tuple(state[n].shape) for n in spots} == spots
    torch.save(state, tmp_path / "a.pth")
    model = build(name, num_classes=7, image_size=64, weights=tmp_path / "a.pth")
    expected, size = exact(net, images)
    assert np.abs(logits(model, images) - expected).max() / size < 5e-6
    assert load_weights(model, tmp_path / "a.pth").remarkable == ()


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", 64),
        ("densenet121", 64),
        ("se_resnet50", 64),
        ("se_resnext50_32x4d", 64),
        ("resnet50_d", 75),  # of its maps of 19 and 5 pixels the last is a mean of one
    ],
)
def test_equal_to_plain_torch_in_float64(name, size, tmp_path):
    """The arithmetic without its rounding: 1e-12 of the largest logit."""
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3)).astype("f4")
    net = plain.lively(CASES[name]()).double()
    torch.save(net.state_dict(), tmp_path / "a.pth")
    with float64():
        model = build(name, num_classes=7, image_size=size, weights=tmp_path / "a.pth")
        inside = model.get_layer("preprocessing").output
        net_alone = keras.Model(inside, model.get_layer("predictions").output)
        pixels = ((images - MEAN) / STD).astype("f4")
        got = keras.ops.convert_to_numpy(net_alone(pixels))
    expected, size = exact(net, pixels.astype("f8") * STD + MEAN)
    assert np.abs(got - expected).max() / size < 1e-12


def test_a_version_that_the_file_decides(tmp_path):
    """`resnet50` can be any version: version D for a file of timm's `resnet50d`."""
    torch.save(plain.lively(CASES["resnet50_d"]()).state_dict(), tmp_path / "a.pth")
    model = build("resnet50", num_classes=7, image_size=64, weights=tmp_path / "a.pth")
    assert model.count_params() == build("resnet50_d", num_classes=7).count_params()
    assert "timm's resnetaa" in load_weights(model, tmp_path / "a.pth").notes[0]


@pytest.mark.parametrize("network", ["se_resnet50", "resnet50_d"])
def test_the_network_of_a_file_is_named_and_no_part_of_it_taken(network, tmp_path):
    torch.save(CASES[network]().state_dict(), tmp_path / "a.pth")
    model = build("resnet50_v1_5", num_classes=7, image_size=64)
    before = model.get_weights()
    with pytest.raises(ConfigError, match=f"The file looks like '{network}'"):
        load_weights(model, tmp_path / "a.pth")
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_hidden_layer_of_another_width_is_a_fault(tmp_path):
    """timm's SE of 64 channels has 8 in between, the paper's sixteenth is 4."""
    net = plain.ResNet((2, 2, 2, 2), plain.Basic, 7)
    for stage in range(4):
        for block in getattr(net, f"layer{stage + 1}"):
            block.se = plain.SqueezeExcite(64 * 2**stage)
    torch.save(net.state_dict(), tmp_path / "seresnet18.pth")
    model = build("resnet18", num_classes=7, image_size=64, squeeze_excite=True)
    with pytest.raises(ConfigError, match=r"\(1, 1, 64, 8\) in the file and \(1, 1, 6"):
        load_weights(model, tmp_path / "seresnet18.pth")


def test_networks_of_timm_with_another_pooling_are_refused(tmp_path):
    """`legacy_seresnet50`: names of timm/models/senet.py, a part of them will do."""
    state = {"layer0.conv1.weight": torch.zeros(64, 3, 7, 7)}
    state["layer1.0.conv1.weight"] = torch.zeros(64, 64, 1, 1)
    state["layer1.0.se_module.fc1.weight"] = torch.zeros(16, 256, 1, 1)
    torch.save(state, tmp_path / "legacy.pth")
    with pytest.raises(ConfigError, match="older SENet: its first pooling has no pad"):
        build("se_resnet50", num_classes=7, weights=tmp_path / "legacy.pth")


def test_safetensors_with_the_same_names(images, tmp_path):
    net = plain.lively(CASES["resnet18"]())
    save_file(net.half().state_dict(), tmp_path / "a.safetensors")
    model = build(
        "resnet18", num_classes=7, image_size=64, weights=tmp_path / "a.safetensors"
    )
    expected, size = exact(net, images)
    assert np.abs(logits(model, images) - expected).max() / size < 5e-6


def test_wide_resnet50_2_is_a_resnext_of_one_wide_group(images, tmp_path):
    net = plain.lively(plain.ResNet((3, 4, 6, 3), classes=7, group_width=128))
    assert net.layer1[0].conv2.weight.shape == (128, 128, 3, 3)
    torch.save(net.state_dict(), tmp_path / "wide_resnet50_2.pth")
    model = ResNeXt(50, 1, 128, num_classes=7, image_size=64)
    assert load_weights(model, tmp_path / "wide_resnet50_2.pth").remarkable == ()
    expected, size = exact(net, images)
    assert np.abs(logits(model, images) - expected).max() / size < 5e-6


def test_the_old_names_of_densenet(tmp_path):
    """The files of the model zoo say `norm.1` for `norm1`; torchvision changes them."""
    state = plain.lively(plain.DenseNet(classes=7)).state_dict()
    old = {re.sub(r"(norm|conv)([12])\.", r"\1.\2.", n): a for n, a in state.items()}
    assert "features.denseblock1.denselayer1.norm.1.running_var" in old
    torch.save(old, tmp_path / "old.pth")
    model = build(
        "densenet121", num_classes=7, image_size=64, weights=tmp_path / "old.pth"
    )
    torch.save(state, tmp_path / "new.pth")
    before = model.get_weights()
    load_weights(model, tmp_path / "new.pth")
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_head_of_timms_vgg(tmp_path):
    """Two convolutions over all of the map, with the weights of the dense layers."""
    state = plain.lively(CASES["vgg19"]()).state_dict()
    torch.save(state, tmp_path / "a.pth")
    timm = {n: a for n, a in state.items() if n.startswith("features")}
    for theirs, ours in (("pre_logits.fc1", "0"), ("pre_logits.fc2", "3")):
        weight = state[f"classifier.{ours}.weight"]
        side = 2 if ours == "0" else 1
        timm[f"{theirs}.weight"] = weight.reshape(4096, -1, side, side)
        timm[f"{theirs}.bias"] = state[f"classifier.{ours}.bias"]
    timm["head.fc.weight"] = state["classifier.6.weight"]
    timm["head.fc.bias"] = state["classifier.6.bias"]
    torch.save(timm, tmp_path / "timm.pth")
    model = build("vgg19", num_classes=7, image_size=64, weights=tmp_path / "a.pth")
    before = model.get_weights()
    assert load_weights(model, tmp_path / "timm.pth").remarkable == ()
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_dense_layer_made_for_other_pixels_is_new_and_those_behind_it(tmp_path):
    torch.save(plain.lively(CASES["vgg19"]()).state_dict(), tmp_path / "a.pth")
    model = build("vgg19", num_classes=7, image_size=32)
    report = load_weights(model, tmp_path / "a.pth")
    assert [(x.layer, x.status) for x in report.remarkable][:3] == [
        ("fc1", "new"),
        ("fc2", "new"),
        ("predictions", "new"),
    ]
    assert "(2048, 4096) in the file and (512, 4096) here" in report.layers[16].reason


def test_efficientnet_lite0(tmp_path):
    """Probabilities of seven classes: float32 is off by 1e-5 at most."""
    state = plain_efficientnet_lite0.random_state(classes=7)
    torch.save(state, tmp_path / "a.pth")
    model = build("efficientnet_lite0", num_classes=7, weights=tmp_path / "a.pth")
    images = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype("f4")
    wide = {name: value.double() for name, value in state.items()}
    expected = plain_efficientnet_lite0.forward(wide, torch.tensor(images).double())
    np.testing.assert_allclose(
        model.predict(images, verbose=0), expected.softmax(1).numpy(), atol=1e-5
    )


def test_slope_and_epsilon_come_with_the_weights(tmp_path):
    net = plain.lively(plain.Darknet53(7))
    torch.save(net.state_dict(), tmp_path / "a.pth")
    model = build("darknet53", num_classes=7, image_size=64)
    assert model.get_layer("conv1_leaky_relu").negative_slope == pytest.approx(0.1)
    load_weights(model, tmp_path / "a.pth")
    assert model.get_layer("conv1_leaky_relu").negative_slope == 0.01
    assert model.get_layer("conv1_bn").epsilon == 1e-5
